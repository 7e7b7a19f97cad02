import type { Domain } from '../../../src/core/index.ts';
import type { CommandTotals } from '../../../src/meter/index.ts';

export const K4 = 4096;
export const K64: number = 2 ** 16;
export const M2: number = 2 ** 21;
export const M32: number = 2 ** 25;
export const RW = 3;
/** An input address on a boundary of every size of the cases. */
export const AT: number = 2 ** 32;

/** How a case is mapped: with leaves of 4K from scattered pages, or with the largest pages. */
export type Leaves = '4K' | 'largest';

/** Maps `bytes` from `iova` on; `4K` where the output is never aligned to more. */
export function mapLeaves(domain: Domain, iova: number, bytes: number, leaves: Leaves): void {
  if (leaves === 'largest') domain.map(iova, 2 ** 33, bytes, RW);
  else {
    const pages = bytes / K4;
    const addresses = Float64Array.from({ length: pages }, (_, i) => 2 ** 33 + (2 * i + 1) * K4);
    domain.mapSg(iova, { addresses, lengths: new Float64Array(pages).fill(K4) }, RW);
  }
}

/** Commands by kind that a piece of work sends; kinds that were not sent are left out. */
export function sent(domain: Domain, work: () => void): CommandTotals {
  const { commands } = domain.meter;
  if (commands === undefined) throw new Error('the driver counts no commands');
  const before = commands.snapshot();
  work();
  return Object.fromEntries(Object.entries(commands.since(before)).filter(([, count]) => count > 0));
}

/** Invalidations and completions, as `a+s`. */
export function sums(totals: CommandTotals, completion: string): string {
  const all = Object.values(totals).reduce((sum, count) => sum + count, 0);
  const completions = totals[completion] ?? 0;
  return `${all - completions}+${completions}`;
}
