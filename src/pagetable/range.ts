/**
 * Calls on whole ranges, as Linux's generic page table takes them: 64-bit arguments as they come, errnos, and a gather for
 * what must be invalidated.
 * @module
 */
import { IommuError } from '../errors.ts';
import type { Geometry } from '../formats/contract.ts';
import { QUIRK } from '../formats/quirks.ts';
import { type DirtyVisitor, dirtyEnds, readDirty, setDirty } from './dirty.ts';
import { readDirtyRun } from './dirty-run.ts';
import { EINVAL, ERANGE } from './errno.ts';
import { Gather, type GatheredTable } from './gather.ts';
import { grow } from './growth.ts';
import type { PageSizeChooser } from './page-size.ts';
import { nearNumber, refuseMap, refuseRange } from './range-checks.ts';
import { mapLeaves } from './range-map.ts';
import { RangeUnmapper } from './range-unmap.ts';
import type { Done } from './runs.ts';
import { translate } from './scan.ts';
import type { TableTree } from './tree.ts';

/** The format has no such thing. */
const EOPNOTSUPP = -95;
/** Nothing is mapped. */
const ENOENT = -2;

/** Bits of an address below the smallest entry of any format of the family. */
const SUB_PAGE = 2047n;

/** Range calls of one page table. */
export class RangeTable {
  readonly #tree: TableTree;
  readonly #geometry: Geometry;
  readonly #chooser: PageSizeChooser;
  readonly #unmapper: RangeUnmapper;

  constructor(tree: TableTree, chooser: PageSizeChooser) {
    this.#tree = tree;
    this.#geometry = tree.geometry;
    this.#chooser = chooser;
    this.#unmapper = new RangeUnmapper(tree);
  }

