// Common lines of trace text, read from their first byte to their newline into columns of events. Compiled by
// scripts/build-kernels.mjs; src/trace/fast/plain-lines.ts is its plain twin, function by function.
export { readLines } from './lines';
