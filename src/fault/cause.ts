/**
 * Why a fault happened: the most likely cause, the evidence for it, and what the evidence leaves open.
 * @module
 */
import type { Fault, Reason } from '../hardware/walk/types.ts';
import type { CauseName } from './cause-names.ts';
import { BESIDE, causeText, decidedBy } from './cause-words.ts';
import { historyEvidence, tableEvidence } from './evidence.ts';
import type { AddressHistory, LiveMapping } from './history.ts';
import type { Exclusion, FaultKind, Incident, Origin } from './incident.ts';
import { excludedCauses, followingCauses } from './rules.ts';
import type { TableView } from './tables.ts';

/** A cause that the evidence does not exclude, and what would decide. */
export interface Alternative {
  readonly name: CauseName;
  readonly why: string;
}

/** The likely cause of a fault. */
export interface FaultCause {
  readonly name: CauseName;
  /** The cause in one sentence. */
  readonly text: string;
  /** What speaks for it. */
  readonly evidence: readonly string[];
  /** Causes that are still possible. */
  readonly alternatives: readonly Alternative[];
  /** Causes that what was read excludes. */
  readonly excluded: readonly Exclusion[];
}

/** All that is known of a fault. */
export interface Evidence {
  readonly fault: Incident;
  readonly tables: TableView | undefined;
  readonly history: AddressHistory | undefined;
}

/** What the walk of the dump's tables comes to. */
type Found = 'leaf' | 'denied' | 'missing' | 'corrupted' | 'outside' | 'context' | 'flag' | 'output' | 'unknown';

/** Reasons of a walk that ends where the dump does, unless it is known to hold all memory there. */
const NOT_IN_DUMP: readonly (Reason | undefined)[] = [
  'table-outside-memory',
  'stream-outside-memory',
  'context-outside-memory',
];

const PAGE = 4096;
const CORRUPTED: readonly Reason[] = [
  'reserved-bits',
  'reserved-type',
  'block-not-allowed',
  'misaligned-block',
  'loop',
  'skipped-bits-set',
  'start-level-inconsistent',
];

/** Drivers write zero where nothing is mapped: anything else without the valid bit is not theirs. */
function foundFault(result: Fault, tables: TableView): Found | undefined {
  const { reason } = result;
  if (reason === 'never-mapped') return (result.entry ?? 0n) === 0n ? 'missing' : 'corrupted';
  if (reason.startsWith('permission-')) return 'denied';
  if (CORRUPTED.includes(reason)) return 'corrupted';
  if (NOT_IN_DUMP.includes(reason)) {
    const inside = result.entryAddress === undefined ? undefined : tables.inMemory(result.entryAddress);
    return inside === false ? 'corrupted' : undefined;
  }
  if (reason === 'input-outside-region') return 'outside';
  if (reason === 'access-flag' || reason === 'dirty-flag') return 'flag';
  if (reason === 'output-too-large') return 'output';
  return result.class === 'configuration' ? 'context' : 'unknown';
}

function foundBy(tables: TableView | undefined): Found | undefined {
  if (tables === undefined) return undefined;
  const { context, walk } = tables;
  if (walk !== undefined) return walk.result.ok ? 'leaf' : foundFault(walk.result, tables);
  if (context === undefined) return undefined;
  if (NOT_IN_DUMP.includes(context.reason) && tables.inMemory(context.entryAddress) !== false) return undefined;
  return context.action === 'fault' || context.action === 'abort' ? 'context' : 'unknown';
}

/** Kinds of fault that say their cause themselves. */
function byKind(fault: Incident, found: Found | undefined): CauseName | undefined {
  switch (fault.kind) {
    case 'configuration':
      return 'no-context';
    case 'interrupt':
      return 'interrupt-blocked';
    case 'unit':
    case 'device-timeout':
      return 'unit-error';
    case 'request':
      return 'unsupported-request';
    case 'external-abort':
      return found === 'corrupted' ? 'table-corrupted' : 'bus-error';
    case 'reserved-bits':
      return 'table-corrupted';
    case 'input-range':
      return 'input-range';
    case 'access-flag':
      return 'access-flag';
    case 'address-size':
      return found === 'corrupted' ? 'table-corrupted' : 'output-too-large';
    case 'conflict':
      return 'doubled-configuration';
    case 'software':
      return 'not-a-fault';
    default:
      return undefined;
  }
}

/** States of the tables that say the cause themselves, whatever the trace has. */
function byTables(found: Found | undefined): CauseName | undefined {
  if (found === 'corrupted') return 'table-corrupted';
  if (found === 'outside') return 'input-range';
  if (found === 'context') return 'no-context';
  if (found === 'flag') return 'access-flag';
  return found === 'output' ? 'output-too-large' : undefined;
}

/** True if the direction of the mapping forbids the access. */
function against(direction: string | undefined, access: string | undefined): boolean {
  return (direction === 'TO_DEVICE' && access === 'write') || (direction === 'FROM_DEVICE' && access === 'read');
}

/**
 * Mapped in the trace, not in the tables: one entry of a mapping is lost, or all of it is gone. A domain that is freed
 * takes its mappings along without an unmap event.
 */
function lostCause(tables: TableView | undefined, live: LiveMapping | undefined): CauseName {
  const others = live === undefined ? [] : [live.start, live.end - 1];
  return others.some((iova) => tables?.maps(iova)) ? 'table-corrupted' : 'use-after-unmap';
}

/** The address is live in the trace. */
function liveCause({ fault, history, tables }: Evidence, found: Found | undefined): CauseName {
  if (fault.kind !== 'translation') {
    if (found === 'denied' || against(history?.live?.by.direction, fault.access)) return 'wrong-direction';
    if (found === undefined && fault.kind === 'not-permitted') return 'wrong-direction';
  }
  if (found === 'missing' && history?.after === undefined) return lostCause(tables, history?.live);
  return 'stale-tlb';
}

