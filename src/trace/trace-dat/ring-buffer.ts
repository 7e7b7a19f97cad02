/**
 * Pages of the kernel's ring buffer: records with their times. Layout: `header_page` and `header_event` of tracefs.
 * @module
 */

/** Type field of a record's word (`header_event`). */
const TYPE = { LENGTH_FOLLOWS: 0, LARGEST_IN_WORD: 28, PADDING: 29, TIME_EXTEND: 30, TIME_STAMP: 31 } as const;
/** Flags in a page's commit word. */
const MISSED_EVENTS = 0x80000000;
const MISSED_STORED = 0x40000000;
const COMMIT_SIZE = 0xfffff;
const TWO_27 = 2 ** 27;
const TWO_32 = 2 ** 32;
const TWO_59 = 2 ** 59;

/** Walks the records of pages, one after the other. After {@link next}: where the record lies, and its time. */
export class PageWalker {
  /** Time of the current record, in units of the trace's clock. */
  time = 0;
  /** Where the current record's data begins, and its length, from the start of the view. */
  start = 0;
  length = 0;
  /** Events lost before this page: a number, −1 if it is not stored, 0 if none. */
  missed = 0;
  /** Set where a page could not be walked to its end. */
  damaged = false;
  readonly #little: boolean;
  readonly #long: number;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #end = 0;

  constructor(little: boolean, long: number) {
    this.#little = little;
    this.#long = long;
  }

  /** Starts on the page that lies at `offset`, `pageSize` bytes of it. */
  open(view: DataView, offset: number, pageSize: number): void {
    this.#view = view;
    this.time = this.#u64(offset);
    const commit = view.getUint32(this.#little || this.#long === 4 ? offset + 8 : offset + 12, this.#little);
    const used = commit & COMMIT_SIZE;
    this.#at = offset + 8 + this.#long;
    this.#end = this.#at + used;
    this.damaged = this.#end > offset + pageSize;
    if (this.damaged) this.#end = offset + pageSize;
    this.missed = (commit & MISSED_EVENTS) === 0 ? 0 : this.#missedCount(commit, offset + pageSize);
  }

  /** Goes to the next record. False at the page's end. */
  next(): boolean {
    while (this.#at + 4 <= this.#end) {
      const word = this.#view.getUint32(this.#at, this.#little);
      const type = this.#little ? word & 31 : word >>> 27;
      const delta = this.#little ? word >>> 5 : word & (TWO_27 - 1);
      this.#at += 4;
      if (type <= TYPE.LARGEST_IN_WORD) return this.#record(type, delta);
      if (!this.#special(type, delta)) return false;
    }
    return false;
  }

  #record(type: number, delta: number): boolean {
    this.time += delta;
    if (type === TYPE.LENGTH_FOLLOWS) {
      if (this.#at + 4 > this.#end) return this.#damage();
      const length = this.#view.getUint32(this.#at, this.#little);
      if (length < 4) return this.#damage();
      this.start = this.#at + 4;
      this.length = length - 4;
      this.#at += length + 3 - ((length + 3) % 4);
    } else {
      this.start = this.#at;
      this.length = type * 4;
      this.#at += this.length;
    }
    return this.#at <= this.#end || this.#damage();
  }

  /** Padding, time extend, absolute time. False where the rest of the page is padding. */
  #special(type: number, delta: number): boolean {
    if (type === TYPE.PADDING && delta === 0) {
      this.#at = this.#end;
      return false;
    }
    if (this.#at + 4 > this.#end) return this.#damage();
    const value = this.#view.getUint32(this.#at, this.#little);
    if (type === TYPE.TIME_EXTEND) this.time += value * TWO_27 + delta;
    else if (type === TYPE.TIME_STAMP) this.time = this.time - (this.time % TWO_59) + value * TWO_27 + delta;
    else return this.#skip(value, delta);
    this.#at += 4;
    return true;
  }

  /** A discarded record: its length counts the length word. */
  #skip(length: number, delta: number): boolean {
    if (length < 4) return this.#damage();
    this.time += delta;
    this.#at += length;
    return true;
  }

  #damage(): false {
    this.damaged = true;
    this.#at = this.#end;
    return false;
  }

  /** The number lost is stored after the page's data, if there was room. */
  #missedCount(commit: number, pageEnd: number): number {
    const room = this.#end + this.#long <= pageEnd;
    if ((commit & MISSED_STORED) === 0 || !room) return -1;
    return this.#long === 8 ? this.#u64(this.#end) : this.#view.getUint32(this.#end, this.#little);
  }

  #u64(at: number): number {
    const first = this.#view.getUint32(at, this.#little);
    const second = this.#view.getUint32(at + 4, this.#little);
    return this.#little ? second * TWO_32 + first : first * TWO_32 + second;
  }
}
