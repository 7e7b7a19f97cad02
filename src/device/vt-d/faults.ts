/**
 * Fault recording of a live VT-d unit (Intel VT-d, 7.2 to 7.4).
 * @module
 */
import { registerBits } from '../../hardware/bits.ts';
import { encodeRecord } from '../../hardware/record.ts';
import { VTD_FAULT_BYTES, VTD_FAULT_FIELDS } from '../../hardware/vt-d/fault-record.ts';
import type { RegisterBank } from '../register-bank.ts';
import { AT, CAP, FECTL_PENDING, FSTS } from './registers.ts';

/** A fault to record. */
export interface VtdFault {
  readonly stream: number;
  readonly substream: number | undefined;
  readonly page: bigint;
  /** Fault reason. */
  readonly code: number;
  readonly write: boolean;
  readonly execute: boolean;
  readonly privileged: boolean;
}

/** Bit 31 of the last word of a record: F. */
const F = 0x8000_0000;

/** Records faults in registers, in turn. */
export class FaultRegisters {
  /** Faults that were lost. */
  lost = 0;
  readonly #bank: RegisterBank;
  readonly #base: number;
  readonly #count: number;
  #next = 0;

  constructor(bank: RegisterBank, cap: bigint) {
    this.#bank = bank;
    this.#base = registerBits(cap, CAP.froAt, CAP.froBits) * 16;
    this.#count = registerBits(cap, CAP.nfrAt, CAP.nfrBits) + 1;
  }

  /** Whether an offset belongs to these registers. */
  holds(offset: number): boolean {
    return offset >= this.#base && offset < this.#base + this.#count * VTD_FAULT_BYTES;
  }

  /** Records a fault in the next register; if that is in use, PFO is set and this fault and all later ones are lost. */
  record(fault: VtdFault): void {
    const status = this.#bank.get(AT.FSTS);
    const at = this.#base + this.#next * VTD_FAULT_BYTES;
    if ((status & FSTS.PFO) !== 0 || (this.#bank.get(at + 12) & F) !== 0) {
      this.lost++;
      this.#bank.set(AT.FSTS, status | FSTS.PFO);
      return;
    }
    for (const [i, word] of wordsOf(fault).entries()) this.#bank.set(at + 4 * i, word);
    if ((status & FSTS.PPF) === 0) {
      this.#bank.set(AT.FSTS, (status & 0xff) | FSTS.PPF | (this.#next << 8));
      this.#bank.set(AT.FECTL, this.#bank.get(AT.FECTL) | FECTL_PENDING);
    }
    this.#next = (this.#next + 1) % this.#count;
  }

  /** A write to one of these registers: F is cleared by writing 1, all else is read-only. */
  write(offset: number, value: number): void {
    if ((offset - this.#base) % VTD_FAULT_BYTES !== 12 || (value & F) === 0) return;
    this.#bank.set(offset, this.#bank.get(offset) & ~F);
    for (let i = 0; i < this.#count; i++) {
      if ((this.#bank.get(this.#base + i * VTD_FAULT_BYTES + 12) & F) !== 0) return;
    }
    this.#bank.set(AT.FSTS, this.#bank.get(AT.FSTS) & ~FSTS.PPF);
  }
}

function wordsOf({ stream, substream, page, code, write, execute, privileged }: VtdFault): Uint32Array {
  return encodeRecord(VTD_FAULT_FIELDS, VTD_FAULT_BYTES, {
    FI: page << 12n,
    SID: stream,
    FR: code,
    T1: write ? 0 : 1,
    EXE: execute ? 1 : 0,
    PRIV: privileged ? 1 : 0,
    PP: substream === undefined ? 0 : 1,
    PV: substream ?? 0,
    F: 1,
  });
}
