/**
 * Where the time goes: attribution from measured latencies.
 * @module
 */
export type { Comparison } from './comparisons.ts';
export type { Finding } from './findings.ts';
export type { ExplainedTable, Fit, TableAnswer } from './table.ts';
export { explainTable } from './table.ts';
export { tableText } from './text.ts';
