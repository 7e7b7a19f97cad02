/**
 * Reasons of faults of the MMU of NVIDIA GPUs, by the words that nouveau and NVIDIA's driver print.
 * @module
 */
import type { FaultKind } from '../incident.ts';

/** Reason → kind and meaning (NVIDIA open-gpu-doc, "Fault types"; the first rows are of Tesla and Fermi). */
const REASONS: ReadonlyMap<string, readonly [FaultKind, string]> = new Map<string, readonly [FaultKind, string]>([
  ['PT_NOT_PRESENT', ['translation', 'the page table is not there']],
  ['PT_TOO_SHORT', ['translation', 'the page table is too short']],
  ['PAGE_NOT_PRESENT', ['translation', 'the page is not mapped on the GPU']],
  ['VM_LIMIT_EXCEEDED', ['input-range', 'the address is beyond the address space']],
  ['NO_CHANNEL', ['configuration', 'the channel is not set up']],
  ['PAGE_SYSTEM_ONLY', ['permission', 'the page is for privileged accesses only']],
  ['PAGE_READ_ONLY', ['permission', 'the page may not be written']],
  ['COMPRESSED_SYSRAM', ['request', 'a compressed page in system memory']],
  ['INVALID_STORAGE_TYPE', ['request', 'the storage type of the page does not suit the access']],
  ['PDE', ['translation', 'no directory entry for the address']],
  ['PDE_SIZE', ['input-range', 'the address is beyond the directory']],
  ['PTE', ['translation', 'no page table entry for the address']],
  ['VA_LIMIT_VIOLATION', ['input-range', 'the address is beyond the address space']],
  ['VA_LIMIT', ['input-range', 'the address is beyond the address space']],
  ['UNBOUND_INST_BLOCK', ['configuration', 'the channel has no instance block']],
  ['PRIV_VIOLATION', ['permission', 'the page is for privileged accesses only']],
  ['PRIV', ['permission', 'the page is for privileged accesses only']],
  ['RO_VIOLATION', ['permission', 'the page may not be written']],
  ['RO', ['permission', 'the page may not be written']],
  ['WO_VIOLATION', ['permission', 'the page may not be read']],
  ['WO', ['permission', 'the page may not be read']],
  ['PITCH_MASK_VIOLATION', ['request', 'the pitch does not suit the page']],
  ['WORK_CREATION', ['request', 'work may not be created']],
  ['UNSUPPORTED_APERTURE', ['request', 'the aperture does not suit the access']],
  ['COMPRESSION_FAILURE', ['request', 'the compression failed']],
  ['UNSUPPORTED_KIND', ['request', 'the kind of the page does not suit the access']],
  ['REGION_VIOLATION', ['request', 'the region does not permit the access']],
  ['POISONED', ['external-abort', 'poisoned data']],
  ['ATOMIC_VIOLATION', ['permission', 'the page permits no atomic access']],
]);

/** Kind and meaning of a reason; `FAULT_` may stand before it. */
export function nvidiaReason(word: string | undefined): readonly [FaultKind, string] {
  const name = word?.toUpperCase().replace(/^FAULT_/, '') ?? '';
  return REASONS.get(name) ?? ['unknown', name === '' ? 'the line gives no reason' : 'a reason that is not known'];
}
