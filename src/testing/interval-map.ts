/**
 * The oracle: which input addresses are mapped and to what, as a plain sorted array of intervals with `bigint`
 * addresses. It knows nothing of pages, blocks or tables.
 * @module
 */

/** Input addresses [start, end) are mapped to [pa, pa + end − start). */
export interface Interval {
  readonly start: bigint;
  readonly end: bigint;
  readonly pa: bigint;
}

/** Disjoint intervals in order. */
export class IntervalMap {
  intervals: readonly Interval[] = [];

  /** Adds a mapping; the range must be free. */
  add(start: bigint, bytes: bigint, pa: bigint): void {
    this.intervals = [...this.intervals, { start, end: start + bytes, pa }].sort((a, b) =>
      a.start < b.start ? -1 : 1,
    );
  }

  /** Removes whatever is mapped in [start, start + bytes) and returns how many bytes that were. */
  remove(start: bigint, bytes: bigint): bigint {
    const end = start + bytes;
    const before = this.size;
    this.intervals = this.intervals.flatMap((i) =>
      [cut(i, i.start, min(i.end, start)), cut(i, max(i.start, end), i.end)].filter((piece) => piece.start < piece.end),
    );
    return before - this.size;
  }

  /** Bytes mapped. */
  get size(): bigint {
    return this.intervals.reduce((sum, i) => sum + (i.end - i.start), 0n);
  }

  /** Output address, or undefined. */
  translate(iova: bigint): bigint | undefined {
    const hit = this.intervals.find((i) => i.start <= iova && iova < i.end);
    return hit === undefined ? undefined : hit.pa + (iova - hit.start);
  }

  /** Bytes of [start, start + bytes) that are mapped. */
  covered(start: bigint, bytes: bigint): bigint {
    const end = start + bytes;
    return this.intervals.reduce((sum, i) => sum + max(0n, min(i.end, end) - max(i.start, start)), 0n);
  }

  /** Intervals with neighbours joined where both input and output go on without a break. */
  merged(): Interval[] {
    const joined: Interval[] = [];
    for (const next of this.intervals) {
      const last = joined.at(-1);
      if (last !== undefined && last.end === next.start && last.pa + (last.end - last.start) === next.pa) {
        joined[joined.length - 1] = { ...last, end: next.end };
      } else joined.push(next);
    }
    return joined;
  }
}

function cut(interval: Interval, start: bigint, end: bigint): Interval {
  return { start, end, pa: interval.pa + (start - interval.start) };
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
