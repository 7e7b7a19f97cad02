/**
 * Work that has nothing to do with page tables: it runs before a call that is to be measured cold.
 * @module
 */
import type { Clock } from './timer.ts';

/** Milliseconds of other work before a cold call. */
export const OTHER_WORK_MS = 5;

/** Larger than a core's own caches. */
const WORDS = 2 ** 21;
const CACHE_LINE_WORDS = 8;
const RECORDS = 200;

/** Passes over memory, text and objects until the time is over: a core's caches and branch predictors then hold that instead. */
export class OtherWork {
  readonly #words = new Float64Array(WORDS);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Works for {@link OTHER_WORK_MS}. @returns a number that depends on all of it */
  run(): number {
    const end = this.#clock() + OTHER_WORK_MS;
    let sum = 0;
    do sum += this.#touch() + recordsThroughText();
    while (this.#clock() < end);
    return sum;
  }

  #touch(): number {
    const words = this.#words;
    let sum = 0;
    for (let i = 0; i < words.length; i += CACHE_LINE_WORDS) {
      const next = (words[i] as number) + 1;
      words[i] = next;
      sum += next;
    }
    return sum;
  }
}

function recordsThroughText(): number {
  const records = Array.from({ length: RECORDS }, (_, i) => ({ name: `device-${i}`, at: (i * 7919) % RECORDS }));
  const text = JSON.stringify(records.sort((a, b) => a.at - b.at));
  return text.replace(/device-/g, '').length;
}
