/**
 * A machine's set-up, from its files.
 * @module
 */
export { type IommuGroup, parseGroups, type ReservedRegion } from './groups.ts';
export { MemoryMap, type MemoryRegion, parseIomem } from './iomem.ts';
export { MachineNames, type MachineTexts } from './names.ts';
export { className, type PciDevice, parsePciList } from './pci.ts';
