/**
 * Messages of VFIO and QEMU about mappings that the kernel refused: no device made an access.
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { decodeMessage, printedFields } from './printed.ts';

interface Errno {
  readonly code: number;
  readonly name: string;
  /** strerror of it. */
  readonly text: string;
  readonly means: string;
  readonly next: string;
}

/** Errors of VFIO_IOMMU_MAP_DMA (Linux drivers/vfio/vfio_iommu_type1.c, include/uapi/asm-generic/errno-base.h). */
const ERRNOS: readonly Errno[] = [
  {
    code: 1,
    name: 'EPERM',
    text: 'Operation not permitted',
    means: 'the group or the process may not map it',
    next: 'check the rights of the process on /dev/vfio, and that the group is attached to the container',
  },
  {
    code: 12,
    name: 'ENOMEM',
    text: 'Cannot allocate memory',
    means: 'the limit of locked memory is reached, or there is no memory for tables',
    next: 'raise the limit of locked memory (ulimit -l, LimitMEMLOCK=) to the memory of the guest',
  },
  {
    code: 14,
    name: 'EFAULT',
    text: 'Bad address',
    means: "the memory cannot be pinned: often another device's BAR",
    next: 'for a BAR of another device it only means that peer-to-peer access does not work; for RAM look at its backing file',
  },
  {
    code: 17,
    name: 'EEXIST',
    text: 'File exists',
    means: 'it overlaps a mapping that is already there',
    next: 'look for an earlier mapping of the same range that was not unmapped',
  },
  {
    code: 22,
    name: 'EINVAL',
    text: 'Invalid argument',
    means:
      'the range is not aligned to pages, or lies outside what the IOMMU accepts: a reserved region, or beyond its address width',
    next: 'compare the address with the IOMMU\'s width (iommu check; "Host address width" in dmesg): above it, lower the guest\'s physical bits (host-phys-bits-limit=39 or 48); else look at /sys/kernel/iommu_groups/<group>/reserved_regions',
  },
  {
    code: 28,
    name: 'ENOSPC',
    text: 'No space left on device',
    means: 'the number of mappings is used up (dma_entry_limit, 65535)',
    next: 'raise the module parameter dma_entry_limit of vfio_iommu_type1',
  },
  {
    code: 75,
    name: 'EOVERFLOW',
    text: 'Value too large for defined data type',
    means: 'address plus size wraps around',
    next: 'look at the size that the program passes',
  },
];

const STRERRORS = ERRNOS.map(({ text }) => text).join('|');

function errnoOf(draft: Draft): Errno | undefined {
  const code = draft.decimal('errno');
  const text = draft.text('reason')?.toLowerCase();
  return ERRNOS.find((errno) =>
    code === undefined ? errno.text.toLowerCase() === text : errno.code === Math.abs(code),
  );
}

function decodeMap(draft: Draft): Decoded {
  const errno = errnoOf(draft);
  const call = draft.text('call') ?? draft.text('ioctl') ?? 'map';
  const verb = /unmap/i.test(call) ? 'unmap' : 'map';
  const [iova, size] = [draft.text('iova'), draft.text('size')];
  const range = iova === undefined ? 'a range' : `${iova} + ${size ?? '?'}`;
  const why =
    errno === undefined
      ? (draft.text('reason') ?? `error ${draft.text('errno') ?? ''}`)
      : `${errno.name}: ${errno.means}`;
  return {
    ...decodeMessage({
      name: `VFIO ${verb} refused`,
      words: `the kernel refused to ${verb} ${range} for VFIO; ${why}; no device made an access`,
      ...(errno === undefined ? {} : { next: errno.next }),
    }),
    iova: draft.hex('iova'),
    fields: printedFields(draft, {
      size: ['size', 'bytes'],
      vaddr: ['vaddr', 'address in the program'],
      errno: ['errno', errno?.name ?? ''],
      reason: ['reason', ''],
    }),
  };
}

function decode(draft: Draft): Decoded {
  if (draft.has('limit')) {
    return decodeMessage({
      name: 'RLIMIT_MEMLOCK exceeded',
      words:
        'the kernel refused to pin memory for VFIO: the limit of locked memory is reached; no device made an access',
      next: 'raise the limit of locked memory (ulimit -l, LimitMEMLOCK=) to the memory of the guest',
    });
  }
  if (draft.has('interrupts')) {
    return decodeMessage({
      name: 'no interrupt remapping',
      words: 'VFIO refuses the group: interrupts of its devices cannot be isolated; no device made an access',
      next: 'turn on interrupt remapping (firmware, intremap=on); allow_unsafe_interrupts=1 only where the guest is trusted',
    });
  }
  if (draft.has('viable')) {
    return decodeMessage({
      name: 'group not viable',
      words: 'VFIO refuses the group: another device of it is bound to a driver of the host; no device made an access',
      next: 'bind every device in /sys/kernel/iommu_groups/<group>/devices to vfio-pci, or to no driver',
    });
  }
  return decodeMap(draft);
}

/** VFIO and QEMU. */
export const vfio: FaultDriver = {
  id: 'vfio',
  title: 'VFIO and QEMU: mappings that were refused',
  origin: 'software',
  source: 'Linux drivers/vfio/vfio_iommu_type1.c; QEMU hw/vfio',
  marks: [
    'vfio_dma_map(',
    'vfio_dma_unmap(',
    'vfio_container_dma_map(',
    'vfio_container_dma_unmap(',
    'vfio_legacy_dma_unmap',
    'VFIO_MAP_DMA',
    'VFIO_UNMAP_DMA',
    'IOMMU_IOAS_MAP failed',
    'RLIMIT_MEMLOCK (',
    'allow_unsafe_interrupts',
    'MSI interrupts are not secure',
    'is not viable',
  ],
  heads: [
    '{call:vfio_dma_map|vfio_dma_unmap|vfio_container_dma_map|vfio_container_dma_unmap}(',
    '{ioctl:VFIO_MAP_DMA|VFIO_UNMAP_DMA|IOMMU_IOAS_MAP}<:>< failed><:> ',
  ],
  layouts: [
    {
      id: 'call',
      group: 'map',
      text: [
        '{container:s}, {iova}, {size}, {vaddr:s}) = {errno:d}< ({reason:text})>',
        '{container:s}, {iova}, {size}) = {errno:d}< ({reason:text})>',
      ],
    },
    { id: 'ioctl', group: 'map', text: [`{reason:${STRERRORS}}`, '{errno:d}'] },
    { id: 'limit', group: 'limit', starts: true, headless: true, text: 'RLIMIT_MEMLOCK ({limit:d}) exceeded' },
    {
      id: 'interrupts',
      group: 'interrupts',
      starts: true,
      headless: true,
      text: ['No interrupt remapping support', 'No interrupt remapping for IOMMU', 'MSI interrupts are not secure'],
    },
    { id: 'viable', group: 'viable', starts: true, headless: true, text: 'group {number:d} is not viable' },
  ],
  quiet: [],
  decode,
};
