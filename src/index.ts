/**
 * iommu-workbench: the library. Rooms have sub-paths of their own (`iommu-workbench/core`, …).
 * @example
 * import { Domain, PROT } from 'iommu-workbench';
 * const domain = new Domain({ format: 'arm-64-lpae-s1', granule: '4K' });
 * domain.map(0x10000, 0x8000_0000, 0x200000, PROT.READ | PROT.WRITE);
 * domain.translate(0x10042);
 * @module
 */
export type { Address } from './address.ts';
export { formatSize, hex, parseAddress, parseSize } from './address.ts';
export type { PhysicalMemory, PhysicalReader, RegisterPort } from './bus.ts';
export type { DomainOptions, MapResult, UnmapOptions, UnmapResult } from './core/index.ts';
export { Domain } from './core/index.ts';
export { InputError, IommuError } from './errors.ts';
export { FORMATS, PROT, QUIRK } from './formats/index.ts';
export type { ListInput, TableMemoryOptions } from './memory/index.ts';
export { ScatterList, TableMemory } from './memory/index.ts';
export { Meter } from './meter/index.ts';
