/**
 * What a row of a replay mapped and unmapped, at the addresses that the lists have there.
 * @module
 */
import type { Domain } from '../core/domain.ts';

/** A list as a row mapped it. Valid during the callback only. */
export interface MappedList {
  /** First input address, and bytes from there on that are mapped. */
  readonly iova: number;
  readonly bytes: number;
  /** Bytes of the traced elements: places `from` to below `to`. */
  readonly lengths: Float64Array;
  readonly from: number;
  readonly to: number;
  /** Where each traced element begins, bytes behind `iova`, from place 0 on; undefined where they follow one another. */
  readonly offsets: Float64Array | undefined;
}

/** Receives what was mapped and unmapped, in order; calls that were refused are left out. */
export interface ListObserver {
  /** A list was mapped into the domain of number `id`. */
  mapped(id: number, domain: Domain, list: MappedList): void;
  /** A range was unmapped; under lazy invalidation it may still be cached until {@link ListObserver.flushed}. */
  unmapped(id: number, iova: number, bytes: number): void;
  /** Everything that may be cached of any domain was invalidated. */
  flushed(): void;
}
