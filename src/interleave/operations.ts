/**
 * What a thread of a scenario may do: one access to shared memory at a time. An algorithm is a generator that yields an
 * {@link Operation} and receives its result, so that a scheduler decides before each access who comes next.
 * @module
 */

/** A shared word, by its index in a {@link ./layout.ts!Layout}. */
export type Cell = number;

/** One access to shared memory; or an event or a place, at which a scheduler does not choose. */
export type Operation =
  | { readonly kind: 'load'; readonly cell: Cell }
  | { readonly kind: 'store'; readonly cell: Cell; readonly value: number }
  /** Waits until the word passes `until`; stands for a loop that only reads. Gives the word. */
  | { readonly kind: 'await'; readonly cell: Cell; readonly until: (value: number) => boolean }
  /** Atomic read, change, write of a word, not ordered with other accesses. Gives the old word. */
  | { readonly kind: 'update'; readonly cell: Cell; readonly name: string; readonly change: (old: number) => number }
  /** Both halves of a 64-bit word in one access. Gives them as {@link pair}. */
  | { readonly kind: 'load-pair'; readonly low: Cell; readonly high: Cell }
  /** Compare-and-swap of a 64-bit word; `expected` and `value` as {@link pair}. Gives the old word. */
  | {
      readonly kind: 'swap-pair';
      readonly low: Cell;
      readonly high: Cell;
      readonly expected: number;
      readonly value: number;
    }
  /** A write barrier: goes on when all earlier stores of the thread are visible. */
  | { readonly kind: 'barrier' }
  /** Writes a word back from the cache to memory, where a device that does not snoop reads it. */
  | { readonly kind: 'clean'; readonly cell: Cell }
  /** A read by a device that does not snoop: memory, whatever the cache holds. */
  | { readonly kind: 'load-memory'; readonly cell: Cell }
  /** Something that the rules of a scenario look at; happens together with the access before it. */
  | { readonly kind: 'event'; readonly event: Event }
  /**
   * Head of a loop: what the thread does from here on depends on `place` and nothing before it. Lets a search see that a
   * turn of the loop came back to the same state.
   */
  | { readonly kind: 'place'; readonly place: string };

/** Something that happened, for the rules of a scenario: a name, and numbers whose meaning the name gives. */
export interface Event {
  readonly name: string;
  readonly values: readonly number[];
}

/** A part of an algorithm: yields operations, receives their results (0 where there is none), ends with a `T`. */
export type Steps<T = void> = Generator<Operation, T, number>;

const HALF = 2 ** 32;

/** A 64-bit word of two halves of which the upper one is below 2^21, as one exact number. */
export function pair(low: number, high: number): number {
  return low + high * HALF;
}

/** The lower half of a {@link pair}. */
export function lowOf(word: number): number {
  return word % HALF;
}

/** The upper half of a {@link pair}. */
export function highOf(word: number): number {
  return Math.floor(word / HALF);
}

/** Reads a word. */
export function* load(cell: Cell): Steps<number> {
  return yield { kind: 'load', cell };
}

/** Writes a word; where stores may be reordered, others see it later. */
export function* store(cell: Cell, value: number): Steps {
  yield { kind: 'store', cell, value };
}

/** Waits until a word passes a test, and gives it. */
export function* awaitWord(cell: Cell, until: (value: number) => boolean): Steps<number> {
  return yield { kind: 'await', cell, until };
}

/** Changes a word atomically and gives what it was; `name` says in a trace what the change is. */
export function* update(cell: Cell, name: string, change: (old: number) => number): Steps<number> {
  return yield { kind: 'update', cell, name, change };
}

/** Compare-and-swap: writes `value` if the word is `expected`. Gives what it was. */
export function* swap(cell: Cell, expected: number, value: number): Steps<number> {
  return yield* update(cell, 'compares, swaps', (old) => (old === expected ? value : old));
}

/** A write barrier (`dma_wmb`, `DMB ISHST`). */
export function* barrier(): Steps {
  yield { kind: 'barrier' };
}

/** Tells the rules of the scenario that something happened. */
export function* event(name: string, ...values: number[]): Steps {
  yield { kind: 'event', event: { name, values } };
}

/** Marks the head of a loop, with everything that the thread knows there and will still use. */
export function* place(name: string, ...known: number[]): Steps {
  yield { kind: 'place', place: `${name} ${known.join(' ')}` };
}
