/**
 * Dumps of physical memory and of registers, opened for reading.
 * @module
 */
export { openDump } from './open.ts';
export { parseRegisters } from './registers.ts';
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
