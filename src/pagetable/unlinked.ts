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

  /** As `drain`, in the order in which they were added. */
  drainInOrder(visit: (depth: number, table: number) => void): void {
    for (const [i, table] of this.#tables.entries()) visit(this.#depths[i] as number, table);
    this.#depths.length = 0;
    this.#tables.length = 0;
  }

  get length(): number {
    return this.#tables.length;
  }

  /** Takes out those that were added last, until `length` are left. */
  cut(length: number, visit: (depth: number, table: number) => void): void {
    while (this.length > length) visit(this.#depths.pop() as number, this.#tables.pop() as number);
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
  /** The same, each by itself: what its entries lead to is kept otherwise, or in use. */
  readonly single: TableList = new TableList();
  /** Until the unmap call under way has ended: they are invalidated, and come back where the call is rolled back. */
  readonly held: TableList = new TableList();
  readonly #marks: number[] = [];

  /** An unmap call begins. */
  begin(): void {
    const marks = this.#marks;
    marks[0] = this.gathered.length;
    marks[1] = this.deferred.length;
    marks[2] = this.stranded.length;
  }

  /** Takes out the tables of the call under way. */
  takeBack(visit: (depth: number, table: number) => void): void {
    const [gathered = 0, deferred = 0, stranded = 0] = this.#marks;
    this.gathered.cut(gathered, visit);
    this.deferred.cut(deferred, visit);
    this.stranded.cut(stranded, visit);
    this.held.cut(0, visit);
  }
}
