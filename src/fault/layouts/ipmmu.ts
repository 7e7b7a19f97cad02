/**
 * Lines of the ipmmu-vmsa driver (Renesas R-Car), of Linux and of Xen.
 * @module
 */
import { hex } from '../../address.ts';
import { type BitField, decodeBits } from '../bit-fields.ts';
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultKind } from '../incident.ts';

/** IMSTR (Linux drivers/iommu/ipmmu-vmsa.c; R-Car manual). */
const IMSTR: readonly BitField[] = [
  { name: 'TF', at: 0, meaning: 'translation fault: no valid entry for the address' },
  { name: 'PF', at: 1, meaning: 'page fault: not mapped, or not for this access' },
  { name: 'ABORT', at: 2, meaning: 'a read of the tables failed' },
  { name: 'MHIT', at: 4, meaning: 'two entries of the TLB match' },
];

/** By the bits TF and PF together. */
const MEANINGS: readonly string[] = [
  'neither a translation nor a permission fault',
  'translation fault: no valid entry for the address',
  'page fault: not mapped, or not for this access',
  'both bits are set: not mapped, or not for this access',
];

const NO_DEVICE = 'the line names the IOMMU, not the device, and does not tell a read from a write';

function decodeStatus(draft: Draft): Decoded {
  const status = draft.hex('status') ?? 0n;
  const both = Number(status & 3n);
  const kinds: readonly FaultKind[] = ['unknown', 'translation', 'not-permitted', 'not-permitted'];
  return {
    kind: kinds[both] ?? 'unknown',
    name: ['fault', 'TF', 'PF', 'TF and PF'][both] ?? 'fault',
    meaning: MEANINGS[both] ?? '',
    iova: draft.hex('iova'),
    fields: [{ name: 'IMSTR', value: hex(status), meaning: '' }, ...decodeBits(status, IMSTR)],
    notes: [NO_DEVICE],
  };
}

function decode(draft: Draft): Decoded {
  const iova = draft.hex('iova');
  if (draft.has('fault')) return decodeStatus(draft);
  if (draft.has('hits')) {
    return { kind: 'conflict', name: 'MHIT', meaning: 'two entries of the TLB match', iova, notes: [NO_DEVICE] };
  }
  if (draft.has('abort')) {
    return { kind: 'external-abort', name: 'ABORT', meaning: 'a read of the tables failed', iova, notes: [NO_DEVICE] };
  }
  return { kind: 'unit', name: 'TLB sync timeout', meaning: 'the IPMMU did not complete a TLB flush in time' };
}

/** The ipmmu-vmsa driver. */
export const ipmmu: FaultDriver = {
  id: 'ipmmu-vmsa',
  title: 'Renesas IPMMU',
  origin: 'iommu',
  source: 'Linux drivers/iommu/ipmmu-vmsa.c; Xen xen/drivers/passthrough/arm/ipmmu-vmsa.c',
  marks: ['ipmmu-vmsa ', 'ipmmu: '],
  heads: ['ipmmu-vmsa {unit:s}: ', 'ipmmu: {unit:s}: '],
  layouts: [
    { id: 'fault', starts: true, text: '<d{domain:d}: >Unhandled fault: status {status} iova {iova}' },
    { id: 'hits', starts: true, text: '<d{domain:d}: >Multiple TLB hits @{iova}' },
    { id: 'abort', starts: true, text: '<d{domain:d}: >Page Table Walk Abort @{iova}' },
    { id: 'sync', starts: true, text: '<d{domain:d}: >TLB sync timed out -- MMU may be deadlocked' },
  ],
  quiet: [
    'Using IPMMU context',
    'Adding to iommu group',
    'Reusing IPMMU context',
    'IPMMU context',
    'registered',
    'using dma',
    'd{domain:d}: Attached',
  ],
  functions: ['ipmmu_domain_irq', 'ipmmu_irq'],
  decode,
};
