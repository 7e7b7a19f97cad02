/**
 * Drivers of SoCs that print one line, or none, about faults: sprd-iommu and vsi-iommu.
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import { decodeMessage, printedFields } from './printed.ts';

/** The sprd-iommu driver (Unisoc): it reports no faults, only mappings that it refuses. */
export const sprdIommu: FaultDriver = {
  id: 'sprd-iommu',
  title: 'Unisoc IOMMU',
  origin: 'iommu',
  source: 'Linux drivers/iommu/sprd-iommu.c',
  marks: ['sprd-iommu '],
  heads: ['sprd-iommu {unit:s}: '],
  layouts: [{ id: 'range', starts: true, text: '(iova({iova}) + size({size})) are not in the range!' }],
  quiet: ['Adding to iommu group', 'failed to '],
  decode: (draft) => ({
    ...decodeMessage({
      name: 'mapping refused',
      words: `the kernel refused to map ${draft.text('iova') ?? ''} + ${draft.text('size') ?? ''}: outside the range of the IOMMU; no device made an access`,
    }),
    iova: draft.hex('iova'),
    fields: printedFields(draft, { size: ['size', 'bytes'] }),
  }),
};

/** The vsi-iommu driver (Verisilicon, as in RK3588): it prints a status without an address. */
export const vsiIommu: FaultDriver = {
  id: 'vsi-iommu',
  title: 'Verisilicon IOMMU',
  origin: 'iommu',
  source: 'Linux drivers/iommu/vsi-iommu.c',
  marks: ['vsi-iommu ', 'vsi_iommu '],
  heads: ['vsi-iommu {unit:s}: ', 'vsi_iommu {unit:s}: '],
  layouts: [{ id: 'status', starts: true, seen: 'Linux 7.x', text: 'unexpected int_status={status}' }],
  quiet: ['Adding to iommu group'],
  decode: (draft) => ({
    kind: 'unknown',
    name: 'int_status',
    meaning: 'the driver prints neither address nor device',
    fields: printedFields(draft, { status: ['int_status', ''] }),
  }),
};
