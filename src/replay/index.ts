/**
 * Traces replayed through the engine: every path, dispatch, format and granule over the same calls.
 * @module
 */
export { CallBatch } from './batch.ts';
export type { PhysicalPolicy } from './elements.ts';
export type { ReplayOptions, TimedRow } from './replay.ts';
export { Replay } from './replay.ts';
export type { CallObserver, LiveRange, RowRefusal, RowSpec } from './row.ts';
export { ReplayRow } from './row.ts';
export { ListShape, PowerHistogram } from './summary.ts';