  /**
   * Maps a range with the largest pages that fit at each point.
   * @returns 0 or a negative errno; `done` says how far it came
   * @throws IommuError `UNALIGNED` where a rest smaller than every page would be left: Linux recurses without end
   */
  map(iova: bigint, pa: bigint, bytes: bigint, prot: number, done: Done): number {
    const refused = refuseMap(this.#geometry, iova, pa, bytes, prot);
    if (refused !== 0) return refused;
    const smallest = BigInt(this.#chooser.smallest);
    if ((iova | bytes) % smallest !== 0n) throw endless(bytes, smallest);
    const gather = new Gather(false);
    const errno = this.#mapPages(iova, Number(pa), Number(bytes), prot, gather, done);
    if (gather.wantsSync) this.#sync(gather);
    this.#release(gather);
    return errno;
  }

  /** Unmaps a range up to the first hole; returns the bytes, and adds to the gather what must be invalidated. */
  unmap(iova: bigint, bytes: bigint, gather: Gather): bigint {
    if (refuseRange(this.#geometry, iova, bytes) !== 0) return 0n;
    const from = this.#offset(iova);
    const end = this.#end(iova, bytes);
    if (end > this.#tree.reach) return 0n;
    const fresh = new Gather(gather.queued);
    const unmapped = BigInt(this.#unmapper.unmap(from, end, fresh));
    if (this.#splitsGaps && gather.isApart(iova, unmapped)) {
      this.finish(gather);
    }
    gather.addRange(iova, unmapped);
    gather.addTables(fresh.tables);
    gather.leafLevels |= fresh.leafLevels;
    gather.tableLevels |= fresh.tableLevels;
    return unmapped;
  }

  /** The output address, of any alignment; undefined where nothing is mapped. */
  translate(iova: bigint): bigint | undefined {
    if (refuseRange(this.#geometry, iova, 1n) !== 0) return undefined;
    const low = iova & SUB_PAGE;
    const pa = translate(this.#tree, this.#offset(iova - low));
    return pa === -1 ? undefined : BigInt(pa) | low;
  }

  /**
   * Reads which leaves that touch a range were written to, and makes them clean unless `keep`.
   * @param visit gets offsets, which `addressOf` turns into input addresses
   * @returns 0 or a negative errno
   */
  readDirty(iova: bigint, bytes: bigint, keep: boolean, visit: DirtyVisitor, gather: Gather): number {
    if (this.#tree.rules.dirtyRange !== 'any') return this.#readRun(iova, bytes, keep, visit, gather);
    if (this.#geometry.dirty === undefined) return EOPNOTSUPP;
    const refused = refuseRange(this.#geometry, iova, bytes);
    if (refused !== 0) return refused;
    if (this.#isAboveRoot(iova, bytes)) return ERANGE;
    readDirty(this.#tree, this.#offset(iova), this.#end(iova, bytes), keep, (leaves) => {
      visit(leaves);
      if (keep) return;
      const [from, last] = dirtyEnds(leaves);
      const start = this.addressOf(iova, leaves.iova + from * leaves.size);
      gather.addRange(start, BigInt((last + 1 - from) * leaves.size));
    });
    return 0;
  }

  /** Reads up to the first hole, where a kernel's page table does so: it takes lower-half addresses alone. */
  #readRun(iova: bigint, bytes: bigint, keep: boolean, visit: DirtyVisitor, gather: Gather): number {
    const past = BigInt.asUintN(64, iova + bytes - 1n) >> BigInt(this.#geometry.ias) !== 0n;
    if (bytes === 0n || past || this.#tree.rules.dirtyRange === 'none') return EINVAL;
    return readDirtyRun(this.#tree, this.#offset(iova), this.#end(iova, bytes), keep, (leaves) => {
      visit(leaves);
      gather.addRange(BigInt(leaves.iova), BigInt(leaves.size));
    });
  }

  /** What the hardware does on a write: marks the entry behind `iova`. */
  setDirty(iova: bigint): number {
    if (this.#geometry.dirty === undefined) return EOPNOTSUPP;
    if (refuseRange(this.#geometry, iova, 1n) !== 0 || this.#isAboveRoot(iova, 1n)) return ERANGE;
    return setDirty(this.#tree, this.#offset(iova - (iova & SUB_PAGE))) ? 0 : ENOENT;
  }

  /** Ends a gather: the driver is told where there is something to invalidate, and the tables are freed. */
  finish(gather: Gather): void {
    if (gather.wantsSync) this.#sync(gather);
    this.#release(gather);
    gather.reset();
  }

  /** Frees the tables of a gather that no sync follows. */
  drop(gather: Gather): void {
    this.#release(gather);
  }

  #release(gather: Gather): void {
    for (const { depth, table } of gather.tables) this.#tree.removal.releaseTable(depth, table);
    gather.tables = [];
  }

  get #splitsGaps(): boolean {
    return (this.#geometry.quirks & QUIRK.FLUSH_RANGE_NO_GAPS) !== 0;
  }

  #sync(gather: Gather): void {
    this.#tree.tlb.syncGather?.(gather);
    this.#release(gather);
  }

  #mapPages(iova: bigint, pa: number, bytes: number, prot: number, gather: Gather, done: Done): number {
    const tree = this.#tree;
    const chooser = this.#chooser;
    const from = this.#offset(iova);
    chooser.choose(from, pa, bytes);
    const grown = this.#grow(nearNumber(iova) + bytes, chooser.size);
    if (grown !== 0) return grown;
    const replaced = (start: number, span: number, tables: readonly GatheredTable[]): void => {
      const at = this.addressOf(iova, start);
      if (this.#splitsGaps && gather.isApart(at, BigInt(span))) {
        this.finish(gather);
      }
      gather.addRange(at, BigInt(span));
      gather.addTables(tables);
      for (const { depth } of tables) gather.tableLevels |= 1 << tree.levelAt(depth - 1).level;
    };
    let errno = 0;
    for (let mapped = 0; errno === 0 && mapped < bytes; ) {
      chooser.choose(from + mapped, pa + mapped, bytes - mapped);
      const place = tree.want(from + mapped, chooser.size, chooser.count);
      errno = mapLeaves(tree, place, pa + mapped, prot, replaced);
      mapped += place.count * chooser.size;
      done.bytes += place.count * chooser.size;
    }
    return errno;
  }

  /** Grows the root for a range whose first page has this size. */
  #grow(end: number, size: number): number {
    const { place } = this.#tree;
    this.#tree.leaves.choose(place, size);
    return this.#geometry.top === 0 ? 0 : grow(this.#tree, end, place.depth);
  }

  /** Whether a range does not lie in what a root that grows reaches today. */
  #isAboveRoot(iova: bigint, bytes: bigint): boolean {
    return this.#end(iova, bytes) > this.#tree.reach;
  }

  /** The input address of an offset in the range that begins at `iova`. */
  addressOf(iova: bigint, offset: number): bigint {
    return BigInt.asUintN(64, iova - BigInt.asUintN(this.#geometry.ias, iova) + BigInt(offset));
  }

  #offset(iova: bigint): number {
    return nearNumber(BigInt.asUintN(this.#geometry.ias, iova));
  }

  /** Where a range ends, as an offset. */
  #end(iova: bigint, bytes: bigint): number {
    return nearNumber(BigInt.asUintN(this.#geometry.ias, iova) + bytes);
  }
}

function endless(bytes: bigint, smallest: bigint): IommuError {
  const got = `0x${bytes.toString(16)}`;
  const page = `0x${smallest.toString(16)}`;
  return new IommuError('UNALIGNED', 'size', `expected a multiple of the smallest page ${page}, got ${got}`, {
    got,
    page,
  });
}
