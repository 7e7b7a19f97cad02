/**
 * Fault reasons of VT-d remapping hardware, as the fault recording registers hold them (Intel VT-d, 7.1.3 and
 * appendix A).
 * @module
 */
import type { Access, Reason } from '../walk/types.ts';

/** Fault reason code to words. */
export const VTD_FAULTS: ReadonlyMap<number, string> = new Map([
  [0x01, 'the root entry is not present'],
  [0x02, 'the context entry is not present'],
  [0x03, 'the context entry is programmed wrongly'],
  [0x04, 'the address is above the width that the context or the hardware allows'],
  [0x05, 'a write without write permission'],
  [0x06, 'a read without read permission'],
  [0x07, 'reading the next paging structure failed'],
  [0x08, 'reading the root table failed'],
  [0x09, 'reading the context table failed'],
  [0x0a, 'reserved bits are set in the root entry'],
  [0x0b, 'reserved bits are set in the context entry'],
  [0x0c, 'reserved bits are set in a paging entry'],
  [0x0d, 'a translation request or translated request is blocked by the context entry'],
  [0x20, 'interrupt remapping: reserved bits are set in the request'],
  [0x21, 'interrupt remapping: the index is beyond the table'],
  [0x22, 'interrupt remapping: the table entry is not present'],
  [0x23, 'interrupt remapping: reading the table entry failed'],
  [0x24, 'interrupt remapping: reserved bits are set in the table entry'],
  [0x25, 'interrupt remapping: a compatibility-format request is blocked'],
  [0x26, 'interrupt remapping: the requester is not the one that the table entry allows'],
  [0x30, 'scalable mode: the root table address is invalid'],
  [0x31, 'scalable mode: a request with PASID in legacy mode'],
  [0x38, 'scalable mode: reading the root entry failed'],
  [0x39, 'scalable mode: the root entry is not present'],
  [0x3a, 'scalable mode: reserved bits are set in the root entry'],
  [0x40, 'scalable mode: reading the context entry failed'],
  [0x41, 'scalable mode: the context entry is not present'],
  [0x42, 'scalable mode: reserved bits are set in the context entry'],
  [0x43, 'scalable mode: the context entry is programmed wrongly'],
  [0x44, 'scalable mode: the context entry allows no translation requests'],
  [0x45, 'scalable mode: the context entry allows no PASID'],
  [0x46, 'scalable mode: the PASID is beyond the directory'],
  [0x50, 'scalable mode: reading the PASID directory entry failed'],
  [0x51, 'scalable mode: the PASID directory entry is not present'],
  [0x52, 'scalable mode: reserved bits are set in the PASID directory entry'],
  [0x58, 'scalable mode: reading the PASID table entry failed'],
  [0x59, 'scalable mode: the PASID table entry is not present'],
  [0x5a, 'scalable mode: reserved bits are set in the PASID table entry'],
  [0x5b, 'scalable mode: the PASID table entry is programmed wrongly'],
  [0x70, 'scalable mode: reading a first-stage paging entry failed'],
  [0x71, 'scalable mode: a first-stage paging entry is not present'],
  [0x72, 'scalable mode: reserved bits are set in a first-stage paging entry'],
  [0x78, 'scalable mode: reading a second-stage paging entry failed'],
  [0x79, 'scalable mode: no permission in a second-stage paging entry'],
  [0x7a, 'scalable mode: reserved bits are set in a second-stage paging entry'],
  [0x80, 'scalable mode: the address is not canonical'],
  [0x81, 'scalable mode: an unprivileged request to a supervisor page'],
  [0x82, 'scalable mode: no execute permission'],
  [0x83, 'scalable mode: the address is above the width that the hardware allows'],
  [0x85, 'scalable mode: a write without write permission'],
  [0x86, 'scalable mode: a read without read permission'],
  [0x87, 'scalable mode: the address is in the interrupt range'],
]);

/** A fault reason as text: its code and its words. */
export function vtdFaultText(code: number): string {
  return `fault reason 0x${code.toString(16).padStart(2, '0')}: ${VTD_FAULTS.get(code) ?? 'not defined'}`;
}

type Codes = Readonly<Partial<Record<Reason, number>>>;

const WRITE_CODES: Codes = { 'never-mapped': 0x05, 'permission-write': 0x05, 'permission-privileged': 0x05 };
const LEGACY: Codes = {
  'never-mapped': 0x06,
  'permission-read': 0x06,
  'permission-execute': 0x06,
  'input-outside-region': 0x04,
  'table-outside-memory': 0x07,
};
const SECOND_STAGE: Codes = { 'input-outside-region': 0x83, 'table-outside-memory': 0x78 };
const FIRST_STAGE: Codes = {
  'never-mapped': 0x71,
  'permission-read': 0x86,
  'permission-write': 0x85,
  'permission-execute': 0x82,
  'permission-privileged': 0x81,
  'input-outside-region': 0x80,
  'table-outside-memory': 0x70,
};
const RESERVED = { legacy: 0x0c, first: 0x72, second: 0x7a } as const;

/** How a translation was reached, which decides the codes. */
export type VtdMode = 'legacy' | 'first' | 'second';

/** The fault reason code of a walk that ended for a reason. */
export function vtdWalkCode(reason: Reason, mode: VtdMode, access: Access): number {
  if (mode === 'first') return FIRST_STAGE[reason] ?? RESERVED.first;
  if (mode === 'second') {
    const missing = reason === 'never-mapped' || reason.startsWith('permission');
    return SECOND_STAGE[reason] ?? (missing ? 0x79 : RESERVED.second);
  }
  return (access.kind === 'write' ? WRITE_CODES[reason] : undefined) ?? LEGACY[reason] ?? RESERVED.legacy;
}
