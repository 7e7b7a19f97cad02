/**
 * The semantics of a kernel whose core cuts ranges into runs of pages: what it checks, returns, leaves behind and rolls back
 * (drivers/iommu/iommu.c), its defects included.
 * @module
 */
import type { Address } from '../address.ts';
import type { DomainContext } from '../drivers/contract.ts';
import type { Geometry } from '../formats/contract.ts';
import type { ListArrays } from '../memory/scatter-list.ts';
import { EINVAL } from '../pagetable/errno.ts';
import type { PageSizeChooser } from '../pagetable/page-size.ts';
import { type Done, ListRuns } from '../pagetable/runs.ts';
import type { Calls, MapResult } from './calls.ts';
import { type LinuxInput, linuxAlias, linuxInput, linuxNumber, linuxOffset } from './checks.ts';
import type { Requests } from './requests.ts';
import type { Route } from './route.ts';

/** Calls of one domain. */
export class LinuxCalls implements Calls {
  readonly #geometry: Geometry;
  readonly #input: LinuxInput;
  readonly #alwaysSyncs: boolean;
  readonly #route: Route;
  readonly #chooser: PageSizeChooser;
  readonly #requests: Requests;
  readonly #done: Done;
  readonly #hook: boolean;

  /** @param hook whether lists go through the `map_sg` hook of 2021 */
  constructor({ geometry }: DomainContext, route: Route, requests: Requests, hook: boolean) {
    const { chooser, rules } = route.table;
    this.#geometry = geometry;
    this.#input = linuxInput(geometry, rules);
    this.#alwaysSyncs = rules.syncs === 'every unmap';
    this.#route = route;
    this.#chooser = chooser;
    this.#requests = requests;
    this.#done = requests.done;
    this.#hook = hook;
  }

  translate(iova: Address): number | undefined {
    const pa = this.#requests.translate(linuxAlias(this.#input, iova));
    return pa === -1 ? undefined : pa;
  }

  resolve(iova: Address): bigint | undefined {
    const pa = this.translate(iova);
    return pa === undefined ? undefined : BigInt(pa);
  }

  map(iova: Address, pa: Address, size: Address, prot: number): MapResult {
    const offset = linuxOffset(this.#input, iova);
    const start = linuxNumber('pa', pa);
    const bytes = linuxNumber('size', size);
    const errno = this.#mapRange(offset, start, bytes, prot);
    if (errno === 0) this.#route.syncMap(offset, bytes);
    return this.#result(errno === 0 ? this.#done.bytes : 0, errno, prot);
  }

  mapSg(iova: Address, list: ListArrays, prot: number): MapResult {
    const offset = linuxOffset(this.#input, iova);
    const errno = this.#hook ? this.#requests.mapList(offset, list, prot) : this.#mapRuns(offset, list, prot);
    if (errno !== 0) {
      if (this.#hook) this.#undoRun(offset, list);
      this.#unmap(offset, this.#done.bytes);
      return this.#result(0, errno, prot);
    }
    this.#route.syncMap(offset, this.#done.bytes);
    return this.#result(this.#done.bytes, 0, prot);
  }

  unmap(iova: Address, size: Address): number {
    return this.#unmap(linuxOffset(this.#input, iova), linuxNumber('size', size));
  }

  #result(bytes: number, errno: number, prot: number): MapResult {
    return { bytes, errno, granted: this.#geometry.granted(prot) };
  }

  #mapRange(offset: number, pa: number, bytes: number, prot: number): number {
    if (!this.#chooser.divides(offset, pa, bytes)) return EINVAL;
    const before = this.#done.bytes;
    const errno = this.#requests.mapRange(offset, pa, bytes, prot);
    if (errno !== 0) {
      this.#unmap(offset, this.#done.bytes - before);
      this.#done.bytes = before;
    }
    return errno;
  }

  #mapRuns(offset: number, list: ListArrays, prot: number): number {
    const runs = new ListRuns(list, true);
    let errno = 0;
    while (errno === 0 && runs.next()) {
      errno = this.#mapRange(offset + this.#done.bytes, runs.start, runs.bytes, prot);
    }
    return errno;
  }

  /** Rolls back the run of a list that failed within the hook; complete runs stay, and stay in `#done`. */
  #undoRun(offset: number, list: ListArrays): void {
    const runs = new ListRuns(list, true);
    let complete = 0;
    while (runs.next() && complete + runs.bytes <= this.#done.bytes) complete += runs.bytes;
    if (this.#chooser.divides(offset + complete, runs.start, runs.bytes)) {
      this.#unmap(offset + complete, this.#done.bytes - complete);
    }
    this.#done.bytes = complete;
  }

  #unmap(offset: number, bytes: number): number {
    const unmapped = this.#chooser.divides(offset, 0, bytes) ? this.#requests.unmapRange(offset, bytes, false) : 0;
    if (this.#alwaysSyncs || unmapped > 0) this.#route.sync();
    return unmapped;
  }
}
