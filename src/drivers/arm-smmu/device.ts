/**
 * The device as the driver sees it: registers through a port, counted; streams and context banks, written at attach and
 * again at every resume.
 * @module
 */
import type { RegisterPort } from '../../bus.ts';
import { IommuError } from '../../errors.ts';
import type { Meter } from '../../meter/meter.ts';
import { portOf, whole } from '../options.ts';
import type { SmmuIds } from './capabilities.ts';
import { CB_PAGE, GR0, REGISTER_PAGE, S2CR_FAULT, SCR0_ON, SMR_VALID, SYNC_ACTIVE } from './registers.ts';

/** Polls of a synchronisation before the device is given up: 10 spins and 20 doubling delays of up to a second. */
const MOST_POLLS = 200;

/** Stream-match groups and context banks (sIDR0.NUMSMRG, sIDR1.NUMCB, 9.6.3). */
const MOST_PIECES = 128;

/** One register write: offset and value; 64-bit where the value is a bigint. */
export type RegisterWrite = readonly [offset: number, value: number | bigint];

/** A device without registers: writes are counted, synchronisations are done at once. */
class SilentPort implements RegisterPort {
  read32(): number {
    return 0;
  }
  write32(): void {}
  read64(): bigint {
    return 0n;
  }
  write64(): void {}
}

/** What a device is made of. */
export interface DeviceOptions {
  /** Registers; default none, only counted. */
  readonly port?: RegisterPort;
  /** Stream-match groups that a reset clears; default 32. */
  readonly streamGroups?: number;
  /** Context banks that a reset clears; default 16. */
  readonly contextBanks?: number;
}

/** Registers of one SMMU. */
export class SmmuDevice {
  /** Whether a real port listens: values are computed only then. */
  readonly listened: boolean;
  readonly streamGroups: number;
  readonly contextBanks: number;
  /** What it says of itself, read once at probe and not counted. */
  readonly ids: SmmuIds;
  readonly #port: RegisterPort;
  readonly #meter: Meter;

  constructor(meter: Meter, options: DeviceOptions) {
    this.listened = options.port !== undefined;
    this.#port = portOf(options.port) ?? new SilentPort();
    this.#meter = meter;
    this.ids = { idr0: this.#port.read32(GR0.sIDR0) >>> 0, idr2: this.#port.read32(GR0.sIDR2) >>> 0 };
    this.streamGroups = whole('streamGroups', options.streamGroups, 1, MOST_PIECES, 32);
    this.contextBanks = whole('contextBanks', options.contextBanks, 1, MOST_PIECES, 16);
  }

  /** Byte offset of a register of a context bank. */
  static bank(bank: number, register: number): number {
    return (CB_PAGE + bank) * REGISTER_PAGE + register;
  }

  /** Writes one register. */
  write([offset, value]: RegisterWrite): void {
    this.#meter.registerWrites++;
    if (typeof value === 'bigint') this.#port.write64(offset, value);
    else this.#port.write32(offset, value);
  }

  /** Counts register writes that nobody listens to. */
  countWrites(count: number): void {
    this.#meter.registerWrites += count;
  }

  /** Reads a 32-bit register. */
  read32(offset: number): number {
    this.#meter.registerReads++;
    return this.#port.read32(offset);
  }

  /** Reads a 64-bit register. */
  read64(offset: number): bigint {
    this.#meter.registerReads++;
    return this.#port.read64(offset);
  }

  /**
   * Writes a synchronisation register and polls its status.
   * @throws IommuError `DEVICE` where it never ends.
   */
  sync(register: number, status: number): void {
    if (!this.listened) {
      this.countSyncs(1);
      return;
    }
    this.#meter.tlbSync++;
    this.#meter.registerWrites++;
    this.#poll(register, status);
  }

  /** Counts synchronisations of a device without registers, done at once. */
  countSyncs(count: number): void {
    this.#meter.tlbSync += count;
    this.#meter.registerWrites += count;
    this.#countPolls(count);
  }

  #countPolls(count: number): void {
    this.#meter.tlbPolls += count;
    this.#meter.registerReads += count;
  }

  #poll(register: number, status: number): void {
    this.#port.write32(register, 0);
    for (let polls = 1; polls <= MOST_POLLS; polls++) {
      this.#countPolls(1);
      if ((this.#port.read32(status) & SYNC_ACTIVE) === 0) return;
    }
    throw new IommuError(
      'DEVICE',
      'sync',
      `expected the TLB synchronisation to end within ${MOST_POLLS} polls, got none: the device is stuck`,
    );
  }

  /** What a power-up writes: faults cleared, streams and banks off, everything invalidated, translation on. */
  reset(): void {
    this.write([GR0.sGFSR, 0xffffffff]);
    for (let group = 0; group < this.streamGroups; group++) {
      this.write([GR0.SMR + 4 * group, 0]);
      this.write([GR0.S2CR + 4 * group, 0]);
    }
    for (let bank = 0; bank < this.contextBanks; bank++) this.write([SmmuDevice.bank(bank, 0), 0]);
    this.write([GR0.TLBIALLH, 0xffffffff]);
    this.write([GR0.TLBIALLNSNH, 0xffffffff]);
    this.sync(GR0.sTLBGSYNC, GR0.sTLBGSTATUS);
    this.write([GR0.sCR0, SCR0_ON]);
  }

  /** Makes the stream of a group fault: it matches nothing any more, and leads nowhere where it still does. */
  detachStream(group: number): void {
    this.write([GR0.S2CR + 4 * group, S2CR_FAULT]);
    this.write([GR0.SMR + 4 * group, 0]);
  }

  /** Routes a stream to a context bank. */
  attachStream(group: number, stream: number, bank: number): void {
    this.write([GR0.S2CR + 4 * group, bank]);
    this.write([GR0.SMR + 4 * group, (stream | SMR_VALID) >>> 0]);
  }
}
