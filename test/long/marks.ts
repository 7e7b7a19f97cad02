/**
 * Which pages a device wrote to: a plain model of dirty bits. A leaf is dirty as a whole. Where an unmap leaves a part of a
 * dirty leaf, it depends on the format whether that part is still dirty: then both answers are right.
 * @module
 */
import type { Interval } from '../../src/testing/interval-map.ts';

/** Offsets [start, end) that are dirty, or may be. */
interface Mark {
  readonly start: number;
  readonly end: number;
  readonly sure: boolean;
}

/** Dirty leaves of one domain. */
export class Marks {
  #marks: readonly Mark[] = [];

  /** A device wrote to the leaf [start, end). */
  write(start: number, end: number): void {
    this.#marks = [...this.#marks.flatMap((mark) => outside(mark, start, end)), { start, end, sure: true }];
  }

  /** What is mapped in [start, end) now may be dirty from the start: Linux maps pages as written to on Arm. */
  mayBeWritten(start: number, end: number): void {
    this.#marks = [...this.#marks.flatMap((mark) => outside(mark, start, end)), { start, end, sure: false }];
  }

  /** Forgets what is no longer mapped. */
  keep(mapped: readonly Interval[]): void {
    this.#marks = this.#marks.flatMap((mark) => mapped.flatMap((interval) => inside(mark, interval)));
  }

  /** [start, end) was read and made clean. */
  clear(start: number, end: number): void {
    const left = (mark: Mark): Mark[] => (mark.sure ? [] : outside(mark, start, end));
    this.#marks = this.#marks.flatMap((mark) => (meets(mark, start, end) ? left(mark) : [mark]));
  }

  /** What the bit of the page [start, end) must be; undefined where both are right. */
  bit(start: number, end: number): boolean | undefined {
    const found = this.#marks.filter((mark) => meets(mark, start, end));
    return found.some(({ sure }) => sure) || (found.length > 0 ? undefined : false);
  }
}

function meets(mark: Mark, start: number, end: number): boolean {
  return mark.start < end && start < mark.end;
}

/** What of a mark is still mapped. */
function inside(mark: Mark, interval: Interval): Mark[] {
  const start = Math.max(mark.start, Number(interval.start));
  const end = Math.min(mark.end, Number(interval.end));
  if (start >= end) return [];
  return start === mark.start && end === mark.end ? [mark] : [{ start, end, sure: false }];
}

/** What of a mark lies outside [start, end). */
function outside(mark: Mark, start: number, end: number): Mark[] {
  if (!meets(mark, start, end)) return [mark];
  const pieces = [
    { start: mark.start, end: start, sure: false },
    { start: end, end: mark.end, sure: false },
  ];
  return pieces.filter((piece) => piece.start < piece.end);
}
