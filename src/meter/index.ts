/**
 * Counts of work, by layer.
 * @module
 */
export type { CommandTotals } from './commands.ts';
export { CommandCounts } from './commands.ts';
export type { CountName, Counts } from './meter.ts';
export { COUNT_NAMES, Meter, noCounts, TalliedCounts } from './meter.ts';
export type { Weights } from './tally.ts';
export { Tally } from './tally.ts';
