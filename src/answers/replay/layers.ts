/**
 * The layers that a replay tells apart, and the counts of each.
 * @module
 */
import type { Counts } from '../../meter/meter.ts';

/** Layers from the top down, with the counts that are crossings into them. */
export const LAYERS: readonly (readonly [name: string, counts: readonly (keyof Counts)[]])[] = [
  ['core', ['coreTurns', 'driverCalls']],
  ['driver', ['tableCalls']],
  ['power', ['powerGets', 'powerPuts']],
  ['walks', ['walks']],
  ['barriers', ['wmb', 'dmaWmb']],
  ['cache cleans', ['cleanCalls']],
  ['TLB', ['tlbAddress', 'tlbLastLevel', 'tlbAsid', 'tlbSync']],
];

/** Crossings into each layer of {@link LAYERS}. */
export function crossingsByLayer(counts: Readonly<Counts>): number[] {
  return LAYERS.map(([, names]) => names.reduce((sum, name) => sum + counts[name], 0));
}

/** Crossings in all: what a path can save. */
export function crossings(counts: Readonly<Counts>): number {
  return crossingsByLayer(counts).reduce((sum, one) => sum + one, 0);
}
