/**
 * The names of causes.
 * @module
 */

/** Causes that are told apart. */
export type CauseName =
  | 'never-mapped'
  | 'use-after-unmap'
  | 'overrun'
  | 'used-before-mapping'
  | 'wrong-direction'
  | 'no-execute'
  | 'no-privilege'
  | 'tables-refused'
  | 'stale-tlb'
  | 'input-range'
  | 'no-context'
  | 'doubled-configuration'
  | 'table-corrupted'
  | 'access-flag'
  | 'output-too-large'
  | 'bus-error'
  | 'interrupt-blocked'
  | 'unsupported-request'
  | 'outside-memory'
  | 'unit-error'
  | 'not-a-fault'
  | 'not-mapped'
  | 'not-permitted'
  | 'unknown';
