/**
 * Lines of VMware ESXi about IOMMU faults: the purple screen, a virtual machine that is powered off, dumps and time-outs.
 * @module
 */

import { type BitField, decodeBits } from '../bit-fields.ts';
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import { type Decoded, requesterId } from '../incident.ts';
import { printedFields } from './printed.ts';

/** Context entry, low and high half (VT-d 9.3). */
const CONTEXT_LOW: readonly BitField[] = [
  { name: 'P', at: 0, meaning: { 0: 'not present', 1: 'present' }, always: true },
  { name: 'FPD', at: 1, meaning: 'faults are not reported' },
  {
    name: 'TT',
    at: 2,
    bits: 2,
    meaning: { 0: 'translated', 1: 'translated, with ATS', 2: 'passed through' },
    always: true,
  },
  { name: 'SSPTPTR', at: 12, bits: 52, meaning: 'tables' },
];
const CONTEXT_HIGH: readonly BitField[] = [
  { name: 'AW', at: 0, bits: 3, meaning: { 1: '39 bits', 2: '48 bits', 3: '57 bits' }, always: true },
  { name: 'DID', at: 8, bits: 16, meaning: 'domain id' },
];

const NO_KIND = 'ESXi does not say whether the address was not mapped or the access not permitted';

function decodeContext(draft: Draft): Decoded {
  const [low, high] = [draft.hex('low') ?? 0n, draft.hex('high') ?? 0n];
  const state = (low & 1n) === 0n ? 'the context entry is not present' : 'the context entry is present';
  return {
    kind: 'unknown',
    name: 'context entry dump',
    meaning: `${state}; the line with the fault itself is missing`,
    words: `ESXi dumped the context entry of ${draft.text('device') ?? 'a device'}, as it does behind a fault: ${state}; the line with the fault itself is missing`,
    device: draft.text('device'),
    stream: requesterId(draft.text('device')),
    fields: [...decodeBits(low, CONTEXT_LOW), ...decodeBits(high, CONTEXT_HIGH)],
    complete: false,
  };
}

function decodeQueue(draft: Draft): Decoded {
  return {
    kind: 'unit',
    name: 'invalidation time-out',
    meaning: `IOMMU unit ${draft.text('number') ?? '?'} did not complete an invalidation wait descriptor in time: the unit, or a device that was to answer an invalidation, hangs`,
  };
}

function decode(draft: Draft): Decoded {
  if (draft.has('context')) return decodeContext(draft);
  if (draft.has('queue')) return decodeQueue(draft);
  const type = draft.text('type');
  return {
    kind: 'unknown',
    name: type === undefined ? 'IOMMU fault' : `IOMMU fault type ${type}`,
    meaning: NO_KIND,
    device: draft.text('device'),
    stream: requesterId(draft.text('device')),
    iova: draft.hex('iova'),
    fields: printedFields(draft, {
      owner: ['owner', 'driver or virtual machine'],
      type: ['type', 'VMware does not document its values'],
      mask: ['Mask', 'VMware does not document its values'],
      domain: ['Domain', ''],
    }),
    notes: draft.has('passthru') ? ['ESXi powers the virtual machine off that the device is passed through to'] : [],
  };
}

/** VMware ESXi. */
export const esxi: FaultDriver = {
  id: 'esxi',
  title: 'VMware ESXi',
  origin: 'iommu',
  source:
    'Broadcom knowledge base, articles 345237, 392714 and 381094; logs that people posted; VT-d 9.3 (context entry)',
  marks: [
    'IOMMU Fault detected for ',
    'caused an IOMMU fault type ',
    'IOMMU context entry dump for ',
    'queued invalidation wait descriptor after',
  ],
  sure: true,
  heads: [],
  layouts: [
    {
      id: 'purple-screen',
      text: 'IOMMU Fault detected for {device:pci} ({owner:text}) IOaddr: {iova}< Mask: {mask}>< Domain: {domain}>',
      headless: true,
      starts: true,
    },
    {
      id: 'passthru',
      text: 'PCI passthru device {device:pci} caused an IOMMU fault type {type:d} at address {iova}',
      headless: true,
      starts: true,
    },
    {
      id: 'context',
      text: 'IOMMU context entry dump for {device:pci} Ctx-Hi = {high} Ctx-Lo = {low}',
      headless: true,
      starts: true,
    },
    {
      id: 'queue',
      text: 'IOMMU UNIT {number:d} did not complete processing of a queued invalidation wait descriptor after {seconds:d}',
      headless: true,
      starts: true,
    },
  ],
  quiet: [],
  decode,
};
