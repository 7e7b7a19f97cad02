/**
 * Errors that the DMAR driver itself reports: mappings that it refuses or finds doubled, page requests, the firmware's tables.
 * No device made a faulting access.
 * @module
 */
import { hex } from '../../address.ts';
import type { Layout } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultField } from '../incident.ts';

/** Layouts, one group a kind of error. */
export const DRIVER_ERRORS: readonly Layout[] = [
  {
    id: 'already-set',
    group: 'doubled',
    seen: 'Linux to 6.12',
    text: 'ERROR: DMA PTE for vPFN {vpfn} already set (to {present} not {wanted})',
    starts: true,
  },
  {
    id: 'width',
    group: 'width',
    seen: 'Linux to 6.12',
    text: '{function:intel_iommu_map|intel_iommu_attach_device|prepare_domain_attach_device|paging_domain_compatible}: iommu width ({width:d}) is not sufficient for the mapped address ({end})',
    starts: true,
    headless: true,
  },
  {
    id: 'page-request',
    group: 'page-request',
    seen: 'Linux',
    text: [
      '<IOMMU: >{instance:s}: PRQ overflow {overflow:detected|cleared}',
      '<IOMMU: >{instance:s}: Invalid page request: {request0} {request1}',
      '<IOMMU: >{instance:s}: {refused:Address is not canonical|Page request in Privilege Mode|Execution request not supported|Page request without PASID}',
      '{refused:Page request without PASID}: {request0} {request1}',
    ],
    starts: true,
  },
  {
    id: 'unit',
    group: 'unit',
    seen: 'Linux',
    text: [
      '{words:Flush IOTLB failed}',
      '{instance:s}: {words:Unexpected} {more:rest}',
      '{instance:s}: {words:No free domain ids}',
    ],
    starts: true,
  },
  {
    id: 'firmware',
    group: 'firmware',
    seen: 'Linux',
    text: [
      '[Firmware {level:Bug|Warn}]: {words:rest}',
      '{words:RMRR entry for device} {more:rest}',
      '{words:RHSA refers to non-existent DMAR unit}{more:rest}',
      '{words:DMA routed to ISOCH DMAR unit but no TLB space}{more:rest}',
      '{words:ANDD object name is not NUL-terminated}{more:rest}',
    ],
    starts: true,
  },
  {
    id: 'firmware-bare',
    group: 'firmware',
    seen: 'Linux',
    text: '{words:Your BIOS is broken; }{more:rest}',
    starts: true,
    headless: true,
  },
  {
    id: 'vendor',
    group: 'firmware',
    seen: 'Linux',
    text: 'BIOS vendor: {vendor:text}; Ver: {biosVersion:text}; Product Version: {product:rest}',
    headless: true,
  },
  {
    id: 'rmrr',
    group: 'rmrr',
    seen: 'Linux 3.x on',
    text: [
      '{words:Device is ineligible for IOMMU domain attach due to platform RMRR requirement}',
      '{words:Firmware has requested this device have a 1:1 IOMMU mapping, rejecting configuring the device without a 1:1 mapping}',
    ],
    starts: true,
    headless: true,
  },
];

const PAGE_BITS = 12n;
/** Address of a second-stage entry, bits 51:12 (VT-d 9.8). */
const ADDRESS = 0x000ffffffffff000n;

function rights(entry: bigint): string {
  return `${(entry & 1n) === 0n ? '-' : 'r'}${(entry & 2n) === 0n ? '-' : 'w'}`;
}

function decodeDoubled(draft: Draft): Decoded {
  const [iova, present, wanted] = [
    (draft.hex('vpfn') ?? 0n) << PAGE_BITS,
    draft.hex('present') ?? 0n,
    draft.hex('wanted') ?? 0n,
  ];
  const isIdentity = (present & ADDRESS) === iova;
  const why = isIdentity
    ? 'the entry there maps the address to itself (a reserved region or identity map), which the allocator did not keep free'
    : 'an unmap was lost, or two users were given the same address';
  const entry = (name: string, value: bigint): FaultField => ({ name, value: hex(value), meaning: rights(value) });
  return {
    kind: 'software',
    name: 'mapped twice',
    meaning: why,
    words: `the kernel mapped ${hex(iova)} a second time; ${why}`,
    iova,
    fields: [entry('present', present), entry('wanted', wanted)],
  };
}

function decodeWidth(draft: Draft): Decoded {
  const [width, end] = [draft.decimal('width') ?? 0, draft.hex('end') ?? 0n];
  const meaning = `the mapping ends at ${hex(end)}, beyond the ${width} address bits of the IOMMU, and was refused`;
  return {
    kind: 'software',
    name: 'IOMMU width',
    meaning,
    words: `${meaning}: a program or a guest chose an address that is too high`,
    iova: end,
    fields: [{ name: 'width', value: String(width), meaning: 'address bits' }],
  };
}

function decodePageRequest(draft: Draft): Decoded {
  const overflow = draft.text('overflow');
  const refused = draft.text('refused') ?? 'invalid page request';
  const meaning =
    overflow === undefined ? `a page request was refused: ${refused}` : `page request queue overflow ${overflow}`;
  return { kind: overflow === undefined ? 'request' : 'unit', name: 'PRQ', meaning, words: meaning };
}

function decodeText(draft: Draft, name: string, kind: 'software' | 'unit'): Decoded {
  const text = [draft.text('words'), draft.text('more')]
    .filter((part) => part !== undefined)
    .join(' ')
    .trim();
  const vendor = draft.text('vendor');
  const notes = vendor === undefined ? [] : [`BIOS vendor ${vendor}, version ${draft.text('biosVersion') ?? ''}`];
  return { kind, name, meaning: text, words: `${name}: ${text}`, notes };
}

/** Decodes an error of the driver. */
export function decodeDriverError(draft: Draft): Decoded {
  switch (draft.group) {
    case 'doubled':
      return decodeDoubled(draft);
    case 'width':
      return decodeWidth(draft);
    case 'page-request':
      return decodePageRequest(draft);
    case 'unit':
      return decodeText(draft, 'error of the unit', 'unit');
    case 'rmrr':
      return decodeText(draft, 'refused for a reserved region (RMRR)', 'software');
    default:
      return decodeText(draft, 'error in the firmware tables', 'software');
  }
}