function isAdjacent({ fault, tables, history }: Evidence): boolean {
  if (tables?.below !== undefined) return true;
  return history?.below !== undefined && Number(fault.iova) - history.below.end < PAGE;
}

/** The address is not live in the trace, or there is no trace. */
function absentCause(evidence: Evidence, found: Found | undefined): CauseName {
  const { fault, history } = evidence;
  if (history?.unmapped !== undefined && history.mapped !== undefined) return 'use-after-unmap';
  if (history?.unmapped !== undefined) return 'use-after-unmap';
  if (history?.after?.kind === 'map') return 'used-before-mapping';
  if (found === 'denied' && fault.kind !== 'translation') return 'wrong-direction';
  if (found === 'leaf' || found === 'denied') return 'stale-tlb';
  if (found === undefined && history === undefined)
    return fault.kind === 'translation' ? 'not-mapped' : 'not-permitted';
  return isAdjacent(evidence) ? 'overrun' : 'never-mapped';
}

function permissionCause({ fault, history }: Evidence, found: Found | undefined): CauseName {
  if (against(history?.live?.by.direction, fault.access)) return 'wrong-direction';
  const changed = history?.after !== undefined;
  return found === 'leaf' && !changed ? 'stale-tlb' : 'wrong-direction';
}

/** Without an address neither a dump nor a trace tells more than the hardware's word. */
function causeWithoutAddress(kind: FaultKind): CauseName {
  if (kind === 'permission') return 'wrong-direction';
  return kind === 'translation' ? 'not-mapped' : kind === 'not-permitted' ? 'not-permitted' : 'unknown';
}

function nameCause(evidence: Evidence, found: Found | undefined): CauseName {
  const { fault, history } = evidence;
  const own = fault.cause ?? byKind(fault, found) ?? byTables(found);
  if (own !== undefined) return own;
  if (fault.iova === undefined) return causeWithoutAddress(fault.kind);
  if (fault.kind === 'unknown' && evidence.tables === undefined && history === undefined) return 'unknown';
  if (fault.kind === 'permission') return permissionCause(evidence, found);
  return history?.live === undefined ? absentCause(evidence, found) : liveCause(evidence, found);
}

/** Causes that a trace or a dump excludes. */
function excludedByEvidence({ history, tables }: Evidence): Exclusion[] {
  const found: Exclusion[] = [];
  const exclude = (name: CauseName, why: string): void => {
    found.push({ name, why });
  };
  if (history !== undefined && history.unmapped === undefined && history.mapped !== undefined) {
    exclude('use-after-unmap', 'the trace has its map and no unmap of it before the fault');
  }
  if (history?.mapped !== undefined) exclude('never-mapped', 'the trace has a map of it');
  if (history !== undefined && history.after === undefined) {
    exclude('used-before-mapping', 'no map follows in the trace');
  }
  if (tables?.walk?.result.ok === true) exclude('table-corrupted', 'the walk in the dump is sound');
  return found;
}

/** The causes that remain beside the named one: those of the dump and the trace, else those of the incident alone. */
function candidatesOf(name: CauseName, { fault, tables, history }: Evidence): readonly CauseName[] {
  const isAlone = foundBy(tables) === undefined && history === undefined;
  return isAlone ? followingCauses(fault) : (BESIDE[name] ?? []);
}

interface Conclusion {
  readonly name: CauseName;
  readonly candidates: readonly CauseName[];
  readonly excluded: readonly Exclusion[];
}

function concludeAt(evidence: Evidence): Conclusion {
  const name = nameCause(evidence, foundBy(evidence.tables));
  return { name, candidates: candidatesOf(name, evidence), excluded: excludedByEvidence(evidence) };
}

/** Where the order of fault and calls is not known, only what holds for every order is claimed. */
function conclude(evidence: Evidence): Conclusion {
  const possible = evidence.history?.possible;
  if (possible === undefined) return concludeAt(evidence);
  const all = possible.map((history) => concludeAt({ ...evidence, history }));
  const names = [...new Set(all.map(({ name }) => name))];
  const [only] = all;
  if (names.length === 1 && only !== undefined) return { ...only, excluded: [] };
  const alone = nameCause({ ...evidence, history: undefined }, foundBy(evidence.tables));
  const open = names.length === 0 ? followingCauses(evidence.fault) : names;
  return { name: alone, candidates: open, excluded: [] };
}

/** The likely cause of an incident by its own lines alone, without dump and trace. */
export function causeByLines(fault: Incident): CauseName {
  return nameCause({ fault, tables: undefined, history: undefined }, undefined);
}

/** Who tells of it. */
const SAYS: Readonly<Record<Origin, string>> = {
  iommu: 'the hardware says',
  'device-mmu': "the device's own MMU says",
  software: 'the message',
};

/** The likely cause of a fault. */
export function inferCause(evidence: Evidence): FaultCause {
  const { fault, tables, history } = evidence;
  const { name, candidates, excluded: shown } = conclude(evidence);
  const words = [
    `${SAYS[fault.origin]}: ${fault.name}${fault.meaning === '' ? '' : `, ${fault.meaning}`}`,
    ...tableEvidence(tables),
    ...historyEvidence(fault, history),
    ...fault.notes,
  ];
  const excluded = [...excludedCauses(fault), ...shown].filter((one) => one.name !== name);
  const open = candidates.filter((other) => other !== name && !excluded.some((one) => one.name === other));
  const alternatives = open.map((other) => ({ name: other, why: decidedBy(other) }));
  return { name, text: causeText(name, fault.kind), evidence: words, alternatives, excluded };
}
