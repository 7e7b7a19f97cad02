/**
 * The registers of a unit with a queue: counted, and silent where no device is attached.
 * @module
 */
import type { RegisterPort } from '../../bus.ts';
import { IommuError } from '../../errors.ts';
import type { Meter } from '../../meter/meter.ts';
import { portOf } from '../options.ts';

/** Polls after which a device is given up. */
const MOST_POLLS = 1000;

/** Registers of one unit. Without a port writes are counted and the device does everything at once. */
export class UnitPort {
  /** Whether a device is there. */
  readonly listened: boolean;
  /** Counts of whoever uses the unit. */
  readonly meter: Meter;
  readonly #port: RegisterPort | undefined;

  /** @throws IommuError `BAD_OPTION` for a port without the calls of one. */
  constructor(port: RegisterPort | undefined, meter: Meter) {
    this.#port = portOf(port);
    this.listened = port !== undefined;
    this.meter = meter;
  }

  /** Reads a 32-bit register; 0 where no device is there. */
  read32(offset: number): number {
    this.meter.registerReads++;
    return this.#port === undefined ? 0 : this.#port.read32(offset) >>> 0;
  }

  /** Reads an identification register of 32 bits, as is done once at probe: not counted; 0 where no device is there. */
  identify32(offset: number): number {
    return this.#port === undefined ? 0 : this.#port.read32(offset) >>> 0;
  }

  /** As `identify32`, of 64 bits. */
  identify64(offset: number): bigint {
    return this.#port?.read64(offset) ?? 0n;
  }

  /** Writes a 32-bit register. */
  write32(offset: number, value: number): void {
    this.meter.registerWrites++;
    this.#port?.write32(offset, value >>> 0);
  }

  /** Writes a 64-bit register. */
  write64(offset: number, value: bigint): void {
    this.meter.registerWrites++;
    this.#port?.write64(offset, value);
  }

  /** Polls a register until the bits under `mask` are `value`; one poll where no device is there. */
  waitFor(offset: number, mask: number, value: number): void {
    for (let polls = 0; polls < MOST_POLLS; polls++) {
      const read = this.poll(offset);
      if (!this.listened || (read & mask) >>> 0 === value >>> 0) return;
    }
    throw stuck(`register 0x${offset.toString(16)}`);
  }

  /** Reads a register in a wait. */
  poll(offset: number): number {
    this.meter.tlbPolls++;
    return this.read32(offset);
  }
}

/** Counts the polls of one wait. @throws IommuError `DEVICE` after too many. */
export function countPoll(polls: number, what: string): number {
  if (polls >= MOST_POLLS) throw stuck(what);
  return polls + 1;
}

function stuck(what: string): IommuError {
  return new IommuError(
    'DEVICE',
    'device',
    `expected the device to finish the ${what} within ${MOST_POLLS} polls, got no answer: it is stuck`,
  );
}
