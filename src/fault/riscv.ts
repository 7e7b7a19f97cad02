/**
 * Lines of the RISC-V IOMMU driver: records of the fault queue.
 * @module
 */
import { hex } from '../address.ts';
import {
  createRecord,
  type FaultAccess,
  type FaultKind,
  type FaultReader,
  type FaultRecord,
  type LogLine,
  parseHex,
  parseHexNumber,
} from './record.ts';

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
  [260, { kind: 'configuration', meaning: 'this type of transaction is disallowed' }],
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

const FAULT =
  /riscv[,-]iommu\S* (\S+): Fault (\d+) devid: (0x[0-9a-f]+) iotval: ([0-9a-fx]+) iotval2: ([0-9a-fx]+)(?: process_?id: (0x[0-9a-f]+))?/i;

/** Reads RISC-V IOMMU lines. */
export class RiscvLines implements FaultReader {
  take(line: LogLine): FaultRecord | boolean {
    const match = FAULT.exec(line.text);
    if (match === null) return false;
    const [, unit, code = '', device, iotval, iotval2, process] = match;
    const cause = CAUSES.get(Number(code));
    const record = createRecord('riscv-iommu', line, cause?.kind ?? 'unknown', `cause ${code}`);
    record.unit = unit;
    record.meaning = cause?.meaning ?? 'a cause that the specification does not list';
    record.stream = parseHexNumber(device);
    record.pasid = parseHexNumber(process);
    record.iova = parseHex(iotval);
    record.access = cause?.access;
    record.stage = cause?.stage;
    record.fields = [
      { name: 'CAUSE', value: hex(Number(code)), meaning: record.meaning },
      { name: 'DID', value: device ?? '', meaning: 'device id' },
      { name: 'iotval', value: hex(record.iova ?? 0n), meaning: 'address of the access' },
      {
        name: 'iotval2',
        value: hex(parseHex(iotval2) ?? 0n),
        meaning: 'guest physical address, in a guest page fault',
      },
    ];
    return record;
  }
}
