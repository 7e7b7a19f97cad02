/**
 * A thread of a campaign: runs the batches that it is sent, one after the other.
 * @module
 */
import { parentPort } from 'node:worker_threads';
import { type Batch, runBatch } from './campaign.ts';
import { allUnits } from './units.ts';

/** A batch to run. */
export interface Order {
  /** Name of the unit. */
  readonly unit: string;
  readonly seed: number;
}

/** What a batch came to. */
export interface Report extends Batch, Order {}

// A refusal is looked at by its code alone, and traces of many thousands take long
Error.stackTraceLimit = 0;

const units = new Map(allUnits().map((unit) => [unit.name, unit]));

parentPort?.on('message', ({ unit: name, seed }: Order) => {
  const unit = units.get(name);
  if (unit === undefined) throw new Error(`no unit ${name}`);
  const report: Report = { unit: name, seed, ...runBatch(unit, seed) };
  parentPort?.postMessage(report);
});
