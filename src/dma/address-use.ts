/**
 * How an address space is used: what is allocated, what rounding and alignment waste, and the largest range that still
 * fits.
 * @module
 */
import type { IovaAllocator } from './iova-allocator.ts';
import { roundUpPow2 } from './range-tree.ts';

/** Use of the frames below a limit. Sizes in frames. */
export interface AddressUse {
  /** Frames from the first that may be given out to the limit. */
  readonly space: number;
  /** Frames allocated, reserved or in caches. */
  readonly taken: number;
  /** Frames that wait in caches for their next use. */
  readonly cached: number;
  /** Free frames, and the most of them in one range. */
  readonly free: number;
  readonly largestRange: number;
  /** The largest power of two of frames that fits at its alignment. */
  readonly largestFit: number;
  /** Ranges of the size asked about that still fit, each rounded up to a power of two and at its alignment. */
  readonly places: number;
  /** 0 where all free frames are in one range, towards 1 where they lie in many small ones. */
  readonly fragmentation: number;
}

/** The use of the frames below 4 GiB, or below `limit` (inclusive), for ranges of `size` frames. Walks all ranges. */
export function addressUse(iova: IovaAllocator, limit: number = iova.pfn32 - 1, size = 1): AddressUse {
  const unit = roundUpPow2(size);
  let places = 0;
  let taken = 0;
  let cached = 0;
  let largestFit = 0;
  let largestRange = 0;
  let at = iova.startPfn;
  iova.forEachRange((lo, hi, isCached) => {
    if (lo > limit) return;
    const frames = Math.min(hi, limit) - Math.max(lo, iova.startPfn) + 1;
    taken += Math.max(0, frames);
    if (isCached) cached += frames;
    largestFit = Math.max(largestFit, fitBetween(at, lo));
    largestRange = Math.max(largestRange, lo - at);
    places += placesBetween(at, lo, unit);
    at = Math.max(at, hi + 1);
  });
  largestFit = Math.max(largestFit, fitBetween(at, limit + 1));
  largestRange = Math.max(largestRange, limit + 1 - at);
  places += placesBetween(at, limit + 1, unit);
  const space = limit - iova.startPfn + 1;
  const free = space - taken;
  const fragmentation = free === 0 ? 0 : 1 - largestRange / free;
  return { space, taken, cached, free, largestRange, largestFit, places, fragmentation };
}

/** The largest power of two of frames that fits at its alignment. */
function fitBetween(start: number, end: number): number {
  for (let unit = 2 ** Math.floor(Math.log2(Math.max(1, end - start))); unit >= 1; unit /= 2) {
    if (Math.ceil(start / unit) * unit + unit <= end) return unit;
  }
  return 0;
}

/** Ranges of `unit` frames at their alignment. */
function placesBetween(start: number, end: number, unit: number): number {
  return Math.max(0, Math.floor(end / unit) - Math.ceil(start / unit));
}

/** Readings after which the older ones count half. */
const MEMORY = 256;

/** A value over time, for a forecast: a line by least squares, in which what is recent counts more. Bounded memory. */
export class Trend {
  #count = 0;
  #time = 0;
  #value = 0;
  #timeTime = 0;
  #timeValue = 0;
  #first: number | undefined;

  /** Adds a reading at a time in nanoseconds. */
  add(time: number, value: number): void {
    if (this.#count >= MEMORY) this.#halve();
    this.#first ??= time;
    const t = (time - this.#first) / 1e9;
    this.#count++;
    this.#time += t;
    this.#value += value;
    this.#timeTime += t * t;
    this.#timeValue += t * value;
  }

  /** What the line rises by in a second; 0 where there is no line. */
  get perSecond(): number {
    const spread = this.#count * this.#timeTime - this.#time * this.#time;
    return spread > 0 ? (this.#count * this.#timeValue - this.#time * this.#value) / spread : 0;
  }

  /** Seconds until a value that is `left` now is 0 if it goes on like this; Infinity where it does not fall. */
  secondsUntilNone(left: number): number {
    const slope = this.perSecond;
    return slope < 0 ? left / -slope : Number.POSITIVE_INFINITY;
  }

  #halve(): void {
    this.#count /= 2;
    this.#time /= 2;
    this.#value /= 2;
    this.#timeTime /= 2;
    this.#timeValue /= 2;
  }
}
