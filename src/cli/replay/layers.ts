/**
 * The layers that replay's pictures tell apart, and the counts of each.
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
