/**
 * Accesses that the memory controller of Tegra refused itself, as both of its drivers print them.
 * @module
 */
import type { Decoded } from '../incident.ts';

/** Said of each of them. */
export const NO_SMMU = 'not a fault of the SMMU: the memory controller refused a physical address or its protection';

/** Tegra TRM, MC_ERR_STATUS: "EMEM address decode error". */
const OUTSIDE = /EMEM (?:address )?decode/i;

/** What the words of the controller stand for; `other` where they say it themselves. */
export function refused(words: string, other: string): Pick<Decoded, 'kind' | 'meaning' | 'cause'> {
  if (!OUTSIDE.test(words)) return { kind: 'request', meaning: other };
  return { kind: 'request', meaning: 'the physical address is not in memory', cause: 'outside-memory' };
}
