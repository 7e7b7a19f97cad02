/**
 * Fault lines of IOMMU drivers: read, decoded, and explained with the tables of a dump and the history in a trace.
 * @module
 */
export type { Alternative, CauseName, FaultCause } from './cause.ts';
export { type ExplainedFault, explainFault, faultJson } from './explain.ts';
export { type AddressHistory, FaultHistory, type HistoryEntry } from './history.ts';
export { FaultLog, readFaultLog } from './log.ts';
export type { FaultAccess, FaultField, FaultIommu, FaultKind, FaultRecord } from './record.ts';
export { FaultTables, type TableView } from './tables.ts';
