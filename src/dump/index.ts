/**
 * Dumps of physical memory and of registers, opened for reading.
 * @module
 */
export { type CheckOptions, type CheckReport, checkData, checkDecoding, RULES } from './check/check.ts';
export type { Finding, ReservedWindow, Rule, Severity } from './check/types.ts';
export {
  type Decoding,
  type DomainMappings,
  decodeDump,
  decodeGiven,
  rangeMemoryType,
  rangePerms,
  type UnknownPart,
} from './decode.ts';
export { decodeData } from './decode-json.ts';
export { diffData, diffDecodings, type RangeChange, type RangeSide } from './diff.ts';
export { LeafColumns } from './leaf-columns.ts';
export { openDump } from './open.ts';
export { type MappedRange, MappedRanges } from './ranges.ts';
export { parseRegisters } from './registers.ts';
export { dumpPages, type SnapshotInput, type SnapshotPage, writeSnapshot } from './snapshot-writer.ts';
export { memorySource } from './source.ts';
export type {
  ByteSource,
  Dump,
  DumpNote,
  Extent,
  OpenOptions,
  RegisterFile,
  SnapshotGeometry,
} from './types.ts';
export { type AddressWalk, type WalkOptions, walkAddress, walkData, walkGiven } from './walk.ts';
