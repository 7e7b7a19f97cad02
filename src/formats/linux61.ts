/**
 * The plain case of what Linux 6.1 does: for formats that have nothing of their own there.
 * @module
 */
import type { Linux61 } from './contract.ts';

/** Calls by run; page size, range and protection of the first page are checked. */
export const LINUX61_BY_RUN: Linux61 = {
  pageByPage: false,
  mapChecks: ['pageSize', 'range', 'protection'],
  sizeRule: 'subset',
  checksInput: true,
  mapSgBarriers: false,
  splitsLoseAddress: false,
  splitsFirstOfGroupOnly: false,
};
