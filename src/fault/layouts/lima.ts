/**
 * The lima driver (Mali Utgard).
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { accessOfWord, deviceMmu, printedFields } from './printed.ts';

function decode(draft: Draft): Decoded {
  const block = draft.text('block') ?? 'MMU';
  if (draft.has('bus')) {
    return {
      kind: 'external-abort',
      name: 'bus error',
      meaning: `a read of the tables of ${block} failed`,
      device: draft.unit,
    };
  }
  return {
    kind: 'translation',
    name: 'page fault',
    meaning: `the address is not mapped on the GPU (${block})`,
    device: draft.unit,
    iova: draft.hex('iova'),
    access: accessOfWord(draft.text('access')),
    fields: printedFields(draft, {
      block: ['mmu', 'gpmmu geometry, ppmmu a pixel processor'],
      bus: ['bus id', 'requester inside the block'],
    }),
  };
}

/** The lima driver. */
export const lima: FaultDriver = deviceMmu({
  id: 'lima',
  title: 'Arm Mali, lima',
  source: 'Linux drivers/gpu/drm/lima/lima_mmu.c',
  marks: ['page fault at 0x', 'irq bus error'],
  heads: ['lima {unit:s}: '],
  layouts: [
    {
      id: 'fault',
      starts: true,
      seen: 'Linux 5.2 on; the second from 6.x',
      text: [
        'mmu page fault at {iova} from bus id {bus:d} of type {access:read|write} on {block:s}',
        '{block:s} page fault at {iova} from bus id {bus:d} of type {access:read|write}',
      ],
    },
    { id: 'bus', starts: true, text: 'mmu {block:s} irq bus error' },
  ],
  quiet: [],
  decode,
});
