/**
 * The event queue of a live SMMUv3: records bit for bit, overflow, and stalled events that wait (Arm IHI 0070, 7.2, 7.4).
 * @module
 */
import type { PhysicalMemory } from '../../bus.ts';
import { registerBits } from '../../hardware/bits.ts';
import { EVENT_BYTES, type EventRecord, encodeEvent } from '../../hardware/smmu-v3/events.ts';
import type { RegisterBank } from '../register-bank.ts';
import { AT, CR0, GERROR, MOST_LOG2, OVERFLOW } from './registers.ts';

/** Stalled events that wait for room at most; a unit has a limited number of stalled transactions. */
const MOST_STALLED = 64;
const ADDRESS_MASK = 0x00ff_ffff_ffff_ffe0n;

/** Writes events where software reads them. */
export class EventQueue {
  /** Events that were lost because the queue was full. */
  lost = 0;
  readonly #memory: PhysicalMemory;
  readonly #bank: RegisterBank;
  #stalled: EventRecord[] = [];

  constructor(memory: PhysicalMemory, bank: RegisterBank) {
    this.#memory = memory;
    this.#bank = bank;
  }

  /** Records an event; without room, one of a stalled access waits and every other is lost. */
  record(event: EventRecord): void {
    if (!this.#enabled) return;
    if (this.#write(event)) return;
    if (event.fields['Stall'] === 1n && this.#stalled.length < MOST_STALLED) this.#stalled.push(event);
    else this.#overflow();
  }

  /** Software made room, or enabled the queue. */
  drain(): void {
    while (this.#enabled && this.#stalled.length > 0) {
      const [next] = this.#stalled;
      if (next === undefined || !this.#write(next)) return;
      this.#stalled.shift();
    }
  }

  get #enabled(): boolean {
    return (this.#bank.get(AT.CR0) & CR0.EVENTQEN) !== 0 && !this.#aborted;
  }

  get #aborted(): boolean {
    return ((this.#bank.get(AT.GERROR) ^ this.#bank.get(AT.GERRORN)) & GERROR.EVENTQ_ABT_ERR) !== 0;
  }

  #write(event: EventRecord): boolean {
    const base = this.#bank.get64(AT.EVENTQ_BASE);
    const entries = 2 ** Math.min(MOST_LOG2, registerBits(base, 0, 5));
    const prod = this.#bank.get(AT.EVENTQ_PROD);
    const [index, cons] = [prod % (2 * entries), this.#bank.get(AT.EVENTQ_CONS) % (2 * entries)];
    if ((index - cons + 2 * entries) % (2 * entries) >= entries) return false;
    const first = Number(base & ADDRESS_MASK);
    const at = first - (first % (entries * EVENT_BYTES)) + (index % entries) * EVENT_BYTES;
    const words = encodeEvent(event);
    for (const [i, word] of words.entries()) {
      if (!this.#memory.write32(at + 4 * i, word)) {
        this.#bank.set(AT.GERROR, this.#bank.get(AT.GERROR) ^ GERROR.EVENTQ_ABT_ERR);
        return true;
      }
    }
    this.#bank.set(AT.EVENTQ_PROD, (prod & OVERFLOW) | ((index + 1) % (2 * entries)));
    return true;
  }

  /** OVFLG toggles unless it differs from OVACKFLG already (7.4). */
  #overflow(): void {
    this.lost++;
    const prod = this.#bank.get(AT.EVENTQ_PROD);
    if (((prod ^ this.#bank.get(AT.EVENTQ_CONS)) & OVERFLOW) === 0) this.#bank.set(AT.EVENTQ_PROD, prod ^ OVERFLOW);
  }
}
