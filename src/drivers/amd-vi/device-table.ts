/**
 * Device table entries of an AMD-Vi unit. AMD 48882, 2.2.2 (DTE), 2.2.3.3 (GCR3 table).
 * @module
 */
import type { SharedPages } from '../queue/shared-pages.ts';

/** Bytes of an entry. */
export const DTE_BYTES = 32;
/** First quadword: V 0, TV 1, Mode 11:9, GIOV 54, GV 55, GCR3 root 14:12 at 60:58, IR 61, IW 62. */
const DTE = { on: 3n, modeShift: 9n, guest: 3n << 54n, access: 3n << 61n } as const;
/** GCR3 root: bits 30:15 at 31:16 and 51:31 at 63:43 of the second quadword. */
const GCR3 = { lowShift: 58n, middleShift: 16n, highShift: 43n } as const;
/** Second quadword: DomainID 15:0, I (the device has a TLB) 32. */
const DEVICE_TLB = 1n << 32n;
/** Third quadword: GuestPagingMode 55:54, five levels. */
const FIVE_LEVELS = 1n << 54n;

/** An entry as four quadwords. */
export type DeviceEntry = readonly [bigint, bigint, bigint, bigint];

/** An entry under which every access is refused. */
export const BLOCKED: DeviceEntry = [DTE.on, 0n, 0n, 0n];

/** An entry that leads to host tables. */
export function hostEntry(root: bigint, mode: bigint, domain: number, ats: boolean): DeviceEntry {
  const first = DTE.on | (mode << DTE.modeShift) | root | DTE.access;
  return [first, BigInt(domain) | (ats ? DEVICE_TLB : 0n), 0n, 0n];
}

/** An entry that leads through a GCR3 table to guest tables. */
export function guestEntry(gcr3: number, levels: bigint, domain: number, ats: boolean): DeviceEntry {
  const root = BigInt(gcr3);
  const first = DTE.on | DTE.guest | DTE.access | (((root >> 12n) & 7n) << GCR3.lowShift);
  const second = (((root >> 15n) & 0xffffn) << GCR3.middleShift) | ((root >> 31n) << GCR3.highShift);
  return [first, second | BigInt(domain) | (ats ? DEVICE_TLB : 0n), levels === 5n ? FIVE_LEVELS : 0n, 0n];
}

/** Entries of one unit, by device id. */
export class DeviceTable {
  /** Physical address. */
  readonly base: number;
  readonly #pages: SharedPages;

  /** @param devices a multiple of 128: whole pages */
  constructor(pages: SharedPages, devices: number) {
    this.#pages = pages;
    this.base = pages.take(devices * DTE_BYTES);
    for (let device = 0; device < devices; device++) this.write(device, BLOCKED);
  }

  /** Writes an entry: its first quadword, which says whether the others count, last, or first where it blocks. */
  write(device: number, entry: DeviceEntry): void {
    const at = this.base + DTE_BYTES * device;
    for (let i = 0; i < entry.length; i++) {
      const word = entry === BLOCKED ? i : entry.length - 1 - i;
      this.#pages.write64(at + 8 * word, entry[word] ?? 0n);
    }
  }
}
