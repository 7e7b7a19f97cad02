/**
 * Messages of the iommu subsystem about calls that were wrong or refused: no device made an access.
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { decodeMessage, type Message, printedFields } from './printed.ts';

const MESSAGES: Readonly<Record<string, Message>> = {
  unaligned: {
    name: 'unaligned mapping',
    words:
      'a map or unmap call was not aligned to the smallest page of the IOMMU and was refused; no device made an access',
    next: 'the stack or the caller names the driver that passes the range',
  },
  partial: {
    name: 'partial unmap of a block',
    words: 'a caller unmapped a part of a block mapping, which is not allowed; no device made an access',
    next: 'the stack below the warning names the caller: it must unmap what it mapped',
  },
  leak: {
    name: 'page freed while mapped',
    words: 'a page was freed while a device could still access it: use after free in its driver',
    next: 'the page owner below the line names who allocated and who freed it',
  },
};

function decode(draft: Draft): Decoded {
  const message = Object.entries(MESSAGES).find(([id]) => draft.has(id))?.[1];
  const decoded = decodeMessage(message ?? { name: 'message', words: 'a message of the iommu subsystem' });
  return {
    ...decoded,
    device: draft.text('device'),
    iova: draft.hex('iova'),
    fields: printedFields(draft, { pa: ['pa', ''], size: ['size', 'bytes'], minimum: ['min_pagesz', 'smallest page'] }),
  };
}

/** The iommu subsystem. */
export const iommuMessages: FaultDriver = {
  id: 'iommu-core',
  title: 'Calls that the iommu subsystem refused or warns of',
  origin: 'software',
  source: 'Linux drivers/iommu/iommu.c, drivers/iommu/io-pgtable-arm.c',
  marks: ['iommu: unaligned: ', 'Unmap of a partial large IOPTE', 'iommu: Detected page leak'],
  heads: [],
  layouts: [
    {
      id: 'unaligned',
      starts: true,
      headless: true,
      text: 'unaligned: iova {iova}< pa {pa}> size {size} min_pagesz {minimum}',
    },
    { id: 'partial', starts: true, headless: true, text: 'Unmap of a partial large IOPTE' },
    { id: 'leak', starts: true, headless: true, text: 'iommu: Detected page leak' },
  ],
  quiet: [],
  decode,
};
