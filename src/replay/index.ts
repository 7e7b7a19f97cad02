/**
 * Traces replayed through the engine: every path, dispatch, format and granule over the same calls.
 * @module
 */
export type { PhysicalPolicy } from './elements.ts';
export type { ReplayOptions } from './replay.ts';
export { Replay } from './replay.ts';
export type { CallObserver, RowSpec } from './row.ts';
export { ReplayRow } from './row.ts';
export type { LiveRange, RowRefusal, RowReport } from './row-report.ts';
export { ListShape, PowerHistogram } from './summary.ts';
