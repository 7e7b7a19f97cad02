/**
 * Undo records of one unmap call under the semantics `safe`: entries as they were, and tables that splits made. With them a
 * call whose invalidation throws is rolled back.
 * @module
 */

/** Words behind the words of a record: first word, number of words, table. */
const FIELDS = 3;
/** Words that are copied one by one. */
const SHORT = 16;
/** Instead of a table: its entries are not counted. */
const UNCOUNTED = 0xffffffff;

/** Hears of entries that are as they were again: byte offset, number, and, of a table whose entries are counted, how many more are in use. */
type Restored = (at: number, entries: number, table: number, more: number) => void;

/** Entries of one tree, in the order in which they were overwritten. Keeping allocates nothing but room. */
export class ErasedEntries {
  /** Whether a call is under way that may be rolled back. */
  active = false;
  /** Depths and byte offsets of the tables made, by turns. */
  readonly made: number[] = [];
  readonly #entryWords: number;
  #log = new Uint32Array(256);
  #length = 0;

  /** @param entryWords 32-bit words of an entry */
  constructor(entryWords: number) {
    this.#entryWords = entryWords;
  }

  /** A call begins. */
  begin(): void {
    this.active = true;
    this.#length = 0;
    this.made.length = 0;
  }

  /** It ended: nothing can be rolled back any more. */
  end(): void {
    this.active = false;
  }

  /** Entries are overwritten next; `table` where its entries are counted. */
  keep(words: Uint32Array, first: number, count: number, table: number = UNCOUNTED): void {
    if (this.#length + count + FIELDS > this.#log.length) this.#widen(count);
    const log = this.#log;
    let at = this.#length;
    if (count <= SHORT) for (let i = 0; i < count; i++) log[at++] = words[first + i] as number;
    else {
      log.set(words.subarray(first, first + count), at);
      at += count;
    }
    log[at++] = first;
    log[at++] = count;
    log[at++] = table;
    this.#length = at;
  }

  /** Writes the entries back, the last ones first. */
  restore(words: Uint32Array, restored: Restored): void {
    const log = this.#log;
    while (this.#length > 0) {
      const fields = this.#length - FIELDS;
      const [first, count, table] = [log[fields] as number, log[fields + 1] as number, log[fields + 2] as number];
      const from = fields - count;
      const more = table === UNCOUNTED ? 0 : this.#inUse(log, from, count) - this.#inUse(words, first, count);
      words.set(log.subarray(from, fields), first);
      this.#length = from;
      restored(first * 4, count / this.#entryWords, table, more);
    }
  }

  #inUse(words: Uint32Array, first: number, count: number): number {
    const step = this.#entryWords;
    let used = 0;
    for (let at = first; at < first + count; at += step) {
      if (((words[at] as number) | (step === 2 ? (words[at + 1] as number) : 0)) !== 0) used++;
    }
    return used;
  }

  #widen(count: number): void {
    const wider = new Uint32Array(Math.max(this.#log.length * 2, this.#length + count + FIELDS));
    wider.set(this.#log);
    this.#log = wider;
  }
}
