/**
 * What a RISC-V IOMMU says that it walks, as `riscv_iommu_alloc_paging_domain` chooses by it. RISC-V IOMMU specification 1.0, 6.3.
 * @module
 */
import type { Geometry } from '../../formats/contract.ts';
import { QUIRK } from '../../formats/quirks.ts';
import { checkNeeds, needFormat, needQuirk } from '../capability.ts';

/** Capabilities (6.3): Sv39 9, Sv48 10, Sv57 11, Svpbmt 15. */
const MODES: Readonly<Record<string, bigint>> = { 'riscv-sv39': 9n, 'riscv-sv48': 10n, 'riscv-sv57': 11n };
const SVPBMT = 15n;

/**
 * Refuses tables that the unit does not walk. `capabilities` is 0 where the register is not known.
 * @throws IommuError `UNSUPPORTED`.
 */
export function checkRiscv(geometry: Geometry, capabilities: bigint): void {
  if (capabilities === 0n) return;
  const has = (bit: bigint): boolean => ((capabilities >> bit) & 1n) === 1n;
  const walked = Object.entries(MODES).flatMap(([name, bit]) => (has(bit) ? [name] : []));
  const expected = `${walked.join(' or ') || 'no first-stage tables'} (capabilities)`;
  checkNeeds('riscv-iommu', [
    needFormat(geometry, walked.includes(geometry.format), expected),
    needQuirk(geometry, QUIRK.SVPBMT, has(SVPBMT), 'capabilities.Svpbmt is 0'),
  ]);
}
