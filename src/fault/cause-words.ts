/**
 * The causes in words, and which other causes look alike.
 * @module
 */
import type { Alternative } from './cause.ts';
import type { CauseName } from './cause-names.ts';

/** Each cause in one sentence. */
export const CAUSE_WORDS: Readonly<Record<CauseName, string>> = {
  'never-mapped': 'never mapped: the device used an address that nobody mapped for it',
  'use-after-unmap': 'use after unmap: the address was mapped once, and unmapped before the device used it',
  overrun: 'never mapped, directly past the end of a mapping: the device ran over the end of its buffer',
  'used-before-mapping': 'used before it was mapped: the map came after the fault',
  'wrong-direction': 'wrong direction: the address is mapped, but not for this kind of access',
  'no-execute':
    'not executable: the address is mapped, but instructions may not be fetched from it with this privilege',
  'stale-tlb': 'stale TLB: the entry is there and permits the access; the hardware used an older one',
  'input-range': 'address beyond the input range: no table could translate it',
  'no-context': 'no context: the device has no valid context in the device or stream table',
  'doubled-configuration': 'doubled configuration: two stream matches or two TLB entries match the access',
  'table-corrupted': 'table corrupted: an entry on the way is none that the driver writes',
  'access-flag': 'access flag: the entry is there, but its accessed or dirty state does not permit the access',
  'output-too-large': 'output address too large: the entry leads beyond the address size',
  'bus-error': 'bus error: the IOMMU could not read its own tables',
  'interrupt-blocked': 'interrupt blocked: the request was an interrupt message that is not allowed',
  'unsupported-request': 'unsupported request: the device made a kind of request that it may not make',
  'device-timeout': 'device does not answer: an invalidation that was sent to it was not completed in time',
  'unit-error': 'error of the unit: the IOMMU itself reports an error, not an access of a device',
  'not-a-fault': 'no device fault: the kernel or a program refused a request, or warns of one',
  'not-mapped': 'not mapped for this access at the time of the fault; a dump or a trace would tell more',
  unknown: 'unknown: the record does not tell the access',
};

const NEVER: Alternative = { name: 'never-mapped', why: 'a trace from the start shows whether it was ever mapped' };
const AFTER_UNMAP: Alternative = {
  name: 'use-after-unmap',
  why: 'it may have been mapped and unmapped before the trace or the dump began',
};
const OVERRUN: Alternative = { name: 'overrun', why: 'the mapping below it shows whether it ends there' };
const STALE: Alternative = { name: 'stale-tlb', why: 'the fault would go away after a full invalidation' };
const CORRUPTED: Alternative = { name: 'table-corrupted', why: 'a dump taken at the fault shows the entries' };
const DIRECTION: Alternative = { name: 'wrong-direction', why: 'the permissions of the entry at the fault decide' };
const EARLY: Alternative = {
  name: 'used-before-mapping',
  why: 'it may have been mapped after the fault: a trace shows it',
};

/** Other causes that the same evidence may have. */
export const ALTERNATIVES: Readonly<Partial<Record<CauseName, readonly Alternative[]>>> = {
  'never-mapped': [AFTER_UNMAP, EARLY],
  'use-after-unmap': [
    { name: 'stale-tlb', why: 'if the log is late, the access may have come before the unmap' },
    { name: 'never-mapped', why: 'the access may be a stray one that only happens to hit an old address' },
  ],
  overrun: [{ name: 'never-mapped', why: 'a stray address next to a mapping looks the same' }, AFTER_UNMAP],
  'used-before-mapping': [AFTER_UNMAP, { name: 'never-mapped', why: 'the later map may have nothing to do with it' }],
  'wrong-direction': [
    STALE,
    { name: 'use-after-unmap', why: 'the address may belong to another buffer by now, mapped for the other direction' },
  ],
  'stale-tlb': [EARLY, { name: 'use-after-unmap', why: 'the mapping may be a new one at an old address' }, CORRUPTED],
  'no-context': [{ name: 'stale-tlb', why: 'a configuration that was changed and not invalidated looks the same' }],
  'table-corrupted': [
    { name: 'bus-error', why: 'if the dump was not taken at the fault, the table may be in other use by now' },
  ],
  'bus-error': [CORRUPTED],
  'access-flag': [STALE],
  'output-too-large': [CORRUPTED],
  'not-mapped': [NEVER, AFTER_UNMAP, OVERRUN, DIRECTION, STALE],
};
