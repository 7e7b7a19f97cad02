/**
 * Whether a RISC-V IOMMU records a fault, and the record (RISC-V IOMMU 1.0, 4.2, 6.13).
 * @module
 */
import { type Field, type Registers, register, registerBits } from '../bits.ts';
import { encodeRecord } from '../record.ts';
import type { RiscvOutcome, RiscvRequest } from './process.ts';

/** A fault record's fields. */
export interface RiscvFaultRecord {
  readonly cause: number;
  readonly pid: number;
  readonly pv: number;
  readonly priv: number;
  readonly ttyp: number;
  readonly did: number;
  readonly iotval: bigint;
  readonly iotval2: bigint;
}

/** 4.2 TTYP of untranslated requests from here on, of translated ones, and of ATS translation requests. */
const TTYP = { untranslated: 1, translated: 5, ats: 8 } as const;
const KINDS = { execute: 0, read: 1, write: 2 } as const;
// 6.13 fqcsr: fqmf, fqof, fqon; 6.9 fqb: LOG2SZ-1 in 4:0, PPN in 53:10
const FQCSR = { errors: 8, on: 16 } as const;
/** Bytes of a fault record. */
export const RISCV_FAULT_BYTES = 32;

/** Fields of a fault record (4.2). */
export const RISCV_FAULT_FIELDS: readonly Field[] = [
  { name: 'CAUSE', at: 0, bits: 12 },
  { name: 'PID', at: 12, bits: 20 },
  { name: 'PV', at: 32, bits: 1 },
  { name: 'PRIV', at: 33, bits: 1 },
  { name: 'TTYP', at: 34, bits: 6 },
  { name: 'DID', at: 40, bits: 24 },
  { name: 'iotval', at: 128, bits: 64, shift: 0 },
  { name: 'iotval2', at: 192, bits: 64, shift: 0 },
];

/** Where the next record goes; undefined where the queue is off, full or in error, so that records are dropped. */
export function nextRecord(registers: Registers): bigint | undefined {
  const fqcsr = register(registers, 'FQCSR');
  if (registerBits(fqcsr, FQCSR.on, 1) === 0 || registerBits(fqcsr, FQCSR.errors, 2) !== 0) return undefined;
  const fqb = register(registers, 'FQB');
  const entries = 2 ** (registerBits(fqb, 0, 5) + 1);
  const tail = Number(register(registers, 'FQT')) % entries;
  if ((tail + 1) % entries === Number(register(registers, 'FQH')) % entries) return undefined;
  return (BigInt.asUintN(44, fqb >> 10n) << 12n) + BigInt(tail * RISCV_FAULT_BYTES);
}

/** The record of an outcome; undefined where nothing is reported. */
export function faultRecord(request: RiscvRequest, { fault, reported }: RiscvOutcome): RiscvFaultRecord | undefined {
  if (fault === undefined || !reported) return undefined;
  const { type, access, process, device, iova, privileged } = request;
  return {
    cause: fault.cause,
    pid: process ?? 0,
    pv: process === undefined ? 0 : 1,
    priv: process !== undefined && privileged === true ? 1 : 0,
    ttyp: type === 'ats' ? TTYP.ats : TTYP[type] + KINDS[access],
    did: device,
    iotval: iova,
    iotval2: fault.iotval2,
  };
}

/** The words of a record. */
export function encodeFault(record: RiscvFaultRecord): Uint32Array {
  const { cause, pid, pv, priv, ttyp, did, iotval, iotval2 } = record;
  const values = { CAUSE: cause, PID: pid, PV: pv, PRIV: priv, TTYP: ttyp, DID: did, iotval, iotval2 };
  return encodeRecord(RISCV_FAULT_FIELDS, RISCV_FAULT_BYTES, values);
}
