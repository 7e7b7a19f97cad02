/**
 * Fault lines of IOMMU drivers: read, decoded, and explained with the tables of a dump and the history in a trace.
 * @module
 */
export type { Alternative, FaultCause } from './cause.ts';
export type { CauseName } from './cause-names.ts';
export { type ExplainedFault, explainFault, faultJson } from './explain.ts';
export { type AddressHistory, FaultHistory, type HistoryEntry } from './history.ts';
export type { Exclusion, FaultAccess, FaultField, FaultKind, Incident, IncidentEvent, Origin } from './incident.ts';
export { FaultLog, readFaultLog } from './log.ts';
export type { LogCounts, UnknownLine } from './log-counts.ts';
export { FaultTables, type TableView } from './tables.ts';
