/**
 * The state of a run: words, store buffers, threads; what may happen next, and what it does.
 * @module
 */
import { type Cell, type Event, type Operation, pair } from './operations.ts';
import type { Advance, Position } from './position.ts';
import type { Scenario, Thread } from './scenario.ts';

/** Stands in for a thread or a word that a {@link Choice} does not have. */
export const NONE = -1;

/**
 * What may happen next. `cell` NONE: `thread` does its next access. Otherwise the oldest store of `thread` to `cell` becomes
 * visible, or, with `thread` NONE, the cache writes `cell` back.
 */
export interface Choice {
  readonly thread: number;
  readonly cell: Cell;
}

/** A state of a run. The lists are its own; positions are shared. */
export interface State {
  /** Words as the CPUs share them, then the copies in memory of those that a device reads there. */
  readonly words: number[];
  /** For each thread, stores not yet visible: word, value, word, value, … from the oldest on. */
  readonly buffers: number[][];
  readonly positions: Position[];
  /** What the rules remember. */
  readonly remembered: number[];
}

/** Moves states of one scenario. */
export class World {
  readonly #scenario: Scenario;
  /** Index of the copy in memory, by word. */
  readonly #copies: Map<Cell, number>;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    const words = scenario.layout.initial.length;
    this.#copies = new Map(scenario.layout.written.map((cell, i) => [cell, words + i]));
  }

  /** The state before the first access. `begin` makes the threads: all at once, or as a search needs them. */
  start(begin: (run: Thread['run']) => Advance): State {
    const { layout, threads, rules } = this.#scenario;
    const advances = threads.map((thread) => begin(thread.run));
    const state = {
      words: [...layout.initial, ...layout.written.map((cell) => layout.initial[cell] as number)],
      buffers: threads.map(() => []),
      positions: advances.map(({ position }) => position),
      remembered: [...rules.memory],
    };
    for (const [thread, { events }] of advances.entries()) this.#tell(state, thread, events);
    for (const thread of threads.keys()) this.#settle(state, thread);
    return state;
  }

  /** Everything that may happen next, always in the same order. */
  choices(state: State): Choice[] {
    const choices: Choice[] = [];
    for (const [thread, buffer] of state.buffers.entries()) {
      if (this.#mayRun(state, thread)) choices.push({ thread, cell: NONE });
      const seen = new Set<Cell>();
      for (let i = 0; i < buffer.length; i += 2) {
        const cell = buffer[i] as Cell;
        if (!seen.has(cell)) choices.push({ thread, cell });
        seen.add(cell);
      }
    }
    for (const [cell, copy] of this.#copies) {
      if (state.words[cell] !== state.words[copy]) choices.push({ thread: NONE, cell });
    }
    return choices;
  }

  /** Whether every thread has come to its end and nothing is left to do for the devices. */
  finished(state: State): boolean {
    return this.#scenario.threads.every(
      (thread, i) =>
        state.buffers[i]?.length === 0 &&
        (thread.device === true ? !this.#mayRun(state, i) : state.positions[i]?.next === undefined),
    );
  }

  /** Does one thing. Gives the rule that it broke. */
  step(state: State, { thread, cell }: Choice): string | undefined {
    if (cell === NONE) return this.#run(state, thread);
    if (thread === NONE) {
      state.words[this.#copies.get(cell) as number] = state.words[cell] as number;
      return undefined;
    }
    const buffer = state.buffers[thread] as number[];
    const at = oldest(buffer, cell);
    state.words[cell] = buffer[at + 1] as number;
    buffer.splice(at, 2);
    return this.#settle(state, thread);
  }

  /** What the rules say at the end of a run. */
  end(state: State): string | undefined {
    return this.#scenario.rules.end(state.remembered, (cell) => state.words[cell] as number);
  }

  /** The result that an access would have. */
  resultOf(state: State, thread: number, operation: Operation): number {
    switch (operation.kind) {
      case 'load':
      case 'await':
      case 'update':
        return this.#seen(state, thread, operation.cell);
      case 'load-pair':
      case 'swap-pair':
        return pair(this.#seen(state, thread, operation.low), this.#seen(state, thread, operation.high));
      case 'load-memory':
        return state.words[this.#copies.get(operation.cell) ?? operation.cell] as number;
      default:
        return 0;
    }
  }

  #run(state: State, thread: number): string | undefined {
    const operation = state.positions[thread]?.next as Operation;
    const result = this.resultOf(state, thread, operation);
    this.#write(state, thread, operation, result);
    return this.#advance(state, thread, result) ?? this.#settle(state, thread);
  }

  #write(state: State, thread: number, operation: Operation, old: number): void {
    const { words } = state;
    if (operation.kind === 'store') this.#store(state, thread, operation.cell, operation.value);
    else if (operation.kind === 'update') words[operation.cell] = operation.change(old);
    else if (operation.kind === 'clean')
      words[this.#copies.get(operation.cell) as number] = words[operation.cell] as number;
    else if (operation.kind === 'swap-pair' && old === operation.expected) {
      words[operation.low] = operation.value % 2 ** 32;
      words[operation.high] = Math.floor(operation.value / 2 ** 32);
    }
  }

  #store(state: State, thread: number, cell: Cell, value: number): void {
    const atOnce = this.#scenario.order === 'in-order' || this.#scenario.threads[thread]?.device === true;
    if (atOnce) state.words[cell] = value;
    else state.buffers[thread]?.push(cell, value);
  }

  #advance(state: State, thread: number, result: number): string | undefined {
    const { position, events } = (state.positions[thread] as Position).advance(result);
    state.positions[thread] = position;
    return this.#tell(state, thread, events);
  }

  #tell(state: State, thread: number, events: readonly Event[]): string | undefined {
    for (const event of events) {
      const broken = this.#scenario.rules.event(state.remembered, event, thread);
      if (broken !== undefined) return broken;
    }
    return undefined;
  }

  /** Passes barriers that have nothing to wait for: no point of choice. */
  #settle(state: State, thread: number): string | undefined {
    while (state.positions[thread]?.next?.kind === 'barrier' && state.buffers[thread]?.length === 0) {
      const broken = this.#advance(state, thread, 0);
      if (broken !== undefined) return broken;
    }
    return undefined;
  }

  /** A word as a thread sees it: its own newest store, or the shared word. */
  #seen(state: State, thread: number, cell: Cell): number {
    const buffer = state.buffers[thread] as number[];
    for (let i = buffer.length - 2; i >= 0; i -= 2) if (buffer[i] === cell) return buffer[i + 1] as number;
    return state.words[cell] as number;
  }

  #mayRun(state: State, thread: number): boolean {
    const operation = state.positions[thread]?.next;
    const buffer = state.buffers[thread] as number[];
    switch (operation?.kind) {
      case undefined:
        return false;
      case 'await':
        return operation.until(this.#seen(state, thread, operation.cell));
      case 'barrier':
        return buffer.length === 0;
      case 'update':
      case 'clean':
        return oldest(buffer, operation.cell) === NONE;
      case 'swap-pair':
        return oldest(buffer, operation.low) === NONE && oldest(buffer, operation.high) === NONE;
      default:
        return true;
    }
  }
}

/** Place in a buffer of the oldest store to a word, or NONE. */
function oldest(buffer: readonly number[], cell: Cell): number {
  for (let i = 0; i < buffer.length; i += 2) if (buffer[i] === cell) return i;
  return NONE;
}
