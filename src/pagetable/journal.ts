/**
 * Undo records of one map call under the semantics `safe`: which tables were linked, which were unlinked.
 * @module
 */

/** One change of a table entry. */
export interface TableChange {
  /** Whether a new table was linked, or an empty one unlinked. */
  readonly linked: boolean;
  /** Byte offset of the entry. */
  readonly at: number;
  /** The entry before: low word. */
  readonly lo: number;
  /** The entry before: high word. */
  readonly hi: number;
  /** Byte offset of the table. */
  readonly table: number;
  /** Depth of the table. */
  readonly depth: number;
}

/** Changes in the order in which they were made. A change happens once a table, never once a page. */
export class TableJournal {
  /** Whether changes are recorded. */
  active = false;
  /** The changes. */
  readonly changes: TableChange[] = [];

  /** A new table was linked at an empty entry. */
  linked(at: number, table: number, depth: number): void {
    this.changes.push({ linked: true, at, lo: 0, hi: 0, table, depth });
  }

  /** A table was unlinked and waits to be freed. */
  unlinked(at: number, lo: number, hi: number, table: number, depth: number): void {
    this.changes.push({ linked: false, at, lo, hi, table, depth });
  }

  /** Starts to record. */
  begin(): void {
    this.active = true;
    if (this.changes.length > 0) this.changes.length = 0;
  }

  /** Stops to record. */
  end(): void {
    this.active = false;
    if (this.changes.length > 0) this.changes.length = 0;
  }
}
