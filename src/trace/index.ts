/**
 * Traces of real systems: readers, the event model, and what can be told from the events.
 * @module
 */

export { AddressMap, type AddressMapData, type AddressRow } from './address-map.ts';
export { BootGuard } from './boots.ts';
export { CallBatch, type CallColumns } from './call-batch.ts';
export type { CallSink, TraceCall, UnmapCause } from './calls.ts';
export type { DomainSource, TraceDomain } from './domain-names.ts';
export { DomainTracker } from './domains.ts';
export type { DoubleMap, DoubleMapEvent, DoubleMapKind, DoubleMapSink, MappedBy } from './double-maps.ts';
export { DoubleMaps } from './double-maps.ts';
export type { Context, EventList, EventSink, Kind, TraceEvent, TraceNames } from './events.ts';
export { CONTEXT, createEvent, createNames, DIRECTIONS, EVENT_KINDS, KIND, KIND_NAMES } from './events.ts';
export type { GraphCall, GraphRoot, GraphSink, GraphStats } from './function-graph.ts';
export { FunctionGraphReader } from './function-graph.ts';
export type { LiveFields, LiveTable } from './live.ts';
export { RELATIVE_ERROR } from './log-buckets.ts';
export { NameTable } from './names.ts';
export type { Need } from './needs.ts';
export { missingFor } from './needs.ts';
export type { Leak, PairingReport, PartyCounts } from './pairing.ts';
export { Pairing } from './pairing.ts';
export type { PartyShape } from './party-shapes.ts';
export type { StreamFormat, TraceFormat } from './readers.ts';
export { createTraceReader, isStreamFormat, recogniseTrace } from './readers.ts';
export type { SeriesPoint } from './series.ts';
export { Series } from './series.ts';
export type { Summary } from './sketch.ts';
export { Sketch } from './sketch.ts';
export type { LostEvents, ReadStats, Skipped } from './stats.ts';
export { secondsSpanned, skippedCount } from './stats.ts';
export type { TraceReader } from './text-reader.ts';
export { readTraceDat } from './trace-dat/read.ts';
export type { ByteSource } from './trace-dat/source.ts';
export { bytesSource } from './trace-dat/source.ts';
export type { TrackCounts } from './track-counts.ts';
export type { Agreement, Disagreement } from './witness.ts';
export { RegroupWitness } from './witness.ts';
