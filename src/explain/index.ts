/**
 * Where the time goes: attribution from measured latencies and from function_graph traces.
 * @module
 */
export type { Comparison } from './comparisons.ts';
export type { Finding } from './findings.ts';
export type { Gain, GainPart } from './gains.ts';
export type { Machine, MachineKind } from './machine.ts';
export { machineOf } from './machine.ts';
export type { LayerTime, MeasuredAnswer, OperationTimes, SizeClass } from './measured.ts';
export { MeasuredLayers } from './measured.ts';
export type { ExplainedTable, Fit, TableAnswer } from './table.ts';
export { explainTable } from './table.ts';
export type { BenchmarkPair, BenchmarkTimes, HistogramTimes, TimingAnswer } from './timing.ts';
export { explainTimings, looksLikeTimings } from './timing.ts';
