/**
 * iommu-workbench: the library. Rooms have sub-paths of their own (`iommu-workbench/core`, …).
 * @module
 */
export type { Address } from './address.ts';
export { formatSize, hex, parseAddress, parseSize } from './address.ts';
export type { PhysicalReader, RegisterPort } from './bus.ts';
export { InputError, IommuError } from './errors.ts';
