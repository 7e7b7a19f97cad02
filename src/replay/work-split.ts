/**
 * Tells the work of maps from that of unmaps on one meter: their units have prices of their own.
 * @module
 */
import type { Path } from '../cost/counts.ts';
import type { MeteredWork } from '../cost/predict.ts';
import { COUNT_NAMES, type Counts, type Meter, noCounts } from '../meter/meter.ts';

/** Splits what a meter counts by operation; costs a pass over the counts at each change between maps and unmaps. */
export class WorkSplit {
  readonly #meter: Meter;
  readonly #path: Path;
  readonly #mark: Counts = noCounts();
  readonly #work = { map: { counts: noCounts(), lists: 0 }, unmap: { counts: noCounts(), lists: 0 } };
  #op: 'map' | 'unmap' = 'map';

  constructor(meter: Meter, path: Path) {
    this.#meter = meter;
    this.#path = path;
  }

  /** Says that a map or an unmap is about to begin. */
  next(op: 'map' | 'unmap'): void {
    if (op !== this.#op) this.#settle();
    this.#op = op;
    this.#work[op].lists++;
  }

  /** The work so far. */
  read(): MeteredWork[] {
    this.#settle();
    return (['map', 'unmap'] as const).map((op) => ({ op, path: this.#path, ...this.#work[op] }));
  }

  #settle(): void {
    const { counts } = this.#work[this.#op];
    for (const name of COUNT_NAMES) {
      counts[name] += this.#meter[name] - this.#mark[name];
      this.#mark[name] = this.#meter[name];
    }
  }
}
