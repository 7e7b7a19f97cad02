/**
 * A value over time in bounded memory: neighbouring points are merged as the series grows, and each point kept knows
 * the smallest and largest value of its stretch, so that peaks survive.
 * @module
 */

/** A stretch of a series. */
export interface SeriesPoint {
  /** Time of the first value of the stretch, nanoseconds. */
  readonly time: number;
  readonly minimum: number;
  readonly maximum: number;
  /** Last value of the stretch. */
  readonly last: number;
}

const FIELDS = 4;

/** A series of at most `limit` stretches, each of equally many values. */
export class Series {
  readonly #limit: number;
  readonly #data: Float64Array;
  #count = 0;
  #inLast = 0;
  #stride = 1;
  /** The value that came last, whatever its time. */
  #value = 0;

  /** `limit`: even, the number of stretches to keep. */
  constructor(limit = 512) {
    this.#limit = limit;
    this.#data = new Float64Array(limit * FIELDS);
  }

  /** How many values make up a stretch now. */
  get stride(): number {
    return this.#stride;
  }

  /** Adds a value. One that comes late changes all values from its time on by as much as it differs from the last. */
  add(time: number, value: number): void {
    const data = this.#data;
    const change = value - this.#value;
    this.#value = value;
    if (time < (data[(this.#count - 1) * FIELDS] ?? Number.NEGATIVE_INFINITY)) {
      this.#addLate(time, change);
      return;
    }
    if (this.#inLast > 0 && this.#inLast < this.#stride) {
      const at = (this.#count - 1) * FIELDS;
      if (value < (data[at + 1] as number)) data[at + 1] = value;
      if (value > (data[at + 2] as number)) data[at + 2] = value;
      data[at + 3] = value;
      this.#inLast++;
      return;
    }
    if (this.#count === this.#limit) this.#thin();
    data.fill(value, this.#count * FIELDS + 1, (this.#count + 1) * FIELDS);
    data[this.#count * FIELDS] = time;
    this.#count++;
    this.#inLast = 1;
  }

  #addLate(time: number, change: number): void {
    if (this.#count === this.#limit && this.#stride === 1) {
      this.#thin();
      this.#inLast = this.#stride;
    }
    const data = this.#data;
    let after = this.#count;
    for (; after > 0 && (data[(after - 1) * FIELDS] as number) > time; after--) this.#shift(after - 1, change);
    const value = change + (after === 0 ? 0 : (data[after * FIELDS - 1] as number));
    if (this.#stride === 1) this.#insert(after, time, value);
    else this.#fold(Math.max(after - 1, 0), time, value, after > 0);
  }

  /** Adds to all values of a stretch. */
  #shift(index: number, change: number): void {
    for (let field = 1; field < FIELDS; field++) (this.#data[index * FIELDS + field] as number) += change;
  }

  /** A stretch of one value between two others. */
  #insert(index: number, time: number, value: number): void {
    const data = this.#data;
    data.copyWithin((index + 1) * FIELDS, index * FIELDS, this.#count * FIELDS);
    data.fill(value, index * FIELDS + 1, (index + 1) * FIELDS);
    data[index * FIELDS] = time;
    this.#count++;
  }

  /** A value into a stretch of several: at its end, or before its first value. */
  #fold(index: number, time: number, value: number, atEnd: boolean): void {
    const data = this.#data;
    const at = index * FIELDS;
    if (atEnd) data[at + 3] = value;
    else data[at] = time;
    data[at + 1] = Math.min(data[at + 1] as number, value);
    data[at + 2] = Math.max(data[at + 2] as number, value);
  }

  /** The stretches, oldest first. */
  points(): SeriesPoint[] {
    return Array.from({ length: this.#count }, (_, index) => {
      const [time = 0, minimum = 0, maximum = 0, last = 0] = this.#data.subarray(index * FIELDS, (index + 1) * FIELDS);
      return { time, minimum, maximum, last };
    });
  }

  /** Merges neighbours two by two. */
  #thin(): void {
    const data = this.#data;
    for (let pair = 0; pair < this.#limit / 2; pair++) {
      const from = pair * 2 * FIELDS;
      const to = pair * FIELDS;
      const minimum = Math.min(data[from + 1] as number, data[from + FIELDS + 1] as number);
      const maximum = Math.max(data[from + 2] as number, data[from + FIELDS + 2] as number);
      data[to] = data[from] as number;
      data[to + 1] = minimum;
      data[to + 2] = maximum;
      data[to + 3] = data[from + FIELDS + 3] as number;
    }
    this.#count = this.#limit / 2;
    this.#stride *= 2;
  }
}
