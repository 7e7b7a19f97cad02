/**
 * TLB maintenance of one context bank: by address, by last-level address, by walk, by ASID or VMID, with its
 * synchronisation. Arm IHI 0062, 16.5 (TLBI registers), 9.6.29 (global synchronisation).
 * @module
 */
import type { Geometry } from '../../formats/contract.ts';
import type { Meter } from '../../meter/meter.ts';
import type { TlbOps } from '../../pagetable/tlb-ops.ts';
import { contextKind } from './context.ts';
import { SmmuDevice } from './device.ts';
import { CB, GR0 } from './registers.ts';

/** How the tables behind a freed table entry are invalidated: address by address, or the whole ASID (Qualcomm, 5.15). */
export type TableInvalidation = 'address' | 'asid';

/** The TLB side of one domain. */
export class SmmuTlb implements TlbOps {
  readonly #device: SmmuDevice;
  readonly #meter: Meter;
  readonly #geometry: Geometry;
  readonly #bank: number;
  readonly #byAsid: boolean;
  readonly #stage: 1 | 2;
  readonly #wide: boolean;
  readonly #sync: number;
  readonly #status: number;

  constructor(device: SmmuDevice, meter: Meter, geometry: Geometry, bank: number, tables: TableInvalidation) {
    const { stage, scheme } = contextKind(geometry.format);
    this.#device = device;
    this.#meter = meter;
    this.#geometry = geometry;
    this.#bank = bank;
    this.#stage = stage;
    this.#wide = scheme === 'aarch64' || stage === 2;
    this.#sync = SmmuDevice.bank(bank, CB.TLBSYNC);
    this.#status = SmmuDevice.bank(bank, CB.TLBSTATUS);
    this.#byAsid = tables === 'asid' && stage === 1;
  }

  flushWalk(iova: number, size: number, granule: number): void {
    if (this.#byAsid) {
      this.flushAll();
      return;
    }
    const count = size / granule;
    this.#barrier();
    this.#meter.tlbAddress += count;
    this.#invalidate(this.#stage === 1 ? CB.TLBIVA : CB.TLBIIPAS2, iova, granule, count);
    this.sync();
  }

  flushWalks(iova: number, size: number, granule: number, count: number): void {
    if (this.#byAsid || this.#device.listened) {
      for (let i = 0; i < count; i++) this.flushWalk(iova + i * size, size, granule);
      return;
    }
    const operations = (size / granule) * count;
    if (this.#geometry.coherent) this.#meter.added.wmb += count;
    this.#meter.tlbAddress += operations;
    this.#device.countWrites(operations);
    this.#device.countSyncs(count);
  }

  addPages(iova: number, granule: number, count: number): void {
    if (this.#geometry.coherent) this.#meter.added.wmb += count;
    this.#meter.tlbLastLevel += count;
    this.#invalidate(this.#stage === 1 ? CB.TLBIVAL : CB.TLBIIPAS2L, iova, granule, count);
  }

  flushAll(): void {
    this.#meter.added.wmb++;
    this.#meter.tlbAsid++;
    if (this.#stage === 1) {
      this.#device.write([SmmuDevice.bank(this.#bank, CB.TLBIASID), this.#bank]);
      this.sync();
    } else {
      this.#device.write([GR0.TLBIVMID, this.#bank + 1]);
      this.#device.sync(GR0.sTLBGSYNC, GR0.sTLBGSTATUS);
    }
  }

  /** Waits until the invalidations of this context are done. */
  sync(): void {
    this.#device.sync(this.#sync, this.#status);
  }

  #barrier(): void {
    if (this.#geometry.coherent) this.#meter.added.wmb++;
  }

  #invalidate(register: number, iova: number, granule: number, count: number): void {
    if (!this.#device.listened) {
      this.#device.countWrites(count);
      return;
    }
    const offset = SmmuDevice.bank(this.#bank, register);
    for (let i = 0; i < count; i++) this.#device.write([offset, this.#operand(iova + i * granule)]);
  }

  #operand(iova: number): number | bigint {
    const address = this.#geometry.iovaBase + BigInt(iova);
    if (this.#stage === 2) return address >> 12n;
    if (this.#wide) return ((address >> 12n) & ((1n << 44n) - 1n)) | (BigInt(this.#bank) << 48n);
    return ((Number(address & 0xffffffffn) & ~0xfff) | this.#bank) >>> 0;
  }
}
