/**
 * Tables that are unlinked and that a device may still walk: they stay until it was told. The tables of a `Gather` are those of
 * one range call; these are those of calls that remove pages.
 * @module
 */

/** Depths and byte offsets of tables, in the order in which they were unlinked. Adding allocates nothing but room. */
class TableList {
  readonly #depths: number[] = [];
  readonly #tables: number[] = [];

  add(depth: number, table: number): void {
    this.#depths.push(depth);
    this.#tables.push(table);
  }

  /** Takes every table out, whatever happens to it. */
  drain(visit: (depth: number, table: number) => void): void {
    while (this.#tables.length > 0) visit(this.#depths.pop() as number, this.#tables.pop() as number);
  }

  get length(): number {
    return this.#tables.length;
  }
}

/** The tables of one tree, by what must happen before they are freed. */
export class UnlinkedTables {
  /** Until the next sync. */
  readonly gathered: TableList = new TableList();
  /** Until everything of the tree is flushed. */
  readonly deferred: TableList = new TableList();
  /** Until the tree is freed, since their invalidation failed. */
  readonly stranded: TableList = new TableList();
}
