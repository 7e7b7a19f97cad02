/**
 * The fault queue of a live RISC-V IOMMU (RISC-V IOMMU 1.0, 4.2, 6.13).
 * @module
 */
import type { PhysicalMemory } from '../../bus.ts';
import { registerBits } from '../../hardware/bits.ts';
import { encodeFault, nextRecord, type RiscvFaultRecord } from '../../hardware/riscv/fault-queue.ts';
import type { RegisterBank } from '../register-bank.ts';
import { AT, FQCSR, IPSR } from './registers.ts';

/** Writes fault records where software reads them. */
export class FaultQueue {
  /** Records that were lost. */
  lost = 0;
  readonly #memory: PhysicalMemory;
  readonly #bank: RegisterBank;

  constructor(memory: PhysicalMemory, bank: RegisterBank) {
    this.#memory = memory;
    this.#bank = bank;
  }

  /** Records a fault. With no room, fqof is set, and this and all later records are lost until it is cleared. */
  record(fault: RiscvFaultRecord): void {
    const status = this.#bank.get(AT.FQCSR);
    if ((status & FQCSR.fqon) === 0) return;
    const at = nextRecord(this.#bank.named());
    if (at === undefined) {
      this.lost++;
      if ((status & (FQCSR.fqof | FQCSR.fqmf)) === 0) this.#fail(FQCSR.fqof);
      return;
    }
    for (const [i, word] of encodeFault(fault).entries()) {
      if (!this.#memory.write32(Number(at) + 4 * i, word)) {
        this.lost++;
        this.#fail(FQCSR.fqmf);
        return;
      }
    }
    const entries = 2 ** (registerBits(this.#bank.get64(AT.FQB), 0, 5) + 1);
    this.#bank.set(AT.FQT, (this.#bank.get(AT.FQT) + 1) % entries);
    this.#interrupt(status);
  }

  #fail(bit: number): void {
    const status = this.#bank.get(AT.FQCSR) | bit;
    this.#bank.set(AT.FQCSR, status);
    this.#interrupt(status);
  }

  #interrupt(status: number): void {
    if ((status & FQCSR.fie) !== 0) this.#bank.set(AT.IPSR, this.#bank.get(AT.IPSR) | IPSR.fip);
  }
}
