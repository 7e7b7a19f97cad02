/**
 * The command buffer of an AMD-Vi unit as Linux's driver uses it: commands, a wait that stores a growing number, and a new start
 * after an illegal command. AMD 48882, 2.4, 3.3; drivers/iommu/amd/iommu.c.
 * @module
 */
import type { CommandCounts } from '../../meter/commands.ts';
import { positionOf, Ring, type RingEnd } from '../queue/ring.ts';
import type { SharedPages } from '../queue/shared-pages.ts';
import { countPoll, type UnitPort } from '../queue/unit-port.ts';
import { KIND, OPCODE_SHIFT, OPCODES, STORE } from './commands.ts';
import { CONTROL, REGISTER, STATUS_RUNNING } from './registers.ts';

/** Entries of the buffer, as in Linux. */
export const BUFFER_ENTRIES = 512;
/** Linux takes the buffer for full where two entries or fewer are left. */
const MOST_WAITING = BUFFER_ENTRIES - 3;

/** Commands of one unit. Adding and waiting allocate nothing. */
export class CommandBuffer implements RingEnd {
  /** The entries. */
  readonly ring: Ring;
  /** Errors that the unit reported and the driver answered. */
  errors = 0;
  readonly #port: UnitPort;
  readonly #pages: SharedPages;
  readonly #counts: CommandCounts;
  readonly #slot: number;
  #sequence = 0;
  #pending = false;
  #control = 0n;

  constructor(port: UnitPort, pages: SharedPages, counts: CommandCounts) {
    this.#port = port;
    this.#pages = pages;
    this.#counts = counts;
    this.ring = new Ring(pages, BUFFER_ENTRIES, 16, MOST_WAITING, this);
    this.#slot = pages.take(8);
  }

  /** Sets control bits, with the buffer on. */
  enable(control: bigint): void {
    this.#control = control;
    this.#port.write64(REGISTER.CONTROL, control);
  }

  /** Adds a command: its kind, further bits of its first quadword, and the second quadword. */
  add(kind: number, a: number, b: number, c: number, d: number): void {
    this.ring.put(a, ((OPCODES[kind] as number) << OPCODE_SHIFT) | b, c, d);
    this.ring.publish();
    this.#counts.add(kind);
    this.#pending = true;
  }

  /** Sends a wait and waits for it, where something was added since the last one. */
  wait(): void {
    if (!this.#pending) return;
    this.#sequence++;
    this.#pending = false;
    this.#sendWait();
    if (this.#port.listened) this.#waitForStore();
    else this.#port.meter.tlbPolls++;
  }

  publish(tail: number): void {
    this.#port.write32(REGISTER.CMD_TAIL, this.ring.index(tail) << 4);
  }

  consumed(): number {
    const head = this.#port.poll(REGISTER.CMD_HEAD);
    if (!this.#port.listened) return this.ring.tail;
    return positionOf(head >>> 4, this.ring.tail, BUFFER_ENTRIES);
  }

  #sendWait(): void {
    const slot = this.#slot;
    const high = Math.floor(slot / 0x100000000) | ((OPCODES[KIND.wait] as number) << OPCODE_SHIFT);
    this.ring.put(slot | STORE, high, this.#sequence, Math.floor(this.#sequence / 0x100000000));
    this.ring.publish();
    this.#counts.add(KIND.wait);
    this.#port.meter.tlbSync++;
  }

  /** Waits until the number stored is not below that of the last wait. */
  #waitForStore(): void {
    const word = this.#pages.word(this.#slot);
    for (let polls = 0; ; polls = countPoll(polls, 'COMPLETION_WAIT')) {
      this.#port.meter.tlbPolls++;
      const { u32 } = this.#pages.memory;
      if ((u32[word] as number) + (u32[word + 1] as number) * 0x100000000 >= this.#sequence) return;
      if ((this.#port.read32(REGISTER.STATUS) & STATUS_RUNNING) === 0) this.#restart();
    }
  }

  /** After an illegal command: the buffer is turned off and on, and starts anew with what followed that command. */
  #restart(): void {
    this.errors++;
    const { ring } = this;
    const rest: number[][] = [];
    const head = positionOf(this.#port.read32(REGISTER.CMD_HEAD) >>> 4, ring.tail, BUFFER_ENTRIES);
    for (let at = head; at !== ring.tail; at = (at + 1) & (2 * BUFFER_ENTRIES - 1)) {
      if (at !== head) rest.push([0, 1, 2, 3].map((word) => ring.wordAt(at, word)));
    }
    this.#port.write64(REGISTER.CONTROL, this.#control & ~CONTROL.commands);
    this.#port.write32(REGISTER.CMD_HEAD, 0);
    this.#port.write32(REGISTER.CMD_TAIL, 0);
    ring.reset();
    this.#port.write64(REGISTER.CONTROL, this.#control);
    for (const [a = 0, b = 0, c = 0, d = 0] of rest) ring.put(a, b, c, d);
    ring.publish();
  }
}
