/**
 * The IOMMUs that a row can drive. The drivers themselves are in the worker only, so that the page stays small.
 * @module
 */

/** Ids of the drivers: those of `iommu replay --iommu`. */
export const IOMMUS: readonly string[] = [
  'arm-smmu',
  'arm-smmu-v3',
  'intel-vtd',
  'amd-vi',
  'riscv-iommu',
  'virtio-iommu',
  'bare',
];
