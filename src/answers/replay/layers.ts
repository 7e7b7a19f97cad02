/**
 * The layers that a replay tells apart, and the counts of each.
 * @module
 */
import type { CommandTotals } from '../../meter/commands.ts';
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

/** What a row did: its counts, and the commands that a driver with a queue sent. */
export interface LayeredWork {
  readonly counts: Readonly<Counts>;
  readonly commands: CommandTotals | null;
}

/** Commands in all, completions among them. */
export function commandTotal(commands: CommandTotals): number {
  return Object.values(commands).reduce((sum, one) => sum + one, 0);
}

/** Crossings into each layer of {@link LAYERS}; a device with a queue is told by commands. */
export function crossingsByLayer({ counts, commands }: LayeredWork): number[] {
  return LAYERS.map(([layer, names]) =>
    layer === 'TLB' && commands !== null ? commandTotal(commands) : names.reduce((sum, name) => sum + counts[name], 0),
  );
}

/** Crossings in all: what a path can save. */
export function crossings(work: LayeredWork): number {
  return crossingsByLayer(work).reduce((sum, one) => sum + one, 0);
}
