/**
 * All interleavings of a small scenario: a search of every state that can be reached, nearest states first, so that a broken
 * rule comes with a shortest schedule.
 * @module
 */
import { Packing } from './packing.ts';
import { searched } from './position.ts';
import type { Scenario } from './scenario.ts';
import { type State, World } from './world.ts';

/** What a search or a run found wrong. */
export interface Violation {
  /** The rule that was broken, as a sentence. */
  readonly rule: string;
  /** What leads there: before each step, the number of the choice among all that there were. */
  readonly schedule: readonly number[];
}

/** What a search found. */
export interface SearchResult {
  /** States seen, and steps between them. */
  readonly states: number;
  readonly steps: number;
  /** Whether every state that can be reached was seen: false after a violation or at the limit. */
  readonly complete: boolean;
  /** How many different schedules lead from the start to an end; null if there are endless ones, or not all was seen. */
  readonly schedules: bigint | null;
  readonly violation?: Violation;
}

/** Options of {@link searchAll}. */
export interface SearchOptions {
  /** States after which a search gives up; default one million. */
  readonly maxStates?: number;
}

const MAX_STATES = 1_000_000;

/**
 * Looks at every state that a scenario can reach. Besides the scenario's rules it holds that a run can always come to its
 * end: a state from which no end can be reached is a violation, whether the threads wait for each other or turn in circles.
 */
export function searchAll(scenario: Scenario, { maxStates = MAX_STATES }: SearchOptions = {}): SearchResult {
  const search = new Search(scenario);
  for (let at = 0; at < search.states; at++) {
    const rule = search.expand(at);
    if (rule !== undefined) return search.result(false, { rule: rule.text, schedule: rule.schedule });
    if (search.states > maxStates) return search.result(false);
  }
  const stuck = search.stuck();
  if (stuck === undefined) return search.result(true);
  return search.result(true, { rule: 'from here on no schedule lets every thread finish', schedule: stuck });
}

interface Broken {
  readonly text: string;
  readonly schedule: readonly number[];
}

class Search {
  readonly #world: World;
  readonly #known = new Map<string, number>();
  readonly #packing: Packing;
  /** Every state met, by number. */
  readonly #packed: string[] = [];
  /** For each state, the state and the choice by which it was first met. */
  readonly #parents: number[] = [];
  readonly #chosen: number[] = [];
  /** Where the successors of each state begin in `#successors`. */
  readonly #starts: number[] = [];
  readonly #successors: number[] = [];
  readonly #ends: number[] = [];

  constructor(scenario: Scenario) {
    this.#world = new World(scenario);
    const start = this.#world.start(searched);
    this.#packing = new Packing(start);
    this.#add(start, -1, -1);
  }

  get states(): number {
    return this.#packed.length;
  }

  /** Takes every step from a state. */
  expand(at: number): Broken | undefined {
    const packed = this.#packed[at] as string;
    const state = this.#packing.unpack(packed);
    this.#starts.push(this.#successors.length);
    const finished = this.#world.finished(state);
    const choices = this.#world.choices(state);
    const broken = finished
      ? this.#world.end(state)
      : choices.length === 0
        ? 'deadlock: every thread waits'
        : undefined;
    if (broken !== undefined) return { text: broken, schedule: this.#scheduleTo(at) };
    if (finished) this.#ends.push(at);
    for (const [number, choice] of choices.entries()) {
      const next = this.#packing.unpack(packed);
      const text = this.#world.step(next, choice);
      if (text !== undefined) return { text, schedule: [...this.#scheduleTo(at), number] };
      this.#successors.push(this.#add(next, at, number));
    }
    return undefined;
  }

  result(complete: boolean, violation?: Violation): SearchResult {
    const { states } = this;
    const schedules = complete && violation === undefined ? this.#schedules() : null;
    const found = { states, steps: this.#successors.length, complete, schedules };
    return violation === undefined ? found : { ...found, violation };
  }

  /** Schedule to a nearest state from which no end can be reached. */
  stuck(): readonly number[] | undefined {
    const reaches = new Uint8Array(this.states);
    const { starts, from } = this.#predecessors();
    const queue = [...this.#ends];
    for (const end of queue) reaches[end] = 1;
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      for (let i = starts[at] as number; i < (starts[at + 1] as number); i++) {
        const before = from[i] as number;
        if (reaches[before] === 0) queue.push(before);
        reaches[before] = 1;
      }
    }
    const first = reaches.indexOf(0);
    return first === -1 ? undefined : this.#scheduleTo(first);
  }

  #add(state: State, parent: number, choice: number): number {
    const packed = this.#packing.pack(state);
    const found = this.#known.get(packed);
    if (found !== undefined) return found;
    this.#known.set(packed, this.#packed.length);
    this.#parents.push(parent);
    this.#chosen.push(choice);
    return this.#packed.push(packed) - 1;
  }

  #scheduleTo(state: number): number[] {
    const schedule: number[] = [];
    for (let at = state; at > 0; at = this.#parents[at] as number) schedule.push(this.#chosen[at] as number);
    return schedule.reverse();
  }

  #successorsOf(state: number): number[] {
    return this.#successors.slice(this.#starts[state], this.#starts[state + 1] ?? this.#successors.length);
  }

  /** The edges the other way round: those to state `s` are `from[starts[s]]` up to `from[starts[s + 1]]`. */
  #predecessors(): { starts: Uint32Array; from: Uint32Array } {
    const starts = new Uint32Array(this.states + 2);
    for (const to of this.#successors) starts[to + 2] = (starts[to + 2] as number) + 1;
    for (let i = 2; i < starts.length; i++) starts[i] = (starts[i] as number) + (starts[i - 1] as number);
    const from = new Uint32Array(this.#successors.length);
    for (let state = 0; state < this.states; state++) {
      for (const to of this.#successorsOf(state)) {
        const at = starts[to + 1] as number;
        from[at] = state;
        starts[to + 1] = at + 1;
      }
    }
    return { starts, from };
  }

  /** Ways from the start to an end, counted along an order in which every step goes forward; null if there is a circle. */
  #schedules(): bigint | null {
    const open = new Uint32Array(this.states);
    for (const to of this.#successors) open[to] = (open[to] as number) + 1;
    const ways: (bigint | undefined)[] = [1n];
    const ready = [0];
    const isEnd = new Set(this.#ends);
    let total = 0n;
    let done = 0;
    for (let at = ready.pop(); at !== undefined; at = ready.pop(), done++) {
      const here = ways[at] ?? 0n;
      ways[at] = undefined;
      if (isEnd.has(at)) total += here;
      for (const to of this.#successorsOf(at)) {
        ways[to] = (ways[to] ?? 0n) + here;
        open[to] = (open[to] as number) - 1;
        if (open[to] === 0) ready.push(to);
      }
    }
    return done === this.states ? total : null;
  }
}
