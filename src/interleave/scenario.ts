/**
 * A scenario: threads over shared words, how stores become visible, and the rules that must hold.
 * @module
 */
import type { Layout } from './layout.ts';
import type { Cell, Event, Steps } from './operations.ts';

/**
 * How the stores of a CPU become visible. `in-order`: each access takes effect at once (sequential consistency).
 * `stores-reordered`: a store waits in the CPU's buffer; stores to different words may become visible in any order, those to
 * one word in theirs. A barrier waits for all of them, an atomic update for those to its own word. Loads are in order.
 */
export type Order = 'in-order' | 'stores-reordered';

/** A thread: a CPU running an algorithm, or a device. */
export interface Thread {
  /** Name in traces. */
  readonly name: string;
  /** A device: its stores are visible at once, and a run may end while it waits. */
  readonly device?: boolean;
  /** The algorithm. Must depend on nothing but the results that it receives. */
  readonly run: () => Steps;
}

/** Reads a word at the end of a run. */
export type Reader = (cell: Cell) => number;

/** What must hold in every run of a scenario. A broken rule is a sentence. */
export interface Rules {
  /** What the rules remember of a run at its start; part of the state. */
  readonly memory: readonly number[];
  /** Looks at an event of a thread, and may change what is remembered. */
  readonly event: (memory: number[], event: Event, thread: number) => string | undefined;
  /** Looks at the end of a run, when all threads are done. `memory` as remembered, `read` the shared words. */
  readonly end: (memory: readonly number[], read: Reader) => string | undefined;
}

/** Threads, words and rules that belong together. */
export interface Scenario {
  /** Name on the command line. */
  readonly name: string;
  readonly order: Order;
  readonly layout: Layout;
  readonly threads: readonly Thread[];
  readonly rules: Rules;
}
