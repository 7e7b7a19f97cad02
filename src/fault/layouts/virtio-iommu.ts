/**
 * Lines of the virtio-iommu driver.
 * @module
 */
import { hex } from '../../address.ts';
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import { type Decoded, type FaultAccess, type FaultKind, functionOf } from '../incident.ts';

/** Reasons (virtio 1.2, 5.13.6.9 "Fault reporting"). */
const REASONS: ReadonlyMap<string, readonly [FaultKind, string]> = new Map<string, readonly [FaultKind, string]>([
  ['domain', ['configuration', 'the endpoint is attached to no domain']],
  ['page', ['not-permitted', 'the address is not mapped, or not for this access']],
  ['unknown', ['unknown', 'the device gives no reason']],
]);

const NO_FLAGS = 'the line does not tell a read from a write';

function accessOf(letters: string | undefined): FaultAccess | undefined {
  if (letters?.includes('W') === true) return 'write';
  if (letters?.includes('X') === true) return 'execute';
  return letters?.includes('R') === true ? 'read' : undefined;
}

function decode(draft: Draft): Decoded {
  const reason = draft.text('reason') ?? '';
  const [kind, meaning] = REASONS.get(reason) ?? ['unknown', 'the device gives no reason'];
  const endpoint = draft.decimal('endpoint') ?? 0;
  const access = accessOf(draft.text('flags'));
  return {
    kind,
    name: `${reason} fault`,
    meaning,
    stream: endpoint,
    device: functionOf(endpoint & 0xffff, Math.floor(endpoint / 0x10000)),
    iova: draft.hex('iova'),
    access,
    fields: [{ name: 'endpoint', value: hex(endpoint), meaning: 'endpoint id' }],
    notes: access === undefined ? [NO_FLAGS] : [],
  };
}

/** The virtio-iommu driver. */
export const virtioIommu: FaultDriver = {
  id: 'virtio-iommu',
  title: 'virtio-iommu',
  origin: 'iommu',
  source: 'virtio 1.2, 5.13.6.9 "Fault reporting"',
  marks: ['virtio_iommu '],
  heads: ['virtio_iommu {unit:s}: '],
  layouts: [
    {
      id: 'fault',
      seen: 'Linux 5.3 on',
      starts: true,
      text: '{reason:domain|page|unknown} fault from EP {endpoint:d}< at {iova} [{flags:text}]>',
    },
  ],
  quiet: ['input address: ', 'page mask: ', 'granule ', 'unknown resv mem type'],
  functions: ['viommu_fault_handler'],
  decode,
};
