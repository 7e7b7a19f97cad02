/**
 * How an address space is used: what is allocated, what rounding and alignment waste, and the largest range that still
 * fits.
 * @module
 */
import type { IovaAllocator } from './iova-allocator.ts';

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
  /** 0 where all free frames are in one range, towards 1 where they lie in many small ones. */
  readonly fragmentation: number;
}

/** The use of the frames below 4 GiB, or below `limit` (inclusive). Walks all ranges. */
export function addressUse(iova: IovaAllocator, limit: number = iova.pfn32 - 1): AddressUse {
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
    at = Math.max(at, hi + 1);
  });
  largestFit = Math.max(largestFit, fitBetween(at, limit + 1));
  largestRange = Math.max(largestRange, limit + 1 - at);
  const space = limit - iova.startPfn + 1;
  const free = space - taken;
  const fragmentation = free === 0 ? 0 : 1 - largestRange / free;
  return { space, taken, cached, free, largestRange, largestFit, fragmentation };
}

/** The largest power of two of frames that fits at its alignment. */
function fitBetween(start: number, end: number): number {
  for (let unit = 2 ** Math.floor(Math.log2(Math.max(1, end - start))); unit >= 1; unit /= 2) {
    if (Math.ceil(start / unit) * unit + unit <= end) return unit;
  }
  return 0;
}

/** Live frames over time, for a forecast: a line through them, by least squares, in bounded memory. */
export class Growth {
  #count = 0;
  #time = 0;
  #frames = 0;
  #timeTime = 0;
  #timeFrames = 0;
  #first: number | undefined;

  /** Adds one reading. */
  add(time: number, frames: number): void {
    this.#first ??= time;
    const t = (time - this.#first) / 1e9;
    this.#count++;
    this.#time += t;
    this.#frames += frames;
    this.#timeTime += t * t;
    this.#timeFrames += t * frames;
  }

  /** Frames a second that the line grows by; 0 where there is no line. */
  get framesPerSecond(): number {
    const spread = this.#count * this.#timeTime - this.#time * this.#time;
    return spread > 0 ? (this.#count * this.#timeFrames - this.#time * this.#frames) / spread : 0;
  }

  /** Seconds until `free` frames are used up if it goes on like this; Infinity where it does not grow. */
  secondsUntil(free: number): number {
    const slope = this.framesPerSecond;
    return slope > 0 ? free / slope : Number.POSITIVE_INFINITY;
  }
}
