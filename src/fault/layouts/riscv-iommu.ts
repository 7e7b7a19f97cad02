/**
 * Lines of the RISC-V IOMMU driver: records of the fault queue.
 * @module
 */
import { hex } from '../../address.ts';
import { RISCV_FAULT_FIELDS } from '../../hardware/riscv/fault-queue.ts';
import { inRecord } from '../bit-fields.ts';
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultAccess, FaultField, FaultKind } from '../incident.ts';

interface Cause {
  readonly kind: FaultKind;
  readonly meaning: string;
  readonly access?: FaultAccess;
  readonly stage?: 1 | 2;
}

/** CAUSE of a fault record (RISC-V IOMMU Architecture Specification, "Fault-Queue", table of cause encodings). */
const CAUSES: ReadonlyMap<number, Cause> = new Map<number, Cause>([
  [1, { kind: 'external-abort', meaning: 'instruction access fault', access: 'execute' }],
  [4, { kind: 'request', meaning: 'read address misaligned', access: 'read' }],
  [5, { kind: 'external-abort', meaning: 'read access fault', access: 'read' }],
  [6, { kind: 'request', meaning: 'write or atomic address misaligned', access: 'write' }],
  [7, { kind: 'external-abort', meaning: 'write or atomic access fault', access: 'write' }],
  [12, { kind: 'not-permitted', meaning: 'instruction page fault', access: 'execute', stage: 1 }],
  [13, { kind: 'not-permitted', meaning: 'read page fault', access: 'read', stage: 1 }],
  [15, { kind: 'not-permitted', meaning: 'write or atomic page fault', access: 'write', stage: 1 }],
  [20, { kind: 'not-permitted', meaning: 'instruction guest page fault', access: 'execute', stage: 2 }],
  [21, { kind: 'not-permitted', meaning: 'read guest page fault', access: 'read', stage: 2 }],
  [23, { kind: 'not-permitted', meaning: 'write or atomic guest page fault', access: 'write', stage: 2 }],
  [256, { kind: 'configuration', meaning: 'all inbound transactions are disallowed' }],
  [257, { kind: 'external-abort', meaning: 'the device directory could not be read' }],
  [258, { kind: 'configuration', meaning: 'the device directory entry is not valid' }],
  [259, { kind: 'configuration', meaning: 'the device directory entry is misconfigured' }],
  [
    260,
    { kind: 'request', meaning: 'this type of transaction is disallowed: ATS, an MSI, or a PASID where it is off' },
  ],
  [261, { kind: 'interrupt', meaning: 'the MSI table could not be read' }],
  [262, { kind: 'interrupt', meaning: 'the MSI table entry is not valid' }],
  [263, { kind: 'interrupt', meaning: 'the MSI table entry is misconfigured' }],
  [264, { kind: 'interrupt', meaning: 'the memory-resident interrupt file could not be accessed' }],
  [265, { kind: 'external-abort', meaning: 'the process directory could not be read' }],
  [266, { kind: 'configuration', meaning: 'the process directory entry is not valid' }],
  [267, { kind: 'configuration', meaning: 'the process directory entry is misconfigured' }],
  [268, { kind: 'external-abort', meaning: 'the device directory is corrupted' }],
  [269, { kind: 'external-abort', meaning: 'the process directory is corrupted' }],
  [270, { kind: 'interrupt', meaning: 'the MSI table is corrupted' }],
  [271, { kind: 'interrupt', meaning: 'the memory-resident interrupt file is corrupted' }],
  [272, { kind: 'unit', meaning: 'error on an internal data path' }],
  [273, { kind: 'interrupt', meaning: 'an interrupt message of the IOMMU could not be written' }],
  [274, { kind: 'external-abort', meaning: 'a page table is corrupted' }],
]);

function fieldsOf(draft: Draft, meaning: string): FaultField[] {
  const fields = [
    { name: 'CAUSE', value: hex(draft.decimal('cause') ?? 0), meaning },
    { name: 'DID', value: hex(draft.hex('device') ?? 0n), meaning: 'device id' },
    { name: 'iotval', value: hex(draft.hex('iotval') ?? 0n), meaning: 'address of the access' },
    {
      name: 'iotval2',
      value: hex(draft.hex('iotval2') ?? 0n),
      meaning: 'guest physical address, in a guest page fault',
    },
  ];
  return fields.map((field) => inRecord(field, RISCV_FAULT_FIELDS));
}

