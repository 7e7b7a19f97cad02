/**
 * Checked requests over the path of their domain: cut into calls of the route, as far as the path cuts them.
 * @module
 */
import { CheckedList, type ListPiece } from '../memory/checked-list.ts';
import type { ListArrays, ScatterList } from '../memory/scatter-list.ts';
import type { PageTable } from '../pagetable/page-table.ts';
import { type Done, ListRuns, mapRange, unmapRange } from '../pagetable/runs.ts';
import type { CallsAtOnce } from './at-once.ts';
import type { Path } from './paths.ts';
import type { Route } from './route.ts';

/** Requests of one domain, one at a time. Results are as the kernel's: 0 or a negative errno, bytes for unmaps. */
export class Requests {
  /** How far the map request under way has come. */
  readonly done: Done = { bytes: 0 };
  /** Whether equal pages of one table go in one call. */
  readonly joinsPages: boolean;
  readonly #route: Route;
  readonly #table: PageTable;
  readonly #path: Path;
  readonly #atOnce: CallsAtOnce | undefined;
  readonly #one = { addresses: new Float64Array(1), lengths: new Float64Array(1) };

  /** @param atOnce calls at once, for smallest pages; undefined where the driver, the tables or the semantics do not allow them */
  constructor(route: Route, table: PageTable, path: Path, atOnce: CallsAtOnce | undefined) {
    this.#route = route;
    this.#table = table;
    this.#path = path;
    this.#atOnce = atOnce;
    this.joinsPages = path === 'map-pages' || path === 'one-walk';
  }

  /** The output address behind an offset, or −1. */
  translate(offset: number): number {
    return this.#route.iovaToPhys(offset);
  }

  /** Maps one range. */
  mapOne(offset: number, pa: number, bytes: number, prot: number): number {
    if (this.#path !== 'one-walk') return this.mapRange(offset, pa, bytes, prot);
    this.#one.addresses[0] = pa;
    this.#one.lengths[0] = bytes;
    return this.mapList(offset, this.#one, prot);
  }

  /** Maps one range by calls of equal pages, or page by page. */
  mapRange(offset: number, pa: number, bytes: number, prot: number): number {
    if (this.#atOnce?.mapRun(offset, pa, bytes, prot) === true) {
      this.done.bytes += bytes;
      return 0;
    }
    const single = this.#path !== 'map-pages';
    return mapRange(this.#route, this.#table.chooser, offset, pa, bytes, prot, single, this.done);
  }

  /** Maps a list. */
  mapList(offset: number, list: ListArrays, prot: number): number {
    if (this.#path === 'map-sg') return this.#route.mapList(offset, list, prot, 'hook', this.done);
    if (this.#path === 'one-walk') return this.#route.mapList(offset, list, prot, 'one-walk', this.done);
    if (this.#atOnce !== undefined && list instanceof CheckedList)
      return this.#mapPieces(offset, list, prot, this.#atOnce);
    const runs = new ListRuns(list, false);
    let errno = 0;
    while (errno === 0 && runs.next()) errno = this.mapRange(offset + this.done.bytes, runs.start, runs.bytes, prot);
    return errno;
  }

  #mapPieces(offset: number, list: CheckedList, prot: number, atOnce: CallsAtOnce): number {
    let errno = 0;
    for (let i = 0; errno === 0 && i < list.pieces.length; i++) {
      errno = this.#mapPiece(offset, list.open((list.pieces[i] as ListPiece).cut), prot, atOnce);
    }
    return errno;
  }

  #mapPiece(offset: number, list: ScatterList, prot: number, atOnce: CallsAtOnce): number {
    const runs = new ListRuns(list, false);
    for (;;) {
      this.#mapReadable(offset, runs, list, prot, atOnce);
      if (!runs.next()) return 0;
      const errno = this.mapRange(offset + this.done.bytes, runs.start, runs.bytes, prot);
      if (errno !== 0) return errno;
    }
  }

  /** Maps runs at once, table by table, up to one that must be mapped otherwise. */
  #mapReadable(offset: number, runs: ListRuns, list: ScatterList, prot: number, atOnce: CallsAtOnce): void {
    for (;;) {
      const next = atOnce.mapRuns(list, runs.ahead, offset + this.done.bytes, prot);
      if (next === runs.ahead) return;
      this.done.bytes += atOnce.runBytes;
      runs.skipTo(next);
    }
  }

  /** Unmaps a range, up to the first hole. */
  unmapRange(offset: number, bytes: number, queued: boolean): number {
    if (this.#path === 'one-walk') return this.#route.unmapRange(offset, bytes, queued);
    if (this.#atOnce?.unmapRun(offset, bytes, queued) === true) return bytes;
    return unmapRange(this.#route, this.#table.unmapChooser, offset, bytes, this.#path !== 'map-pages', queued);
  }
}
