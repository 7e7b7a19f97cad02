/**
 * Lines of the sun50i-iommu driver (Allwinner H6, H616).
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { printedFields } from './printed.ts';

const NO_DIRECTION =
  '"rd" is printed whenever the driver does not know the direction: for pages that are not mapped, and for most missing rights';

function decodeFault(draft: Draft): Decoded {
  const write = draft.text('dir')?.toLowerCase() === 'wr';
  return {
    kind: write ? 'permission' : 'not-permitted',
    name: 'page fault',
    meaning: write
      ? 'a write to a page that is mapped for reads only'
      : 'the address is not mapped, or not for this access',
    device: `master ${draft.text('master') ?? '?'}`,
    stream: draft.decimal('master'),
    iova: draft.hex('iova'),
    access: write ? 'write' : undefined,
    fields: printedFields(draft, {
      master: ['master', 'number of the master of this IOMMU'],
      dir: ['dir', 'as printed'],
    }),
    notes: write ? [] : [NO_DIRECTION],
  };
}

function decode(draft: Draft): Decoded {
  if (draft.has('fault')) return decodeFault(draft);
  if (draft.has('detached')) {
    return {
      kind: 'configuration',
      name: 'page fault',
      meaning: 'a device made an access while no domain was attached',
    };
  }
  return {
    kind: 'unit',
    name: 'flush timeout',
    meaning: 'the IOMMU did not complete a flush in time: its clock may be off',
  };
}

/** The sun50i-iommu driver. */
export const sun50i: FaultDriver = {
  id: 'sun50i-iommu',
  title: 'Allwinner sun50i IOMMU',
  origin: 'iommu',
  source: 'Linux drivers/iommu/sun50i-iommu.c',
  marks: ['sun50i-iommu '],
  heads: ['sun50i-iommu {unit:s}: '],
  layouts: [
    {
      id: 'fault',
      starts: true,
      seen: 'Linux 5.9 on',
      text: 'Page fault for {iova} (master {master:d}, dir {dir:rd|wr})',
    },
    { id: 'detached', starts: true, text: 'Page fault while iommu not attached to any domain?' },
    {
      id: 'timeout',
      group: 'unit',
      repeats: 4,
      text: ['TLB Flush timed out!', 'TLB invalidation timed out!', 'PTW cache invalidation timed out!'],
      says: 'a flush timed out',
    },
  ],
  quiet: ['Adding to iommu group', "Couldn't ", 'Dropping '],
  functions: ['sun50i_iommu_irq', 'sun50i_iommu_report_fault'],
  decode,
};
