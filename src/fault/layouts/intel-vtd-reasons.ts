/**
 * Fault reasons of Intel VT-d (Architecture Specification, chapter 7, "Fault Conditions" and its tables of encodings).
 * @module
 */
import type { CauseName } from '../cause-names.ts';
import type { FaultKind } from '../incident.ts';

/** A fault reason: its kind and what it means. */
export interface VtdReason {
  readonly kind: FaultKind;
  readonly meaning: string;
  /** The cause, where the reason says more than its kind does. */
  readonly cause: CauseName | undefined;
}

const ABORT: FaultKind = 'external-abort';
const CONFIG: FaultKind = 'configuration';
const BITS: FaultKind = 'reserved-bits';

type Row = readonly [code: number, kind: FaultKind, meaning: string];

/** Legacy mode, requests without PASID. */
const LEGACY: readonly Row[] = [
  [0x01, CONFIG, 'the root entry of the bus is not present'],
  [0x02, CONFIG, 'the context entry of the device is not present'],
  [0x03, CONFIG, 'the context entry is programmed in a way that is not allowed'],
  [0x04, 'input-range', 'the address is beyond the width that the context allows'],
  [0x05, 'not-permitted', 'a write, and an entry on the way does not have its write bit set'],
  [0x06, 'not-permitted', 'a read, and an entry on the way does not have its read bit set'],
  [0x07, ABORT, 'a page table could not be read'],
  [0x08, ABORT, 'the root table could not be read'],
  [0x09, ABORT, 'the context table could not be read'],
  [0x0a, BITS, 'reserved bits are set in the root entry'],
  [0x0b, BITS, 'reserved bits are set in the context entry'],
  [0x0c, BITS, 'reserved bits are set in a page-table entry'],
  [0x0d, 'request', 'the context entry blocks translation requests and translated requests'],
  [0x0e, 'address-size', 'the translation leads into the range of interrupt messages'],
];

const INTERRUPTS: readonly Row[] = [
  [0x20, 'interrupt', 'reserved fields are set in the interrupt request'],
  [0x21, 'interrupt', 'the index is beyond the interrupt remapping table'],
  [0x22, 'interrupt', 'the interrupt remapping entry is not present'],
  [0x23, 'interrupt', 'the interrupt remapping table could not be read'],
  [0x24, 'interrupt', 'reserved fields are set in the interrupt remapping entry'],
  [0x25, 'interrupt', 'an interrupt request in compatibility format was blocked'],
  [0x26, 'interrupt', 'the source of the interrupt is not the one that the entry allows'],
];

/** Scalable mode: root, context and PASID structures. */
const STRUCTURES: readonly Row[] = [
  [0x30, CONFIG, 'the root table address cannot be used'],
  [0x31, CONFIG, 'a request with PASID in legacy mode'],
  [0x32, CONFIG, 'a page group request in legacy mode'],
  [0x38, ABORT, 'the root entry could not be read'],
  [0x39, CONFIG, 'the root entry of the bus is not present'],
  [0x3a, BITS, 'reserved bits are set in the root entry'],
  [0x40, ABORT, 'the context entry could not be read'],
  [0x41, CONFIG, 'the context entry of the device is not present'],
  [0x42, BITS, 'reserved bits are set in the context entry'],
  [0x43, CONFIG, 'the context entry is programmed in a way that is not allowed'],
  [0x44, 'request', 'a translation request, and the context entry does not enable the device TLB'],
  [0x45, CONFIG, 'a request with PASID, and the context entry does not enable PASIDs'],
  [0x46, CONFIG, 'the PASID is beyond the PASID directory'],
  [0x47, CONFIG, 'a page request, and the context entry does not enable page requests'],
  [0x48, CONFIG, 'the RID_PASID field of the context entry cannot be used'],
  [0x50, ABORT, 'the PASID directory entry could not be read'],
  [0x51, CONFIG, 'the PASID directory entry is not present'],
  [0x52, BITS, 'reserved bits are set in the PASID directory entry'],
  [0x58, ABORT, 'the PASID table entry could not be read'],
  [0x59, CONFIG, 'the PASID table entry is not present'],
  [0x5a, BITS, 'reserved bits are set in the PASID table entry'],
  [0x5b, CONFIG, 'the PASID table entry is programmed in a way that is not allowed'],
  [0x5c, CONFIG, 'a request to execute, and the PASID table entry does not enable execute requests'],
  [0x5d, CONFIG, 'a supervisor request, and the PASID table entry does not enable supervisor requests'],
];

/** Scalable mode: first-level and second-level tables. */
const TABLES: readonly Row[] = [
  [0x70, ABORT, 'a first-level table could not be read'],
  [0x71, 'translation', 'a first-level entry is not present'],
  [0x72, BITS, 'reserved bits are set in a first-level entry'],
  [0x73, ABORT, 'the top first-level table could not be read'],
  [0x74, 'address-size', 'nested: the address in a first-level entry is beyond what the second level takes'],
  [0x75, 'permission', 'nested: the second level does not let the top first-level table be read'],
  [0x76, 'permission', 'nested: the second level does not let a first-level table be read'],
  [0x77, 'permission', 'nested: the second level does not let a first-level entry be updated'],
  [0x78, ABORT, 'a second-level table could not be read'],
  [0x79, 'not-permitted', 'an entry of the second level does not have the read or write bit set'],
  [0x7a, BITS, 'reserved bits are set in a second-level entry'],
  [0x7b, ABORT, 'the pointer to the second-level table cannot be used'],
  [
    0x7c,
    'access-flag',
    'accessed or dirty must be set in a second-level entry, but its table is read without snooping',
  ],
  [0x80, 'input-range', 'the address is not canonical'],
  [0x81, 'permission', 'a user request, and the first-level entries are for the supervisor'],
  [0x82, 'permission', 'a request to execute, and the tables do not permit it'],
  [0x83, 'input-range', 'the address is beyond what the hardware takes'],
  [0x84, 'input-range', 'the address is beyond what the second-level tables take'],
  [0x85, 'not-permitted', 'a write, and an entry on the way does not have its write bit set'],
  [0x86, 'not-permitted', 'a read, and an entry on the way does not have its read bit set'],
  [0x87, 'address-size', 'the translation leads into the range of interrupt messages'],
  [0x88, 'address-size', 'the second level leads into the range of interrupt messages'],
  [0x90, 'access-flag', 'accessed or dirty must be set in a first-level entry, but its table is read without snooping'],
  [0x91, 'access-flag', 'accessed or dirty could not be set in a first-level entry'],
];

const CAUSES: ReadonlyMap<number, CauseName> = new Map<number, CauseName>([
  [0x75, 'tables-refused'],
  [0x76, 'tables-refused'],
  [0x77, 'tables-refused'],
  [0x81, 'no-privilege'],
  [0x82, 'no-execute'],
]);

/** All reasons by code. */
export const VTD_REASONS: ReadonlyMap<number, VtdReason> = new Map(
  [...LEGACY, ...INTERRUPTS, ...STRUCTURES, ...TABLES].map(([code, kind, meaning]) => [
    code,
    { kind, meaning, cause: CAUSES.get(code) },
  ]),
);
