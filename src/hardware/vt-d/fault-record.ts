/**
 * Fault recording registers of VT-d (Intel VT-d, 11.4.14).
 * @module
 */
import type { Field } from '../bits.ts';

/** Bytes of one fault recording register. */
export const VTD_FAULT_BYTES = 16;

/** Fields of a fault recording register. */
export const VTD_FAULT_FIELDS: readonly Field[] = [
  { name: 'FI', at: 12, bits: 52, shift: 12 },
  { name: 'SID', at: 64, bits: 16 },
  { name: 'T2', at: 92, bits: 1 },
  { name: 'PRIV', at: 93, bits: 1 },
  { name: 'EXE', at: 94, bits: 1 },
  { name: 'PP', at: 95, bits: 1 },
  { name: 'FR', at: 96, bits: 8 },
  { name: 'PV', at: 104, bits: 20 },
  { name: 'AT', at: 124, bits: 2 },
  { name: 'T1', at: 126, bits: 1 },
  { name: 'F', at: 127, bits: 1 },
];
