/**
 * Random schedules of large scenarios: each run from the start to its end, in an order that a seeded source decides.
 * @module
 */
import { live } from './position.ts';
import type { Scenario } from './scenario.ts';
import type { Violation } from './search.ts';
import { type Choice, NONE, type State, World } from './world.ts';

/** What a random run did. */
export interface RunResult {
  readonly steps: number;
  readonly violation?: Violation;
}

/** Options of {@link runRandom}. */
export interface RunOptions {
  /** Steps after which a run counts as one that never ends; default 200,000. */
  readonly maxSteps?: number;
}

const MAX_STEPS = 200_000;
const LONGEST_STAY = 0.95;

/**
 * Runs a scenario once. `random` gives numbers from 0 (inclusive) to 1 (exclusive); the first decides how often the run stays
 * with a thread, from never to nineteen times of twenty, since some races need long stretches of one thread and others none.
 */
export function runRandom(scenario: Scenario, random: () => number, options: RunOptions = {}): RunResult {
  const world = new World(scenario);
  const state = world.start(live);
  const schedule: number[] = [];
  const stay = LONGEST_STAY * random();
  const { maxSteps = MAX_STEPS } = options;
  let last = NONE;
  while (schedule.length < maxSteps) {
    const choices = world.choices(state);
    const rule = ruleAtRest(world, state, choices);
    if (rule === null) return { steps: schedule.length };
    if (rule !== undefined) return { steps: schedule.length, violation: { rule, schedule } };
    const chosen = pick(choices, last, stay, random);
    const choice = choices[chosen] as Choice;
    last = choice.thread;
    schedule.push(chosen);
    const broken = world.step(state, choice);
    if (broken !== undefined) return { steps: schedule.length, violation: { rule: broken, schedule } };
  }
  const rule = `not finished after ${maxSteps} steps`;
  return { steps: schedule.length, violation: { rule, schedule } };
}

/** Null if the run ended well, the broken rule if it ended otherwise or cannot go on, undefined if it goes on. */
function ruleAtRest(world: World, state: State, choices: readonly Choice[]): string | null | undefined {
  if (world.finished(state)) return world.end(state) ?? null;
  return choices.length === 0 ? 'deadlock: every thread waits' : undefined;
}

/** Number of the next choice: the same thread again with probability `stay`, else any. */
function pick(choices: readonly Choice[], last: number, stay: number, random: () => number): number {
  if (random() >= stay) return Math.floor(random() * choices.length);
  const same = choices.findIndex(({ thread, cell }) => thread === last && cell === NONE);
  return same === NONE ? Math.floor(random() * choices.length) : same;
}
