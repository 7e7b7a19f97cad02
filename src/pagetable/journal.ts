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

const FIELDS = 6;

/** Changes in the order in which they were made. A change happens once a table, never once a page. */
export class TableJournal {
  /** Whether changes are recorded. */
  active = false;
  /** Whether the range of the call was found free. */
  free = false;
  /** Whether leaves were written: where the range was not found free, all of it. */
  wrote = false;
  /** Whether a table was unlinked. */
  unlinks = false;
  #length = 0;
  #fields = new Uint32Array(FIELDS * 64);

  /** The changes. */
  get changes(): TableChange[] {
    const field = (at: number): number => this.#fields[at] as number;
    return Array.from({ length: this.#length / FIELDS }, (_, i) => {
      const at = i * FIELDS;
      return {
        linked: field(at) === 1,
        at: field(at + 1),
        lo: field(at + 2),
        hi: field(at + 3),
        table: field(at + 4),
        depth: field(at + 5),
      };
    });
  }

  /** A new table was linked at an empty entry. */
  linked(at: number, table: number, depth: number): void {
    this.#record(1, at, 0, 0, table, depth);
  }

  /** A table was unlinked and waits to be freed. */
  unlinked(at: number, lo: number, hi: number, table: number, depth: number): void {
    this.unlinks = true;
    this.#record(0, at, lo, hi, table, depth);
  }

  /** Starts to record. */
  begin(free: boolean): void {
    this.active = true;
    this.free = free;
    this.wrote = false;
    this.unlinks = false;
    this.#length = 0;
  }

  /** Stops to record. */
  end(): void {
    this.active = false;
    this.free = false;
    this.unlinks = false;
    this.#length = 0;
  }

  #record(linked: number, at: number, lo: number, hi: number, table: number, depth: number): void {
    const start = this.#length;
    if (start === this.#fields.length) this.#widen();
    const fields = this.#fields;
    fields[start] = linked;
    fields[start + 1] = at;
    fields[start + 2] = lo;
    fields[start + 3] = hi;
    fields[start + 4] = table;
    fields[start + 5] = depth;
    this.#length = start + FIELDS;
  }

  #widen(): void {
    const wider = new Uint32Array(this.#fields.length * 2);
    wider.set(this.#fields);
    this.#fields = wider;
  }
}
