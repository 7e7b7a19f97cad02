/**
 * The IOMMUs and table formats that the page offers. Their code is in the worker only, so that the page itself stays small.
 * @module
 */

/** Ids of the drivers that a row can have: those of `iommu replay --iommu`. */
export const IOMMUS: readonly string[] = [
  'arm-smmu',
  'arm-smmu-v3',
  'intel-vtd',
  'amd-vi',
  'riscv-iommu',
  'virtio-iommu',
  'bare',
];

/** A table format: its id, and its granules in bytes, the usual one first. */
export interface OfferedFormat {
  readonly id: string;
  readonly granules: readonly number[];
}

const PAGE = 4096;

/** Table formats that the engine writes and the reader reads. */
export const FORMATS: readonly OfferedFormat[] = [
  { id: 'arm-64-lpae-s1', granules: [PAGE, 4 * PAGE, 16 * PAGE] },
  { id: 'arm-64-lpae-s2', granules: [PAGE, 4 * PAGE, 16 * PAGE] },
  { id: 'arm-32-lpae-s1', granules: [PAGE] },
  { id: 'arm-32-lpae-s2', granules: [PAGE] },
  { id: 'arm-mali-lpae', granules: [PAGE] },
  { id: 'arm-v7s', granules: [PAGE] },
  { id: 'apple-dart', granules: [PAGE, 4 * PAGE] },
  { id: 'apple-dart2', granules: [4 * PAGE] },
  { id: 'vtd-ss', granules: [PAGE] },
  { id: 'x86-64', granules: [PAGE] },
  { id: 'amd-v1', granules: [PAGE] },
  { id: 'riscv-sv39', granules: [PAGE] },
  { id: 'riscv-sv48', granules: [PAGE] },
  { id: 'riscv-sv57', granules: [PAGE] },
];
