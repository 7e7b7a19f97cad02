import { type Case, describeIncidents } from './cases.ts';

/** Lines in the formats of the kernel's and QEMU's sources. */
const CASES: readonly Case[] = [
  [
    [
      'qemu-system-x86_64: VFIO_MAP_DMA failed: Cannot allocate memory',
      'qemu-system-x86_64: vfio_container_dma_map(0x560f4f1b6bc0, 0x100000000, 0x180000000, 0x7f3d40000000) = -12 (Cannot allocate memory)',
    ],
    'vfio | software | VFIO map refused | - | - | 100000000 | -',
  ],
  [['qemu-system-x86_64: VFIO_MAP_DMA: -22'], 'vfio | software | VFIO map refused | - | - | - | -'],
  [
    ['qemu-kvm: vfio_dma_map(0x560f4f1b6bc0, 0xfc000000, 0x4000, 0x7f3d40000000) = -14 (Bad address)'],
    'vfio | software | VFIO map refused | - | - | fc000000 | -',
  ],
  [
    ['[   1.0] vfio_pin_pages_remote: RLIMIT_MEMLOCK (65536) exceeded'],
    'vfio | software | RLIMIT_MEMLOCK exceeded | - | - | - | -',
  ],
  [
    [
      '[   1.1] vfio_iommu_type1_attach_group: No interrupt remapping support.  Use the module param "allow_unsafe_interrupts" to enable VFIO IOMMU support on this platform',
    ],
    'vfio | software | no interrupt remapping | - | - | - | -',
  ],
  [['qemu: vfio 0000:01:00.0: group 1 is not viable'], 'vfio | software | group not viable | - | - | - | -'],
  [
    ['[   2.0] e1000e 0000:00:19.0: swiotlb buffer is full (sz: 65536 bytes), total 32768 (slots), used 32700 (slots)'],
    'swiotlb | software | swiotlb buffer is full | 0000:00:19.0 | - | - | -',
  ],
  [
    [
      '[   2.0] DMA-API: e1000e 0000:00:19.0: device driver frees DMA memory with different size [device address=0x00000000fffa3000] [map size=1024 bytes] [unmap size=512 bytes]',
    ],
    'dma-debug | software | DMA-API warning | 0000:00:19.0 | - | fffa3000 | -',
  ],
  [
    [
      '[   2.1] e1000e 0000:00:19.0: DMA-API: device driver failed to check map error[device address=0x00000000fffa3000] [size=64 bytes] [mapped as single]',
    ],
    'dma-debug | software | DMA-API warning | 0000:00:19.0 | - | fffa3000 | -',
  ],
  [
    ['[   2.2] DMA-API: exceeded 7 overlapping mappings of cacheline 0x0000000001234567'],
    'dma-debug | software | DMA-API warning | - | - | - | -',
  ],
  [
    [
      '[   2.4] DMA-API: nvme 0000:01:00.0: device driver has pending DMA allocations while released from device [count=3]',
      'One of leaked entries details: [device address=0x0000000036f4b000] [size=4096 bytes] [mapped with DMA_FROM_DEVICE] [mapped as coherent]',
    ],
    'dma-debug | software | DMA-API warning | 0000:01:00.0 | - | 36f4b000 | -',
  ],
  [
    ["[   2.5] DMA-API: cacheline tracking EEXIST, overlapping mappings aren't supported"],
    'dma-debug | software | DMA-API warning | - | - | - | -',
  ],
  [
    ['[   3.1] PCI-DMA: Out of IOMMU space for 65536 bytes'],
    'iommu-space | software | out of IOMMU space | - | - | - | -',
  ],
  [
    ['[   3.2] lpfc 0000:01:00.0: iommu_alloc failed, tbl c000000001 vaddr c00000 npages 16'],
    'iommu-space | software | out of IOMMU space | 0000:01:00.0 | - | - | -',
  ],
  [
    ['[   3.4] iommu: unaligned: iova 0x1001 pa 0x2000 size 0x1000 min_pagesz 0x1000'],
    'iommu-core | software | unaligned mapping | - | - | 1001 | -',
  ],
];

describeIncidents('Messages about requests that were refused', CASES);
