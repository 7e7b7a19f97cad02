/**
 * What each IOMMU calls the id by which it knows a requester.
 * @module
 */

const ID_WORDS: Readonly<Record<string, string>> = {
  'intel-vtd': 'source-id',
  'amd-vi': 'DeviceID',
  'riscv-iommu': 'device_id',
  'arm-smmu-v3': 'StreamID',
  'arm-smmu': 'StreamID',
  'apple-dart': 'stream',
  'qcom-iommu': 'stream',
};

/** What an IOMMU calls the id of a requester: `StreamID`, `source-id`, `DeviceID`, `device_id`; `id` where it is not known. */
export function idWord(iommu: string): string {
  return Object.hasOwn(ID_WORDS, iommu) ? (ID_WORDS[iommu] ?? 'device') : 'device';
}
