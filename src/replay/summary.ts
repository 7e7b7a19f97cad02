/**
 * How contiguous the lists of a trace are: what decides whether a path by runs or by blocks can gain anything. Memory is
 * bounded.
 * @module
 */
import type { CallColumns } from '../trace/call-batch.ts';

const TWO_32 = 2 ** 32;

/** Numbers by power of two: bucket k holds values in [2^k, 2^(k+1)). */
export class PowerHistogram {
  /** Counts by bucket. */
  readonly counts: number[] = [];

  /** Adds a value from 1 up. */
  add(value: number): void {
    const bucket = value < TWO_32 ? 31 - Math.clz32(Math.max(1, value)) : Math.floor(Math.log2(value));
    while (this.counts.length <= bucket) this.counts.push(0);
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
  }
}

/** Counts by power of two: bucket k holds values in [2^k, 2^(k+1)); plain data. */
export interface PowerCounts {
  readonly counts: readonly number[];
}

/** How contiguous lists are: bytes of the lists, contiguous runs of a list, bytes of a run; plain data. */
export interface ListShapeData {
  readonly bytes: PowerCounts;
  readonly runs: PowerCounts;
  readonly runBytes: PowerCounts;
}

/** Sizes of lists and of the physically contiguous runs that they consist of. */
export class ListShape {
  /** Bytes of the lists. */
  readonly bytes: PowerHistogram = new PowerHistogram();
  /** Contiguous runs of a list. */
  readonly runs: PowerHistogram = new PowerHistogram();
  /** Bytes of a run. */
  readonly runBytes: PowerHistogram = new PowerHistogram();

  /** The counts so far, as plain data. */
  data(): ListShapeData {
    const { bytes, runs, runBytes } = this;
    return {
      bytes: { counts: bytes.counts },
      runs: { counts: runs.counts },
      runBytes: { counts: runBytes.counts },
    };
  }

  /** Takes the lists that a batch of calls maps. */
  take(calls: CallColumns): void {
    const { count, maps, size, first } = calls;
    for (let i = 0; i < count; i++) {
      if (maps[i] !== 1) continue;
      this.bytes.add(size[i] as number);
      this.#list(calls, first[i] as number, first[i + 1] as number);
    }
  }

  #list({ addresses, lengths }: CallColumns, from: number, end: number): void {
    let runs = 0;
    let bytes = 0;
    for (let at = from; at < end; at++) {
      bytes += lengths[at] as number;
      const next = (addresses[at] as number) + (lengths[at] as number);
      if (at + 1 < end && addresses[at + 1] === next) continue;
      runs++;
      this.runBytes.add(bytes);
      bytes = 0;
    }
    this.runs.add(runs);
  }
}
