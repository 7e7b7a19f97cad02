/**
 * The command queue of a RISC-V IOMMU as Linux's driver uses it: commands, and a fence whose end is seen by the head of the
 * queue. RISC-V IOMMU specification 1.0, 3.1 and 4.1; drivers/iommu/riscv/iommu.c.
 * @module
 */
import type { CommandCounts } from '../../meter/commands.ts';
import { positionOf, Ring, type RingEnd } from '../queue/ring.ts';
import type { SharedPages } from '../queue/shared-pages.ts';
import type { UnitPort } from '../queue/unit-port.ts';
import { FENCE_ORDERS, KIND, OPCODES } from './commands.ts';
import { CQCSR, QUEUE, REGISTER } from './registers.ts';

const ERRORS = CQCSR.illegal | CQCSR.memoryFault | CQCSR.timeout;

/** Commands of one unit. Adding and waiting allocate nothing. */
export class RiscvCommandQueue implements RingEnd {
  /** The entries. */
  readonly ring: Ring;
  /** Errors that the unit reported and the driver answered. */
  errors = 0;
  readonly #port: UnitPort;
  readonly #counts: CommandCounts;

  /** @param bits log2 of the entries */
  constructor(port: UnitPort, pages: SharedPages, counts: CommandCounts, bits: number) {
    this.#port = port;
    this.#counts = counts;
    this.ring = new Ring(pages, 2 ** bits, 16, 2 ** bits - 1, this);
  }

  /** Adds a command: its kind, further bits of its first word, and the other three words. */
  add(kind: number, a: number, b: number, c: number, d: number): void {
    this.ring.put((OPCODES[kind] as number) | a, b, c, d);
    this.#counts.add(kind);
  }

  /** Sends a fence, and waits until the unit has passed it. */
  fence(): void {
    this.add(KIND.fence, FENCE_ORDERS, 0, 0, 0);
    this.#port.meter.tlbSync++;
    this.ring.drain();
  }

  publish(tail: number): void {
    this.#port.write32(REGISTER.CQT, this.ring.index(tail));
  }

  consumed(): number {
    const head = this.#port.poll(REGISTER.CQH);
    const { ring } = this;
    if (!this.#port.listened) return ring.tail;
    const position = positionOf(head, ring.tail, ring.entries);
    if (position !== ring.tail) this.#answerErrors(position);
    return position;
  }

  /** An illegal command becomes a fence; after any error the queue goes on where the bit was cleared. */
  #answerErrors(position: number): void {
    const status = this.#port.read32(REGISTER.CQCSR);
    if ((status & ERRORS) === 0) return;
    this.errors++;
    if ((status & CQCSR.illegal) !== 0) {
      this.ring.set(position, (OPCODES[KIND.fence] as number) | FENCE_ORDERS, 0, 0, 0);
    }
    this.#port.write32(REGISTER.CQCSR, (status & ERRORS) | QUEUE.enable);
  }
}
