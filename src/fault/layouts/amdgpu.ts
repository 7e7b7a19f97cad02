/**
 * The amdgpu and radeon drivers: page faults of GFX9 and later, and of GFX6 to GFX8.
 * @module
 */

import { hex } from '../../address.ts';
import { type BitField, decodeBits } from '../bit-fields.ts';
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultAccess, FaultKind } from '../incident.ts';
import { accessOfWord, deviceMmu, printedFields } from './printed.ts';

/** VM_L2_PROTECTION_FAULT_STATUS of GFX9 and later (Linux drivers/gpu/drm/amd/include/asic_reg/gc). */
const STATUS: readonly BitField[] = [
  { name: 'MORE_FAULTS', at: 0, meaning: 'more faults came' },
  { name: 'WALKER_ERROR', at: 1, bits: 3, meaning: 'the walk of the tables ended with an error' },
  { name: 'NOT_VALID', at: 4, meaning: 'PERMISSION_FAULTS bit 0: the entry is not valid' },
  { name: 'NO_READ', at: 5, meaning: 'PERMISSION_FAULTS bit 1: the entry does not permit reads' },
  { name: 'NO_WRITE', at: 6, meaning: 'PERMISSION_FAULTS bit 2: the entry does not permit writes' },
  { name: 'NO_EXECUTE', at: 7, meaning: 'PERMISSION_FAULTS bit 3: the entry does not permit execution' },
  { name: 'MAPPING_ERROR', at: 8, meaning: 'the entry is not valid for this kind of mapping' },
  { name: 'CID', at: 9, bits: 9, meaning: 'client of the UTCL2' },
  { name: 'RW', at: 18, meaning: { 0: 'a read', 1: 'a write' }, always: true },
  { name: 'ATOMIC', at: 19, meaning: 'an atomic access' },
  { name: 'VMID', at: 20, bits: 4, meaning: 'VM of the access', always: true },
  { name: 'VF', at: 24, meaning: 'of a virtual function' },
];

const PAGE = 4096n;

/** What a register reads as when it could not be read. */
const UNREADABLE: ReadonlyMap<bigint, string> = new Map([
  [0n, 'VM_L2_PROTECTION_FAULT_STATUS 0: the register could not be read, its fields say nothing'],
  [0xffff_ffffn, 'VM_L2_PROTECTION_FAULT_STATUS all ones: the GPU does not answer, its fields say nothing'],
]);

function isReadable(status: bigint | undefined): status is bigint {
  return status !== undefined && !UNREADABLE.has(status);
}

function unreadableNote(status: bigint | undefined): string[] {
  const note = status === undefined ? undefined : UNREADABLE.get(status);
  return note === undefined ? [] : [note];
}

function kindOf(status: bigint | undefined): readonly [FaultKind, string] {
  if (!isReadable(status)) {
    return ['not-permitted', 'the status was not readable: not mapped on the GPU, or not for this access'];
  }
  if ((status & 0x10n) !== 0n) return ['translation', 'the page is not mapped on the GPU'];
  if ((status & 0xe0n) !== 0n) return ['permission', 'the entry does not permit the access'];
  if ((status & 0x100n) !== 0n) return ['reserved-bits', 'the entry is not valid for this kind of mapping'];
  return (status & 0xen) === 0n
    ? ['unknown', 'the status gives no reason']
    : ['external-abort', 'the walk of the tables failed'];
}

function decodeGfx9(draft: Draft): Decoded {
  const status = draft.hex('status');
  const [kind, meaning] = kindOf(status);
  const readable = isReadable(status);
  const access: FaultAccess | undefined = readable ? (((status >> 18n) & 1n) === 1n ? 'write' : 'read') : undefined;
  return {
    kind,
    name: `${draft.text('hub')?.replace('[', '') ?? ''} page fault`.trim(),
    meaning,
    device: draft.text('device'),
    pasid: draft.decimal('pasid') || undefined,
    iova: draft.hex('iova'),
    access,
    fields: [
      ...printedFields(draft, {
        vmid: ['vmid', '0 is the kernel or the firmware'],
        pid: ['pid', ''],
        process: ['process', ''],
        client: ['client', ''],
      }),
      ...(readable
        ? [{ name: 'VM_L2_PROTECTION_FAULT_STATUS', value: hex(status), meaning: '' }, ...decodeBits(status, STATUS)]
        : []),
      ...printedFields(draft, { faulty: ['UTCL2 client', ''] }),
    ],
    notes: unreadableNote(status),
    complete: draft.has('address'),
  };
}

