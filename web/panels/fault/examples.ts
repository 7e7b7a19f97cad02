/**
 * Fault lines to try the panel with, as the drivers print them.
 * @module
 */

/** A name and its lines. */
export const EXAMPLES: readonly { readonly title: string; readonly text: string }[] = [
  {
    title: 'SMMUv3',
    text: `[   52.401931] arm-smmu-v3 arm-smmu-v3.0.auto: event 0x10 received:
[   52.401940] arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000010000000010
[   52.401946] arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000020800000000
[   52.401951] arm-smmu-v3 arm-smmu-v3.0.auto: \t0x00000000fffff000
[   52.401957] arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000000000000000`,
  },
  {
    title: 'VT-d',
    text: `[    4.120314] DMAR: DRHD: handling fault status reg 2
[    4.120321] DMAR: [DMA Write NO_PASID] Request device [00:14.0] fault addr 0x7b7ef000 [fault reason 0x05] PTE Write access is not set`,
  },
  {
    title: 'AMD-Vi',
    text: '[  101.771102] nvme 0000:04:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000e address=0xfe8a1000 flags=0x0020]',
  },
  {
    title: 'SMMUv2',
    text: '[   12.630871] arm-smmu 5000000.iommu: Unhandled context fault: fsr=0x402, iova=0x1f4a2000, fsynr=0x10011, cbfrsynra=0x881, cb=3',
  },
];
