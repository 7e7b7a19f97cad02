/**
 * The causes in words, and what would decide between them.
 * @module
 */
import type { CauseName } from './cause-names.ts';
import type { FaultKind } from './incident.ts';

/** Each cause in one sentence. */
const CAUSE_WORDS: Readonly<Record<CauseName, string>> = {
  'never-mapped': 'never mapped: the device used an address that was not mapped for it',
  'use-after-unmap': 'use after unmap: the address was mapped, and unmapped before the device used it',
  overrun: 'overrun: the address was never mapped and lies directly past the end of a mapping',
  'used-before-mapping': 'used before mapping: the address was mapped only after the fault',
  'wrong-direction': 'wrong direction: the address is mapped, but not for this kind of access',
  'no-execute': 'no execute: the page may not be executed, or not with this privilege',
  'no-privilege': 'privilege: the address is mapped, but not for requests of this privilege',
  'tables-refused':
    "tables refused: the second stage stopped the IOMMU's own access to the first-stage tables; the address itself was not judged",
  'stale-tlb': 'stale TLB: the entry permits the access; the hardware used an older one',
  'input-range': 'input range: the address is beyond what the tables can translate',
  'no-context':
    'no context: the device has no valid entry in the device or stream table, or one that does not allow the request',
  'doubled-configuration': 'doubled configuration: two stream matches or two cached entries match the request',
  'table-corrupted': 'table corrupted: an entry on the way is not one that the driver writes',
  'access-flag': 'access flag: the entry is there, but its accessed or dirty state does not permit the access',
  'output-too-large': 'output address too large: the entry leads beyond the output address size',
  'bus-error': 'bus error: the IOMMU could not read its own tables or queues',
  'interrupt-blocked': 'interrupt blocked: the request was an interrupt message that is not allowed',
  'unsupported-request': 'unsupported request: the device made a kind of request that it may not make',
  'outside-memory':
    'outside memory: the access was not translated, and its physical address is not in memory: a wrong address, or a device that should have been behind the IOMMU',
  'unit-error': 'unit error: the IOMMU itself reports an error; no access of a device faulted',
  'not-a-fault': 'not a device fault: the kernel or a program refused a request, or reports a problem of its own',
  'not-mapped': 'not mapped at the time of the fault',
  'not-permitted': 'not mapped, or mapped without this right: the hardware does not tell these apart',
  unknown: 'unknown: the log does not hold the reason',
};

/** Sentences that suit a kind better than the one of the cause. */
const BY_KIND: Partial<Record<FaultKind, string>> = {
  'device-timeout': 'a device did not answer: it is gone, hung, in reset or powered down, or its ATS is broken',
};

/** A cause in one sentence. */
export function causeText(name: CauseName, kind: FaultKind): string {
  return BY_KIND[kind] ?? CAUSE_WORDS[name];
}

/** What would show that it is this cause. */
const DECIDED_BY: Partial<Record<CauseName, string>> = {
  'never-mapped': 'a trace from boot on shows whether it was ever mapped',
  'use-after-unmap': 'a trace of map and unmap shows an unmap before the fault',
  overrun: 'a dump of the tables shows whether a mapping ends directly below it',
  'used-before-mapping': 'a trace shows whether the map came after the fault',
  'wrong-direction': 'a dump shows the rights of the entry',
  'no-execute': 'a dump shows whether the entry forbids execution',
  'stale-tlb': 'a dump that permits the access at the time of the fault shows it',
  'table-corrupted': 'a dump taken at the fault shows the entries',
  'input-range': 'the address width of the device and of the tables decide',
  'no-context': 'the device or stream table entry decides',
  'bus-error': 'if the tables in a dump are sound, the bus is at fault',
};

/** What would decide for a cause that is still possible. */
export function decidedBy(name: CauseName): string {
  return DECIDED_BY[name] ?? 'more of the log would show it';
}

/** Causes that are possible beside one that a dump or a trace made likely. */
export const BESIDE: Readonly<Partial<Record<CauseName, readonly CauseName[]>>> = {
  'never-mapped': ['use-after-unmap', 'used-before-mapping'],
  'use-after-unmap': ['never-mapped'],
  overrun: ['never-mapped', 'use-after-unmap'],
  'used-before-mapping': ['use-after-unmap', 'never-mapped'],
  'wrong-direction': ['stale-tlb', 'use-after-unmap'],
  'stale-tlb': ['used-before-mapping', 'use-after-unmap', 'table-corrupted'],
  'table-corrupted': ['bus-error'],
  'bus-error': ['table-corrupted'],
};