/** Queues by their number (interrupt causes of IPSR). */
const QUEUES: ReadonlyMap<number, string> = new Map([
  [0, 'command queue'],
  [1, 'fault queue'],
  [3, 'page request queue'],
]);

/** Flags of cqcsr, fqcsr and pqcsr as the driver prints them. */
const QUEUE_FLAGS: Readonly<Record<string, string>> = {
  memory: 'the queue could not be read or written',
  timeout: 'a command timed out, as an invalidation does that a device does not answer',
  illegal: 'a command is not valid',
  fence: 'a fence (IOFENCE.C) raised an interrupt',
  overflow: 'records were lost: the counts are lower bounds',
};

function decodeQueue(draft: Draft): Decoded {
  const number = draft.decimal('queue') ?? -1;
  const set = Object.entries(QUEUE_FLAGS).filter(([name]) => draft.decimal(name) === 1);
  return {
    kind: 'unit',
    name: `${QUEUES.get(number) ?? `queue ${number}`} error`,
    meaning: set.map(([, words]) => words).join('; '),
    fields: set.map(([name, meaning]) => ({ name, value: '0x1', meaning })),
  };
}

function decodeHardware(draft: Draft): Decoded {
  const words = draft.text('words') ?? '';
  return { kind: 'unit', name: 'hardware error', meaning: `${words}: the IOMMU did not follow in time` };
}

/** iotval2 of a guest page fault: bit 0 while the first stage was walked, bit 1 that walk wrote, the rest the address. */
function guestNotes(draft: Draft, stage: 1 | 2 | undefined): string[] {
  const iotval2 = draft.hex('iotval2') ?? 0n;
  if (stage !== 2) return [];
  const walk = (iotval2 & 1n) === 1n ? ', while the tables of the first stage were walked' : '';
  return [`guest physical address ${hex(iotval2 & ~3n)}${walk}`];
}

function decode(draft: Draft): Decoded {
  if (draft.group === 'queue') return decodeQueue(draft);
  return draft.group === 'hardware' ? decodeHardware(draft) : decodeFault(draft);
}

function decodeFault(draft: Draft): Decoded {
  const code = draft.decimal('cause') ?? 0;
  const { kind, meaning, access, stage } = CAUSES.get(code) ?? { kind: 'unknown', meaning: 'a reserved cause' };
  return {
    kind,
    name: `cause ${code}`,
    meaning,
    stream: draft.hexNumber('device'),
    pasid: draft.hexNumber('process'),
    iova: draft.hex('iotval'),
    access,
    stage,
    fields: fieldsOf(draft, meaning),
    notes: guestNotes(draft, stage),
  };
}

/** The RISC-V IOMMU driver (Linux 6.13 on). */
export const riscvIommu: FaultDriver = {
  id: 'riscv-iommu',
  title: 'RISC-V IOMMU',
  origin: 'iommu',
  source: 'RISC-V IOMMU Architecture Specification, "Fault/Event-Queue"',
  marks: ['riscv-iommu', 'riscv,iommu'],
  heads: ['riscv-iommu{variant:s} {unit:s}: ', 'riscv,iommu {unit:s}: '],
  layouts: [
    {
      id: 'fault',
      text: 'Fault {cause:d} devid: {device} iotval: {iotval} iotval2: {iotval2}< process_id: {process}>',
      seen: 'Linux 6.13 on',
      starts: true,
    },
    {
      id: 'queue',
      group: 'queue',
      text: [
        'Queue #{queue:d} error; fault:{memory:d} timeout:{timeout:d} illegal:{illegal:d} fence_w_ip:{fence:d}',
        'Queue #{queue:d} error; memory fault:{memory:d} overflow:{overflow:d}',
      ],
      seen: 'Linux 6.13 on',
      starts: true,
    },
    {
      id: 'hardware',
      group: 'hardware',
      text: 'Hardware error: {words:command execution timeout|queue access timeout|command enqueue failed}',
      seen: 'Linux 6.13 on',
      says: '{words}',
    },
  ],
  quiet: ['Adding to iommu group', 'Using ', 'using ', 'hardware version'],
  functions: ['riscv_iommu_fault', 'riscv_iommu_cmdq_process', 'riscv_iommu_fltq_process'],
  decode,
};
