/**
 * The semantics of a kernel whose core hands whole ranges to the page table (Linux 7.3, drivers/iommu/iommu.c and generic_pt):
 * what it returns, leaves behind and rolls back.
 * @module
 */
import { type Address, checkAddress } from '../address.ts';
import type { DomainContext } from '../drivers/contract.ts';
import type { Geometry } from '../formats/contract.ts';
import type { ListArrays } from '../memory/scatter-list.ts';
import { Gather } from '../pagetable/gather.ts';
import type { RangeTable } from '../pagetable/range.ts';
import { type Done, ListRuns } from '../pagetable/runs.ts';
import { type Calls, exactOutput, type MapResult } from './calls.ts';
import type { Route } from './route.ts';

function wide(argument: string, value: Address): bigint {
  checkAddress(argument, value);
  return BigInt(value);
}

/** Calls of one domain. */
export class RangeCalls implements Calls {
  readonly #geometry: Geometry;
  readonly #route: Route;
  readonly #range: RangeTable;
  readonly #done: Done;

  constructor({ geometry }: DomainContext, route: Route, done: Done) {
    this.#geometry = geometry;
    this.#route = route;
    this.#range = route.table.range;
    this.#done = done;
  }

  translate(iova: Address): number | undefined {
    return exactOutput(this.resolve(iova));
  }

  resolve(iova: Address): bigint | undefined {
    return this.#range.translate(wide('iova', iova));
  }

  map(iova: Address, pa: Address, size: Address, prot: number): MapResult {
    const errno = this.#map(wide('iova', iova), wide('pa', pa), wide('size', size), prot);
    if (errno === 0) this.#syncMap(iova);
    return this.#result(errno === 0 ? this.#done.bytes : 0, errno, prot);
  }

  mapSg(iova: Address, list: ListArrays, prot: number): MapResult {
    const start = wide('iova', iova);
    const runs = new ListRuns(list, true);
    let errno = 0;
    while (errno === 0 && runs.next()) {
      const at = BigInt.asUintN(64, start + BigInt(this.#done.bytes));
      errno = this.#map(at, BigInt(runs.start), BigInt(runs.bytes), prot);
    }
    if (errno === 0) this.#syncMap(iova);
    else this.#unmap(start, BigInt(this.#done.bytes));
    return this.#result(errno === 0 ? this.#done.bytes : 0, errno, prot);
  }

  unmap(iova: Address, size: Address): number {
    return Number(this.#unmap(wide('iova', iova), wide('size', size)));
  }

  /** Tells the driver what a call mapped from `iova` on. */
  #syncMap(iova: Address): void {
    const { ias } = this.#geometry;
    if (this.#done.bytes > 0) this.#route.syncMap(Number(BigInt.asUintN(ias, BigInt(iova))), this.#done.bytes);
  }

  #result(bytes: number, errno: number, prot: number): MapResult {
    return { bytes, errno, granted: this.#geometry.granted(prot) };
  }

  /** Maps a range, and unmaps what of it was mapped where that fails. */
  #map(iova: bigint, pa: bigint, bytes: bigint, prot: number): number {
    const before = this.#done.bytes;
    const errno = this.#route.mapWide(iova, pa, bytes, prot, this.#done);
    if (errno !== 0 && this.#done.bytes > before) this.#unmap(iova, BigInt(this.#done.bytes - before));
    if (errno !== 0) this.#done.bytes = before;
    return errno;
  }

  #unmap(iova: bigint, bytes: bigint): bigint {
    const gather = new Gather(false);
    const unmapped = this.#route.unmapWide(iova, bytes, gather);
    this.#route.finish(gather);
    return unmapped;
  }
}
