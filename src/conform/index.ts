/**
 * Golden vectors of Linux's page-table code, and the engine held against them.
 * @module
 */
export { type ConformCase, parseCases, parseVectors } from './cases.ts';
export type { Difference } from './compare.ts';
export type { IovaOp, IovaVector } from './iova-vector.ts';
export type { Refused, VectorFailure, VectorResult } from './run.ts';
export { runVector } from './run.ts';
export type {
  CleanTotals,
  DirtyAnswer,
  EntrySink,
  Gathered,
  GatherUse,
  MapAnswer,
  RecordedEvent,
  Subject,
  UnmapAnswer,
} from './subject.ts';
export type { Skipped } from './subjects.ts';
export type {
  DumpRow,
  GenericConfig,
  GenericGrant,
  GenericVector,
  PgtableConfig,
  PgtableGrant,
  RecordedGather,
  TableVector,
  TlbEvent,
  Vector,
  VectorOp,
} from './vector.ts';
