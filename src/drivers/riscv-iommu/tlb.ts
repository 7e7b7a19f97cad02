/**
 * Invalidation of one RISC-V domain: what Linux sends for unmaps, tables and whole domains, with tables of its own (6.13) and with
 * generic ones (7.3). RISC-V IOMMU specification 1.0, 4.1.1; drivers/iommu/riscv/iommu.c.
 * @module
 */
import type { Geometry } from '../../formats/contract.ts';
import type { Gather } from '../../pagetable/gather.ts';
import type { TlbOps } from '../../pagetable/tlb-ops.ts';
import { DeviceAddress, EVERYTHING, offsetsOf, pagesLog2 } from '../queue/iova.ts';
import { UnmapGather } from '../queue/unmap-gather.ts';
import { DIRECTORY, KIND, VMA } from './commands.ts';
import type { RiscvUnit } from './unit.ts';

const PAGE = 4096;
/** More commands than this become one of the whole address space (7.3). */
const MOST_SINGLE = 512;
/** From these bytes on the whole address space is invalidated (6.13). */
const WIDE_BYTES = 2 ** 21;

/** How one domain is invalidated. */
export interface RiscvTlbSetup {
  readonly kernel: '6.13' | '7.3';
  readonly pscid: number;
}

/** Commands of one domain. */
export class RiscvTlb implements TlbOps {
  readonly #unit: RiscvUnit;
  readonly #geometry: Geometry;
  readonly #kernel: RiscvTlbSetup['kernel'];
  readonly #pscid: number;
  readonly #gather = new UnmapGather();
  readonly #address: DeviceAddress;
  readonly #spans: ReadonlyMap<number, number>;

  constructor(unit: RiscvUnit, geometry: Geometry, { kernel, pscid }: RiscvTlbSetup) {
    this.#unit = unit;
    this.#geometry = geometry;
    this.#kernel = kernel;
    this.#pscid = pscid << VMA.pscidShift;
    this.#address = new DeviceAddress(geometry);
    this.#spans = new Map(geometry.levels.map(({ level, shift }) => [level, 2 ** shift]));
  }

  flushWalk(): void {
    this.#wide();
    this.#unit.queue.fence();
  }

  addPages(iova: number, granule: number, count: number): void {
    this.#gather.add(iova, granule * count, granule);
    this.#gather.leaf = Math.min(this.#gather.leaf, granule);
  }

  removeTable(iova: number, size: number, granule: number, queued: boolean): boolean {
    if (queued) return true;
    this.#gather.add(iova, size, size);
    this.#gather.leaf = Math.min(this.#gather.leaf, granule);
    this.#gather.tables = true;
    return true;
  }

  flushAll(): void {
    this.#gather.reset();
    this.flushWalk();
  }

  syncGather(gather: Gather): void {
    const [start, end] = offsetsOf(this.#geometry, gather.start, gather.end);
    this.#flush(start, end, this.#smallest(gather.leafLevels), gather.tables.length > 0);
  }

  /** Sends what was gathered. */
  sync(): void {
    const gather = this.#gather;
    if (gather.isEmpty) this.#flush(0, 0, PAGE, false);
    else this.#flush(gather.start, gather.end, gather.leaf, gather.tables);
    gather.reset();
  }

  /** A device's context, and what was cached through it. */
  flushContext(device: number): void {
    this.#unit.queue.add(KIND.directory, 0, DIRECTORY.valid | (device << DIRECTORY.deviceShift), 0, 0);
    this.flushWalk();
  }

  #smallest(levels: number): number {
    let smallest = Number.POSITIVE_INFINITY;
    for (const [level, span] of this.#spans) {
      if ((levels & (1 << level)) !== 0) smallest = Math.min(smallest, span);
    }
    return Number.isFinite(smallest) ? smallest : PAGE;
  }

  #flush(start: number, end: number, leaf: number, tables: boolean): void {
    const bytes = end - start;
    if (bytes === 0) this.#wide();
    else if (this.#kernel === '6.13') this.#flushOwn(start, bytes);
    else this.#flushGeneric(start, end, leaf, tables);
    this.#unit.queue.fence();
  }

  /** Linux 6.13: one command for each page of 4K, whatever the leaves were. */
  #flushOwn(start: number, bytes: number): void {
    if (bytes >= WIDE_BYTES) this.#wide();
    else for (let at = start; at < start + bytes; at += PAGE) this.#page(at, 0);
  }

  /** Linux 7.3: one range where the unit has them, one command for each leaf, or the whole address space. */
  #flushGeneric(start: number, end: number, leaf: number, tables: boolean): void {
    const { naturalRanges, nonLeaf } = this.#unit;
    const levels = tables ? VMA.nonLeaf : 0;
    const bytes = end - start;
    if (tables && !nonLeaf) this.#wide();
    else if (naturalRanges && bytes >= 2 * PAGE) this.#range(start, end, levels);
    else if (bytes / leaf > MOST_SINGLE) this.#wide();
    else for (let at = start; at < end; at += leaf) this.#page(at, levels);
  }

  #range(start: number, end: number, levels: number): void {
    const log2 = pagesLog2(start, end);
    if (log2 >= EVERYTHING) {
      this.#wide();
      return;
    }
    this.#address.setSpan(start, log2);
    this.#send(levels, VMA.range);
  }

  #page(iova: number, levels: number): void {
    this.#address.set(iova);
    this.#send(levels, 0);
  }

  /** By the address that is set: ADDR[63:12] lies at bits 61:10. */
  #send(levels: number, range: number): void {
    const { lo, hi } = this.#address;
    const low = ((lo >>> 2) | (hi << 30) | range) >>> 0;
    this.#unit.queue.add(KIND.vma, VMA.address | this.#pscid, VMA.pscid | levels, low, hi >>> 2);
  }

  #wide(): void {
    this.#unit.queue.add(KIND.vma, this.#pscid, VMA.pscid, 0, 0);
  }
}
