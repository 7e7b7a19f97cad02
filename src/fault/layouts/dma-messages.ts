/**
 * Messages of the DMA layer about mappings that failed: swiotlb, and the IOMMUs that run out of address space.
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { decodeMessage, printedFields } from './printed.ts';

function decodeSwiotlb(draft: Draft): Decoded {
  const [total, device] = [draft.decimal('total'), draft.text('device')];
  const why =
    total === 0
      ? 'none were set up (0 slots)'
      : draft.has('full')
        ? 'no slot of the pool was free for it'
        : 'the device cannot reach the address of the buffer';
  return {
    ...decodeMessage({
      name: draft.has('full') ? 'swiotlb buffer is full' : 'DMA address beyond the mask',
      words: `${device ?? 'a device'} needs bounce buffers (swiotlb), and ${why}; no IOMMU translates for it, and this is not an IOMMU fault`,
      next:
        total === 0
          ? 'turn the IOMMU on, or boot with swiotlb=<slots of 2 KiB>, since the device cannot address all memory'
          : 'raise swiotlb=<slots of 2 KiB>, or turn the IOMMU on for this device',
    }),
    device,
    iova: draft.hex('address'),
    fields: printedFields(draft, {
      size: ['size', 'bytes of the request'],
      total: ['total', 'slots of 2 KiB'],
      used: ['used', 'slots of 2 KiB'],
      mask: ['DMA mask', 'addresses that the device can use'],
      limit: ['bus limit', '0: none'],
    }),
  };
}

/** Bounce buffers. */
export const swiotlb: FaultDriver = {
  id: 'swiotlb',
  title: 'swiotlb: bounce buffers',
  origin: 'software',
  source: 'Linux kernel/dma/swiotlb.c, kernel/dma/direct.c',
  marks: ['swiotlb buffer is full', ' of DMA mask ', 'swiotlb: No low mem', 'Can not allocate SWIOTLB'],
  sure: true,
  heads: [],
  layouts: [
    {
      id: 'full',
      headless: true,
      starts: true,
      text: [
        '{driver:s} {device:s}: swiotlb buffer is full (sz: {size:d} bytes)<, total {total:d} (slots), used {used:d} (slots)>',
        'swiotlb buffer is full (sz: {size:d} bytes)',
        'DMA: Out of SW-IOMMU space for {size:d} bytes at device {device:s}',
      ],
    },
    {
      id: 'overflow-late',
      headless: true,
      text: '{driver:s} {device:s}: overflow {address}+{bytes:d} of DMA mask {mask} bus limit {limit}',
    },
    {
      id: 'overflow',
      headless: true,
      starts: true,
      text: [
        '{driver:s} {device:s}: overflow {address}+{bytes:d} of DMA mask {mask}< bus limit {limit}>',
        'overflow {address}+{bytes:d} of DMA mask {mask}',
      ],
    },
  ],
  quiet: [],
  functions: ['swiotlb_map', 'swiotlb_tbl_map_single', 'dma_direct_map_page', 'report_addr'],
  decode: decodeSwiotlb,
};

function decodeSpace(draft: Draft): Decoded {
  const device = draft.text('device');
  return {
    ...decodeMessage({
      name: 'out of IOMMU space',
      words: `the IOMMU had no free addresses for a mapping of ${device ?? 'a device'}; no device made an access`,
      next: 'look for mappings that are not unmapped (trace of map and unmap, iommu replay); else enlarge the aperture',
    }),
    device,
    fields: printedFields(draft, { size: ['size', 'bytes'], pages: ['npages', ''] }),
  };
}

/** IOMMUs with a window of addresses: GART of AMD, Power, SPARC. */
export const iommuSpace: FaultDriver = {
  id: 'iommu-space',
  title: 'IOMMU windows that are full (AMD GART, Power)',
  origin: 'software',
  source: 'Linux arch/x86/kernel/amd_gart_64.c, arch/powerpc/kernel/iommu.c',
  marks: ['Out of IOMMU space', 'iommu_alloc failed', 'IOMMU space for '],
  heads: [],
  layouts: [
    {
      id: 'full',
      headless: true,
      starts: true,
      text: [
        'PCI-DMA: Out of IOMMU space for {size:d} bytes< at device {device:s}>',
        '{driver:s} {device:s}: iommu_alloc failed, tbl {table:s} vaddr {vaddr:s} npages {pages:d}',
        '{driver:s} {device:s}: PCI-DMA: Out of IOMMU space for {size:d} bytes',
      ],
    },
  ],
  quiet: [],
  decode: decodeSpace,
};