function decodeGfx8(draft: Draft): Decoded {
  const page = draft.decimal('page') ?? draft.hexNumber('pageHex');
  return {
    kind: 'not-permitted',
    name: 'GPU fault',
    meaning: 'not mapped on the GPU, or not for this access',
    device: draft.text('device'),
    pasid: draft.decimal('pasid') || undefined,
    iova: page === undefined ? undefined : BigInt(page) * PAGE,
    access: accessOfWord(draft.text('access')),
    fields: printedFields(draft, {
      vmid: ['vmid', ''],
      contextStatus: ['VM_CONTEXT1_PROTECTION_FAULT_STATUS', ''],
      pageHex: ['VM_CONTEXT1_PROTECTION_FAULT_ADDR', 'page number'],
      block: ['client', 'block that made the access'],
    }),
    complete: page !== undefined,
  };
}

/** The amdgpu and radeon drivers. */
export const amdgpu: FaultDriver = deviceMmu({
  id: 'amdgpu',
  title: 'AMD GPU, amdgpu and radeon',
  source: 'Linux drivers/gpu/drm/amd/amdgpu/gmc_v6_0.c to gmc_v12_0.c; VM_L2_PROTECTION_FAULT_STATUS',
  marks: [
    'page fault (src_id:',
    'hub] page fault',
    'hub0] page fault',
    'retry page fault',
    'VMC page fault',
    'in page starting at address',
    'PROTECTION_FAULT_STATUS',
    'PROTECTION_FAULT_ADDR',
    'GPU fault detected: ',
    'VM fault (0x',
  ],
  sure: true,
  heads: ['amdgpu {device:pci}: <amdgpu: >', 'radeon {device:pci}: ', 'amdgpu: '],
  layouts: [
    {
      id: 'fault',
      group: 'gfx9',
      starts: true,
      headless: true,
      seen: 'GFX9 on, Linux 4.12 on',
      text: '{hub:s}] <VMC ><{retry:retry|no-retry} >page fault (src_id:{src:d} ring:{ring:d} vmid:{vmid:d}< pas<_>id:{pasid:d}><, for process {process:text} pid {pid:d} thread {thread:text} pid {tid:d}>',
    },
    {
      id: 'process',
      group: 'gfx9',
      headless: true,
      text: '<in |for >process {process:text} pid {pid:d} thread {thread:text} pid {tid:d}',
    },
    {
      id: 'address',
      group: 'gfx9',
      headless: true,
      text: [
        'in page starting at address {iova} from <IH >client {clientCode}< ({client:text})>',
        '{at:at page|at address|in page starting at address} {iova} from <client >{clientCode}',
      ],
    },
    { id: 'status', group: 'gfx9', headless: true, text: 'VM_L2_PROTECTION_FAULT_STATUS<_LO32>:{status}' },
    { id: 'faulty', group: 'gfx9', headless: true, text: 'Faulty UTCL2 client ID: {faulty:text} ({faultyCode})' },
    {
      id: 'bits',
      group: 'gfx9',
      headless: true,
      repeats: 8,
      text: '{bit:MORE_FAULTS|WALKER_ERROR|PERMISSION_FAULTS|MAPPING_ERROR|RW}: {bitValue}',
    },
    {
      id: 'gfx8',
      group: 'gfx8',
      starts: true,
      headless: true,
      seen: 'GFX6 to GFX8, radeon',
      text: 'GPU fault detected: {src:d} {data}',
    },
    { id: 'context-address', group: 'gfx8', headless: true, text: 'VM_CONTEXT1_PROTECTION_FAULT_ADDR {pageHex}' },
    {
      id: 'context-status',
      group: 'gfx8',
      headless: true,
      text: 'VM_CONTEXT1_PROTECTION_FAULT_STATUS {contextStatus}',
    },
    {
      id: 'vm',
      group: 'gfx8',
      headless: true,
      text: "VM fault ({protections}, vmid {vmid:d}<, pasid {pasid:d}>) at page {page:d}, {access:read|write} from <'>{block:text}<'> (",
    },
  ],
  quiet: [],
  functions: [
    'gmc_v9_0_process_interrupt',
    'gmc_v10_0_process_interrupt',
    'gmc_v11_0_process_interrupt',
    'gmc_v12_0_process_interrupt',
    'gmc_v8_0_process_interrupt',
    'gmc_v7_0_process_interrupt',
    'gmc_v6_0_process_interrupt',
  ],
  decode: (draft) => (draft.group === 'gfx8' ? decodeGfx8(draft) : decodeGfx9(draft)),
});
