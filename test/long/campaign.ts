/**
 * A campaign: batches of histories over units, each batch from a seed of its own, so that one line replays it.
 * @module
 */
import fc from 'fast-check';
import { steps } from '../../src/testing/histories.ts';
import { HistoryRun, words } from './history.ts';
import type { CampaignUnit, Plant } from './units.ts';

/** Histories that one seed stands for. */
const BATCH = 4;

/** What a batch came to. */
export interface Batch {
  /** Calls made on domains under test, without those made to shrink a failure. */
  readonly operations: number;
  /** What differs first in the smallest history that was found; undefined where nothing does. */
  readonly difference: string | undefined;
  /** The calls of that history, in words. */
  readonly calls: readonly string[];
}

/** Longest time spent on shrinking. */
const SHRINK_MS = 5000;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** How a batch is run. */
export interface BatchOptions {
  /** Faults to put in. */
  readonly plant?: Plant;
  /** Histories of the seed, 4 by default. */
  readonly numRuns?: number;
  /** Time to spend on shrinking a failure; 0 for none. */
  readonly shrinkMs?: number;
}

/** Runs the histories of one seed on a unit. */
export function runBatch(unit: CampaignUnit, seed: number, options: BatchOptions = {}): Batch {
  const { plant = {}, numRuns = BATCH, shrinkMs = SHRINK_MS } = options;
  let operations = 0;
  let deadline = Number.POSITIVE_INFINITY;
  let smallest: readonly string[] | undefined;
  const property = fc.property(steps, (history) => {
    if (Date.now() > deadline) return;
    const run = new HistoryRun(unit, plant, history.length % 2 === 0);
    try {
      run.run(history);
    } catch (error) {
      if (smallest === undefined) operations += run.operations;
      deadline = Math.min(deadline, Date.now() + shrinkMs);
      smallest = run.made.map(words);
      throw error;
    }
    if (smallest === undefined) operations += run.operations;
  });
  const found = fc.check(property, { seed, numRuns, endOnFailure: shrinkMs === 0 });
  const difference = found.failed ? messageOf(found.errorInstance) : undefined;
  return { operations, difference, calls: smallest ?? [] };
}

/** The line that replays a batch of the unit of this name. */
export function replayLine(unit: string, seed: number): string {
  return `SEED=${seed} OPERATIONS=1 JOBS=1 UNIT=${unit} npm run test:long`;
}
