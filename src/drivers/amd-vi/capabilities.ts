/**
 * What an AMD-Vi unit says that it walks, as Linux compares it when a domain is made (`amd_iommu_hpt_level`, `amd_iommu_gpt_level`).
 * AMD 48882, 3.4 (Extended Feature Register, MMIO offset 30h).
 * @module
 */
import type { Geometry } from '../../formats/contract.ts';
import { checkNeeds, needFormat } from '../capability.ts';

/** Extended features (3.4): GTSup 4, HATS 11:10, GATS 13:12. */
const GUEST = 4n;
const HATS = 10n;
const GATS = 12n;
/** Levels of HATS 0 and GATS 0. */
const LEAST_LEVELS = 4;

/**
 * Refuses tables that the unit does not walk. `features` is the Extended Feature Register, 0 where it is not known.
 * @throws IommuError `UNSUPPORTED`.
 */
export function checkAmdVi(geometry: Geometry, features: bigint): void {
  if (features === 0n) return;
  const guest = geometry.format === 'x86-64';
  const most = LEAST_LEVELS + Number((features >> (guest ? GATS : HATS)) & 3n);
  const levels = geometry.levels.length;
  const expected = `tables of at most ${most} levels (${guest ? 'GATS' : 'HATS'})`;
  checkNeeds('amd-vi', [
    needFormat(geometry, !guest || ((features >> GUEST) & 1n) === 1n, 'no guest tables (GTSup is 0)'),
    { argument: 'ias', met: levels <= most, expected, got: `${levels} levels` },
  ]);
}
