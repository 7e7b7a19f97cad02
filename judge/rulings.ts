/**
 * Kinds of difference that were looked into, each with what the specification says: docs/judges.md has the same table.
 * @module
 */
import type { Difference } from './judge.ts';
import { AMD_RULINGS } from './rulings/amd-vi.ts';
import { RISCV_RULINGS } from './rulings/riscv.ts';
import type { Ruling } from './rulings/ruling.ts';
import { SMMU_V3_RULINGS } from './rulings/smmu-v3.ts';
import { VTD_RULINGS } from './rulings/vt-d.ts';

/** All rulings, for QEMU 7.2 and 11.1. */
const RULINGS: readonly Ruling[] = [...SMMU_V3_RULINGS, ...VTD_RULINGS, ...AMD_RULINGS, ...RISCV_RULINGS];

/** The ruling on a difference; undefined where nobody has looked into its kind. */
export function rulingOf({ unit, flip, ours, reason, theirs }: Difference): Ruling | undefined {
  return RULINGS.find(
    (one) =>
      one.unit.test(unit) &&
      one.flip.test(flip ?? 'probe') &&
      one.ours.test(ours) &&
      one.theirs.test(theirs) &&
      (one.reason?.test(reason) ?? true),
  );
}
