/**
 * The event log of a live AMD IOMMU: events bit for bit, and overflow (AMD 48882, 2.5.2).
 * @module
 */
import type { PhysicalMemory } from '../../bus.ts';
import { AMD_EVENT_BYTES, AMD_EVENT_FIELDS } from '../../hardware/amd-vi/events.ts';
import { registerBits } from '../../hardware/bits.ts';
import { encodeRecord } from '../../hardware/record.ts';
import type { RegisterBank } from '../register-bank.ts';
import { AT, CONTROL, STATUS } from './registers.ts';

/** Length field below which a log cannot be used (3.4.3). */
const LEAST_LENGTH = 8;
const ADDRESS_MASK = 0x000f_ffff_ffff_f000n;

/** Writes events where software reads them. */
export class EventLog {
  /** Events that were lost. */
  lost = 0;
  readonly #memory: PhysicalMemory;
  readonly #bank: RegisterBank;

  constructor(memory: PhysicalMemory, bank: RegisterBank) {
    this.#memory = memory;
    this.#bank = bank;
  }

  /** Logs an event by the names of `AMD_EVENT_FIELDS`. Without room, it and all later ones are lost (2.5.2). */
  record(values: Readonly<Record<string, bigint | number>>): void {
    const status = this.#bank.get(AT.STATUS);
    if ((this.#bank.get(AT.CONTROL) & CONTROL.EventLogEn) === 0) return;
    if ((status & STATUS.EventLogRun) === 0) {
      this.lost++;
      return;
    }
    if (!this.#write(encodeRecord(AMD_EVENT_FIELDS, AMD_EVENT_BYTES, values))) {
      this.lost++;
      this.#bank.set(AT.STATUS, (status | STATUS.EventOverflow) & ~STATUS.EventLogRun);
      return;
    }
    const interrupt = (this.#bank.get(AT.CONTROL) & CONTROL.EventIntEn) !== 0 ? STATUS.EventLogInt : 0;
    this.#bank.set(AT.STATUS, status | interrupt);
  }

  /** EventLogEn was written: setting it starts the log again, clearing it stops it. */
  control(enabled: boolean): void {
    const status = this.#bank.get(AT.STATUS);
    const runs = enabled && (status & STATUS.EventOverflow) === 0;
    this.#bank.set(AT.STATUS, runs ? status | STATUS.EventLogRun : status & ~STATUS.EventLogRun);
  }

  #write(words: Uint32Array): boolean {
    const value = this.#bank.get64(AT.EVENT_LOG_BASE);
    const entries = 2 ** Math.max(LEAST_LENGTH, registerBits(value, 56, 4));
    const tail = (this.#bank.get(AT.EVT_TAIL) >>> 4) % entries;
    const head = (this.#bank.get(AT.EVT_HEAD) >>> 4) % entries;
    if ((tail + 1) % entries === head) return false;
    const at = Number(value & ADDRESS_MASK) + tail * AMD_EVENT_BYTES;
    for (const [i, word] of words.entries()) this.#memory.write32(at + 4 * i, word);
    this.#bank.set(AT.EVT_TAIL, ((tail + 1) % entries) * AMD_EVENT_BYTES);
    return true;
  }
}
