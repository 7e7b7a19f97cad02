/**
 * What each kind of fault allows as a cause, and what it excludes: from the hardware's word alone, before any dump or trace is
 * looked at. Sources: Arm IHI 0062 (FSR), IHI 0070 7.3, AMD 48882 2.5, Intel VT-d chapter 7, RISC-V IOMMU "Fault/Event-Queue".
 * @module
 */
import type { CauseName } from './cause-names.ts';
import type { Exclusion, FaultKind, Incident } from './incident.ts';

interface Rule {
  /** Causes that may be, most likely first. */
  readonly follow: readonly CauseName[];
  readonly excluded: readonly CauseName[];
  /** Why these are excluded. */
  readonly why: string;
}

/** Causes about a single mapping: they presume that the IOMMU looked the address up in the device's tables. */
const MAPPING: readonly CauseName[] = [
  'never-mapped',
  'use-after-unmap',
  'overrun',
  'used-before-mapping',
  'wrong-direction',
  'no-execute',
  'access-flag',
];
const ABSENT: readonly CauseName[] = ['never-mapped', 'use-after-unmap', 'overrun', 'used-before-mapping'];
const OTHERS: readonly CauseName[] = ['no-context', 'interrupt-blocked', 'unsupported-request', 'unit-error'];

const NO_LOOKUP = 'the IOMMU did not get as far as looking up the address';
const NO_ACCESS = 'no device made the access of a mapping';

const RULES: Readonly<Record<FaultKind, Rule>> = {
  translation: {
    follow: [...ABSENT, 'table-corrupted'],
    excluded: ['wrong-direction', 'no-execute', 'stale-tlb', 'access-flag', 'output-too-large', 'bus-error', ...OTHERS],
    why: 'the hardware says that no valid entry was found, and absent entries are not cached',
  },
  permission: {
    follow: ['wrong-direction', 'no-execute', 'stale-tlb'],
    excluded: [...ABSENT, 'access-flag', 'output-too-large', 'bus-error', 'input-range', ...OTHERS],
    why: 'the hardware found an entry, without the right for this access',
  },
  'not-permitted': {
    follow: [...ABSENT, 'wrong-direction', 'stale-tlb', 'table-corrupted'],
    excluded: ['output-too-large', 'bus-error', ...OTHERS],
    why: 'the hardware walked the tables to an entry without the right',
  },
  'access-flag': {
    follow: ['access-flag', 'stale-tlb'],
    excluded: [...ABSENT, 'wrong-direction', 'output-too-large', 'bus-error', ...OTHERS],
    why: 'the hardware found a valid entry',
  },
  'address-size': {
    follow: ['output-too-large', 'table-corrupted'],
    excluded: [...MAPPING, 'stale-tlb', ...OTHERS],
    why: 'the hardware found a valid entry, whose address is too large',
  },
  'input-range': {
    follow: ['input-range'],
    excluded: ['wrong-direction', 'no-execute', 'stale-tlb', 'access-flag', 'bus-error', ...OTHERS],
    why: 'the address is beyond what the tables can translate',
  },
  'reserved-bits': {
    follow: ['table-corrupted'],
    excluded: [...MAPPING, 'stale-tlb', 'bus-error', ...OTHERS],
    why: 'the hardware found reserved bits set in an entry',
  },
  'external-abort': {
    follow: ['bus-error', 'table-corrupted'],
    excluded: [...MAPPING, 'stale-tlb', 'input-range', ...OTHERS],
    why: 'the hardware could not read its own tables or queues',
  },
  configuration: {
    follow: ['no-context'],
    excluded: [...MAPPING, 'stale-tlb', 'input-range', 'output-too-large', 'bus-error'],
    why: NO_LOOKUP,
  },
  conflict: {
    follow: ['doubled-configuration'],
    excluded: [...MAPPING, 'no-context', 'input-range', 'bus-error'],
    why: 'the hardware found two matching entries',
  },
  interrupt: {
    follow: ['interrupt-blocked'],
    excluded: [...MAPPING, 'stale-tlb', 'input-range', 'no-context', 'bus-error'],
    why: 'the request was an interrupt message, not a memory access',
  },
  request: {
    follow: ['unsupported-request'],
    excluded: [...MAPPING, 'stale-tlb', 'no-context', 'bus-error'],
    why: 'the kind of the request was refused, not its address; ordinary accesses of the device may work',
  },
  'device-timeout': {
    follow: ['unit-error'],
    excluded: [...MAPPING, 'stale-tlb', 'no-context', 'input-range'],
    why: 'a device did not answer an invalidation: it made no access',
  },
  unit: { follow: ['unit-error'], excluded: [...MAPPING, 'no-context'], why: NO_ACCESS },
  software: { follow: ['not-a-fault'], excluded: [...MAPPING, 'stale-tlb', 'no-context', 'bus-error'], why: NO_ACCESS },
  unknown: { follow: [], excluded: [], why: '' },
};

/** Where the reason was not printed, all that an access can fail of. */
const ANY: readonly CauseName[] = [...ABSENT, 'wrong-direction', 'stale-tlb', 'no-context', 'table-corrupted'];

/** Input addresses of an SMMU have at least 32 bits. */
const LEAST_INPUT = 2n ** 32n;

/** A translation fault of an SMMU may also mean an address beyond the input size (IHI 0062 TF, IHI 0070 F_TRANSLATION). */
function mayBeBeyond({ iommu, kind, iova }: Incident): boolean {
  const isSmmu = iommu.startsWith('arm-smmu') || iommu === 'qcom-iommu';
  return kind === 'translation' && isSmmu && iova !== undefined && iova >= LEAST_INPUT;
}

/** No tables that Linux builds reach beyond 57 bits (five levels): such an address was cut, sign-extended or never set. */
const MOST_INPUT = 2n ** 57n;

function isAbsence(kind: FaultKind): boolean {
  return kind === 'translation' || kind === 'not-permitted';
}

/** Causes that the incident alone allows, most likely first. */
export function followingCauses(incident: Incident): readonly CauseName[] {
  const { candidates, kind, iova, access, origin } = incident;
  if (candidates !== undefined) return candidates;
  if (kind === 'unknown') return iova === undefined ? [] : ANY;
  const { follow } = RULES[kind];
  if (origin === 'iommu' && isAbsence(kind) && iova !== undefined && iova >= MOST_INPUT)
    return ['input-range', ...follow];
  if (mayBeBeyond(incident)) return [...follow, 'input-range'];
  const other: CauseName = access === 'execute' ? 'wrong-direction' : 'no-execute';
  return access === undefined ? follow : follow.filter((name) => name !== other);
}

/** Causes that the incident alone excludes, each with the reason. What the record says itself is not excluded by its kind. */
export function excludedCauses(incident: Incident): Exclusion[] {
  const { excluded, why } = RULES[incident.kind];
  const own = incident.excluded.map(({ name }) => name);
  const kept = [...own, ...(incident.candidates ?? []), incident.cause];
  return [...incident.excluded, ...excluded.filter((name) => !kept.includes(name)).map((name) => ({ name, why }))];
}
