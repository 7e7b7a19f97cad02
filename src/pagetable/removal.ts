/**
 * How tables go: unlinked, announced to the TLB, and freed at once, after a sync, or when a call came to its end; and how an
 * unmap call is undone.
 * @module
 */
import { firstSet } from './entries.ts';
import type { TableTree } from './tree.ts';
import { UnlinkedTables } from './unlinked.ts';

/** The way out for tables of one tree. */
export class TableRemoval {
  readonly #tree: TableTree;
  readonly #unlinked = new UnlinkedTables();
  readonly #granule: number;
  /** Whether the driver gathers: tables may wait for its sync. */
  readonly #gathers: boolean;
  readonly #free = (depth: number, table: number): void => this.freeBelow(depth, table);

  constructor(tree: TableTree) {
    this.#tree = tree;
    this.#granule = 2 ** tree.geometry.pageShift;
    this.#gathers = tree.tlb.removeTable !== undefined;
  }

  /** Unlinks the table behind the entry at `at`, tells the TLB, and frees it and all below. */
  unlink(depth: number, at: number, iova: number): void {
    const tree = this.#tree;
    const lo = tree.lo(at);
    const hi = tree.hi(at);
    const span = tree.spanAt(depth);
    const table = tree.tableAt(at);
    if (tree.journal.active) tree.journal.unlinked(at, lo, hi, table, depth + 1);
    tree.store(at, 0, 0);
    tree.memory.queue(table, tree.levelAt(depth + 1).allocBytes);
    tree.forgetPath();
    tree.cleanEntry(at);
    tree.tlb.flushWalk(iova, span, this.#granule);
    if (!tree.journal.active) this.freeBelow(depth + 1, table);
  }

  /**
   * Frees a table that is no longer linked, and all below it: once the TLB was told, or, where the driver gathers, after its sync.
   * @param queued a flush of everything follows
   */
  freeUnlinked(depth: number, table: number, iova: number, queued: boolean): void {
    const tree = this.#tree;
    const unlinked = this.#unlinked;
    let waits = false;
    tree.forgetPath();
    try {
      if (this.#gathers) waits = tree.tlb.removeTable?.(iova, tree.spanAt(depth - 1), this.#granule, queued) === true;
      else tree.tlb.flushWalk(iova, tree.spanAt(depth - 1), this.#granule);
    } catch (error) {
      this.#keep(unlinked.stranded, depth, table);
      throw error;
    }
    if (waits) this.#keep(queued ? unlinked.deferred : unlinked.gathered, depth, table);
    else if (tree.erased.active) this.#keep(unlinked.held, depth, table);
    else this.freeBelow(depth, table);
  }

  /** An unmap call begins; one that nothing can make fail is not rolled back. */
  beginUnmap(canFail: boolean): void {
    if (!canFail) return;
    this.#tree.erased.begin();
    this.#unlinked.begin();
  }

  /** It ended well: the tables go that are invalidated. */
  endUnmap(): void {
    this.#tree.erased.end();
    if (this.#unlinked.held.length > 0) this.#unlinked.held.drainInOrder(this.#free);
  }

  /**
   * Takes an unmap call back: every entry is as it was, every table linked again. The tables that splits made are freed once
   * everything is invalidated; where that fails, they stay until the tree is freed.
   */
  undoUnmap(): void {
    const tree = this.#tree;
    const { erased, memory } = tree;
    if (!erased.active) return;
    erased.restore(memory.u32, (at, entries, table, more) => {
      tree.meter.added.entryWrites += entries;
      if (more !== 0) memory.addEntries(table, more);
      tree.forgetPath();
      tree.cleans.attempt(at, entries);
    });
    erased.end();
    this.#unlinked.takeBack((depth, table) => memory.relink(table, tree.levelAt(depth).allocBytes));
    tree.forgetPath();
    this.flushThenFree(erased.made);
  }

  /** Invalidates everything, and frees tables (depths and byte offsets by turns) that a device may have walked until then. */
  flushThenFree(tables: readonly number[]): void {
    let flushed = false;
    try {
      this.#tree.tlb.flushAll();
      flushed = true;
    } finally {
      for (let i = 0; i < tables.length; i += 2) {
        const [depth, table] = [tables[i] as number, tables[i + 1] as number];
        if (flushed) this.releaseTable(depth, table);
        else this.#keep(this.#unlinked.single, depth, table);
      }
    }
  }

  /** Frees the tables that waited for a sync; with `all`, those that waited for a flush of everything too. */
  releaseUnlinked(all: boolean): void {
    const { gathered, deferred } = this.#unlinked;
    if (gathered.length > 0) gathered.drain(this.#free);
    if (all) deferred.drain(this.#free);
  }

  /** Keeps a table that a device may still walk. */
  #keep(list: UnlinkedTables['gathered'], depth: number, table: number): void {
    const tree = this.#tree;
    tree.memory.queue(table, tree.levelAt(depth).allocBytes);
    tree.forgetPath();
    list.add(depth, table);
  }

  /** Frees a table and all tables below it. */
  freeBelow(depth: number, table: number): void {
    const tree = this.#tree;
    if (depth !== tree.last) {
      const { entries } = tree.levelAt(depth);
      for (let i = firstSet(tree, table, 0, entries); i < entries; i = firstSet(tree, table, i + 1, entries)) {
        const at = table + (i << tree.entryShift);
        if (tree.isTable(depth, tree.lo(at))) this.freeBelow(depth + 1, tree.tableAt(at));
      }
    }
    this.releaseTable(depth, table);
  }

  /** Frees one table. */
  releaseTable(depth: number, table: number): void {
    const tree = this.#tree;
    tree.pool.release(depth, table);
    tree.forgetPath();
  }

  /** Frees every table, the roots included; the tree is dead afterwards. */
  destroy(): void {
    const tree = this.#tree;
    this.releaseUnlinked(true);
    this.#unlinked.stranded.drain(this.#free);
    this.#unlinked.single.drain((depth, table) => this.releaseTable(depth, table));
    for (const root of tree.roots) this.freeBelow(tree.top, root);
  }
}
