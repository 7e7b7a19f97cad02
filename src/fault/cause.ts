/**
 * Why a fault happened: the most likely cause, the evidence for it, and what the evidence leaves open.
 * @module
 */
import { hex } from '../address.ts';
import type { Fault, Leaf, Reason } from '../hardware/walk/types.ts';
import type { CauseName } from './cause-names.ts';
import { ALTERNATIVES, CAUSE_WORDS } from './cause-words.ts';
import type { AddressHistory, HistoryEntry, LiveMapping } from './history.ts';
import type { Incident } from './incident.ts';
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
  readonly alternatives: readonly Alternative[];
}

/** All that is known of a fault. */
export interface Evidence {
  readonly fault: Incident;
  readonly tables: TableView | undefined;
  readonly history: AddressHistory | undefined;
}

/** What the walk of the dump's tables comes to. */
type Found = 'leaf' | 'denied' | 'missing' | 'corrupted' | 'outside' | 'context' | 'flag' | 'output' | 'unknown';

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
function foundFault(result: Fault, tables: TableView): Found {
  const { reason } = result;
  if (reason === 'never-mapped') return (result.entry ?? 0n) === 0n ? 'missing' : 'corrupted';
  if (reason.startsWith('permission-')) return 'denied';
  if (CORRUPTED.includes(reason)) return 'corrupted';
  if (reason === 'table-outside-memory') {
    const inside = result.entryAddress === undefined ? undefined : tables.inMemory(result.entryAddress);
    return inside === false ? 'corrupted' : 'unknown';
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
  return context.action === 'fault' || context.action === 'abort' ? 'context' : 'unknown';
}

function make(name: CauseName, evidence: readonly string[], without: readonly CauseName[] = []): FaultCause {
  const alternatives = (ALTERNATIVES[name] ?? []).filter((other) => !without.includes(other.name));
  return { name, text: CAUSE_WORDS[name], evidence, alternatives };
}

function leafWords(leaf: Leaf): string {
  return `the tables in the dump map ${hex(leaf.iova)} + ${hex(leaf.size)} to ${hex(leaf.base)}, ${leaf.perms}`;
}

/** What the dump says, in words. */
function tableEvidence(tables: TableView | undefined): string[] {
  if (tables === undefined) return [];
  const { context, walk, below } = tables;
  const words: string[] = [];
  if (walk === undefined && context !== undefined) {
    words.push(
      `the context of the stream in the dump: ${context.action}${context.why === undefined ? '' : `, ${context.why}`}`,
    );
  }
  if (walk?.result.ok === true) words.push(leafWords(walk.result));
  if (walk?.result.ok === false) {
    const { reason, level, stage, entryAddress, entry } = walk.result;
    const at =
      entryAddress === undefined ? '' : ` at ${hex(entryAddress)}${entry === undefined ? '' : ` = ${hex(entry, 16)}`}`;
    words.push(`the walk in the dump ends at stage ${stage}, level ${level}${at}: ${reason}`);
  }
  if (below !== undefined) words.push(`directly below it ends a mapping: ${leafWords(below)}`);
  return words;
}

/** A distance of time in the unit that suits it. */
export function timeWords(seconds: number): string {
  if (seconds < 1e-3) return `${Math.round(seconds * 1e6)} µs`;
  return seconds < 1 ? `${(seconds * 1e3).toFixed(1)} ms` : `${seconds.toFixed(3)} s`;
}

function entryWords(entry: HistoryEntry): string {
  const direction = entry.direction === undefined ? '' : `, ${entry.direction}`;
  return `${hex(entry.iova)} + ${hex(entry.bytes)} by ${entry.task} at ${entry.seconds.toFixed(6)}${direction}`;
}

/** What the trace says, in words. */
function historyEvidence(fault: Incident, history: AddressHistory | undefined): string[] {
  if (history === undefined) return [];
  const { live, mapped, unmapped, after, below, domains } = history;
  const words: string[] = [];
  if (mapped !== undefined) words.push(`mapped: ${entryWords(mapped)}`);
  if (unmapped !== undefined) {
    const before =
      fault.seconds === undefined ? '' : `, ${timeWords(fault.seconds - unmapped.seconds)} before the fault`;
    words.push(`unmapped: ${entryWords(unmapped)}${before}`);
  }
  if (live !== undefined) words.push('no unmap of it in the trace before the fault was logged');
  if (mapped === undefined && unmapped === undefined) words.push('no call in the trace touches it before the fault');
  if (after !== undefined) words.push(`after the fault: ${after.kind} ${entryWords(after)}`);
  if (live === undefined && below !== undefined && Number(fault.iova) - below.end < PAGE) {
    words.push(`the mapping ${hex(below.start)} to ${hex(below.end)} ends directly below it`);
  }
  if (domains.length > 1) words.push(`the trace does not tell the domain: looked at ${domains.length}`);
  return words;
}

/** Kinds of fault that say their cause themselves. */
function byKind(fault: Incident, found: Found | undefined): CauseName | undefined {
  switch (fault.kind) {
    case 'configuration':
      return 'no-context';
    case 'interrupt':
      return 'interrupt-blocked';
    case 'unit':
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
    case 'device-timeout':
      return 'device-timeout';
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
  if (found === undefined && history === undefined) return 'not-mapped';
  return isAdjacent(evidence) ? 'overrun' : 'never-mapped';
}

function permissionCause({ fault, history }: Evidence, found: Found | undefined): CauseName {
  if (against(history?.live?.by.direction, fault.access)) return 'wrong-direction';
  const changed = history?.after !== undefined;
  return found === 'leaf' && !changed ? 'stale-tlb' : 'wrong-direction';
}

function nameCause(evidence: Evidence, found: Found | undefined): CauseName {
  const { fault, history } = evidence;
  const own = fault.cause ?? byKind(fault, found) ?? byTables(found);
  if (own !== undefined) return own;
  if (fault.iova === undefined) return 'unknown';
  if (fault.kind === 'permission') return permissionCause(evidence, found);
  return history?.live === undefined ? absentCause(evidence, found) : liveCause(evidence, found);
}

/** Causes that the evidence excludes, so that they are no alternatives. */
function excluded({ history, tables }: Evidence): CauseName[] {
  const names: CauseName[] = [];
  if (history !== undefined && history.unmapped === undefined && history.mapped !== undefined)
    names.push('use-after-unmap');
  if (history?.mapped !== undefined) names.push('never-mapped');
  if (history !== undefined && history.after === undefined) names.push('used-before-mapping');
  if (tables?.walk?.result.ok === true) names.push('table-corrupted');
  return names;
}

/** The likely cause of a fault. */
export function inferCause(evidence: Evidence): FaultCause {
  const { fault, tables, history } = evidence;
  const found = foundBy(tables);
  const words = [
    `the hardware says: ${fault.name}${fault.meaning === '' ? '' : `, ${fault.meaning}`}`,
    ...tableEvidence(tables),
    ...historyEvidence(fault, history),
    ...fault.notes,
  ];
  return make(nameCause(evidence, found), words, excluded(evidence));
}
