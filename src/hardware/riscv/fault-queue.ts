/**
 * Whether a RISC-V IOMMU records a fault, and the record (RISC-V IOMMU 1.0, 4.2, 6.13).
 * @module
 */
import { type Registers, register, registerBits } from '../bits.ts';
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
const RECORD_BYTES = 32;

/** Where the next record goes; undefined where the queue is off, full or in error, so that records are dropped. */
export function nextRecord(registers: Registers): bigint | undefined {
  const fqcsr = register(registers, 'FQCSR');
  if (registerBits(fqcsr, FQCSR.on, 1) === 0 || registerBits(fqcsr, FQCSR.errors, 2) !== 0) return undefined;
  const fqb = register(registers, 'FQB');
  const entries = 2 ** (registerBits(fqb, 0, 5) + 1);
  const tail = Number(register(registers, 'FQT')) % entries;
  if ((tail + 1) % entries === Number(register(registers, 'FQH')) % entries) return undefined;
  return (BigInt.asUintN(44, fqb >> 10n) << 12n) + BigInt(tail * RECORD_BYTES);
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
