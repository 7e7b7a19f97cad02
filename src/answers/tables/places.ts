/**
 * What a mapped physical page is: a region of the machine's memory map, or the page that devices write their message
 * interrupts to.
 * @module
 */
import type { Extent } from '../../dump/types.ts';
import type { MachineNames } from '../../machine/names.ts';

/** Names in `/proc/iomem` of units that receive message interrupts (GICv3 ITS, GICv2m, IMSIC, APLIC). */
const MSI_UNIT = /\bits\b|its@|gic-its|v2m|imsic|\bmsi\b|GITS/i;

function isRam(ram: readonly Extent[], address: number): boolean {
  return ram.some(({ start, bytes }) => address >= start && address - start < bytes);
}

/**
 * What lies at a physical page; empty where nothing tells. Only Arm's and RISC-V's IOMMUs translate message interrupts, so
 * that their doorbell has to be mapped: a page of device memory outside RAM is probably that (VT-d and AMD-Vi take
 * writes to 0xfeexxxxx before translation).
 */
export function placeOf(
  pa: number,
  bytes: number,
  memoryType: string,
  iommu: string,
  ram: readonly Extent[],
  names: MachineNames,
): string {
  const region = names.memory.at(pa);
  if (region !== undefined && MSI_UNIT.test(region.name)) return 'MSI doorbell';
  if (region !== undefined && region.name !== 'System RAM') return region.name;
  const device = memoryType.startsWith('Device') && bytes <= 0x1_0000;
  const outside = ram.length > 0 && !isRam(ram, pa);
  return iommu.startsWith('arm') && device && outside ? 'probably the MSI doorbell' : '';
}
