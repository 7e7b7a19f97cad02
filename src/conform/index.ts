/**
 * Golden vectors of Linux's page-table code, and the engine held against them.
 * @module
 */
export type { Difference } from './compare.ts';
export type { VectorFailure, VectorResult } from './run.ts';
export { runVector } from './run.ts';
export type { DumpRow, TlbEvent, Vector, VectorOp } from './vector.ts';
export { parseVectors } from './vector.ts';
