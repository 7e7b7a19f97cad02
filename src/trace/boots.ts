/**
 * Whether files that are to be one trace can be of one boot and stand in its order: replayed together, files of two boots
 * would pair the maps of one with the unmaps of the other.
 * @module
 */
import { InputError } from '../errors.ts';
import { type EventSink, KIND, type TraceEvent } from './events.ts';
import type { ReadStats } from './stats.ts';

/** Stamps of two processors may differ by so much, nanoseconds. */
const TOLERANCE = 10e6;

const ADVICE = 'replay one boot at a time, its files in the order of time; `iommu compare A B` compares two';

function seconds(ns: number): string {
  return (ns / 1e9).toFixed(6);
}

/** Watches the events of several files on their way to a sink. */
export class BootGuard {
  readonly #sink: EventSink;
  /** Device → the file in which it joined a group. */
  readonly #joined = new Map<number, string>();
  #file = '';
  #before: { readonly file: string; readonly stats: ReadStats } | undefined;
  #isFirst = false;
  #latest = Number.NEGATIVE_INFINITY;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  /** Says that the events of another file follow. */
  begin(file: string): void {
    this.#file = file;
    this.#isFirst = true;
  }

  /**
   * Hands one event on.
   * @throws InputError `DIFFERENT_BOOTS`.
   */
  event(event: TraceEvent): void {
    if (this.#isFirst) this.#checkStart(event.time);
    if (event.kind === KIND.ADD_DEVICE) this.#join(event.device);
    else if (event.kind === KIND.REMOVE_DEVICE) this.#joined.delete(event.device);
    this.#sink(event);
  }

  /**
   * Takes the statistics of the file that ended, or was read as far as it was wanted.
   * @throws InputError `DIFFERENT_BOOTS` where they contradict those of a file before.
   */
  end(stats: ReadStats): void {
    const before = this.#before;
    if (before !== undefined) this.#compare(before.file, before.stats, stats);
    if (stats.lastTime > this.#latest) this.#latest = stats.lastTime;
    this.#before = { file: this.#file, stats };
  }

  #checkStart(time: number): void {
    this.#isFirst = false;
    if (time >= this.#latest - TOLERANCE) return;
    const why = `a first event at ${seconds(time)} s, before ${seconds(this.#latest)} s, where ${this.#before?.file ?? ''} ends`;
    this.#refuse(`${why}: another boot, the wrong order, or a part that was read twice`);
  }

  #join(device: number): void {
    const file = this.#joined.get(device);
    this.#joined.set(device, this.#file);
    if (file === undefined || file === this.#file) return;
    this.#refuse(`a device that joins the IOMMU group that it joined in ${file} and never left: another boot`);
  }

  #compare(file: string, before: ReadStats, now: ReadStats): void {
    if (before.ticks !== now.ticks && before.events > 0 && now.events > 0) {
      this.#refuse(`a clock that counts other units than that of ${file}`);
    }
    for (const [what, a, b] of [
      ['processors', before.processors, now.processors],
      ['kernel', before.system, now.system],
    ] as const) {
      if (a !== undefined && b !== undefined && a !== b) this.#refuse(`${what} ${b}, not ${a} as in ${file}`);
    }
  }

  #refuse(why: string): never {
    throw new InputError(
      'DIFFERENT_BOOTS',
      this.#file,
      `expected files of one boot, in the order of time, got ${why}; ${ADVICE}`,
    );
  }
}
