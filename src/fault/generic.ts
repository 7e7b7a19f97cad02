/**
 * Lines of virtio-iommu, and of the iommu subsystem itself.
 * @module
 */
import { hex } from '../address.ts';
import { parseHex } from './draft.ts';
import { type FaultAccess, type FaultKind, functionOf, requesterId } from './incident.ts';
import type { LogLine } from './log-line.ts';
import { createRecord, type FaultReader, type FaultRecord } from './record.ts';

/** Reasons of a virtio-iommu fault (virtio 1.2, 5.13.6.9 "Fault reporting"). */
const VIRTIO_REASONS: ReadonlyMap<string, readonly [FaultKind, string]> = new Map<string, readonly [FaultKind, string]>(
  [
    ['domain', ['configuration', 'the endpoint is attached to no domain']],
    ['page', ['not-permitted', 'the address is not mapped, or not for this access']],
    ['unknown', ['unknown', 'the device gives no reason']],
  ],
);

const VIRTIO = /virtio_iommu (\S+): (\w+) fault from EP (\d+)(?: at (0x[0-9a-f]+) \[([RWX]*)\])?/;
/** The trace event io_page_fault, in ftrace text or perf script. */
const TRACE = /io_page_fault: IOMMU:\s*(?:(\S+) )?(\S+) iova=(0x[0-9a-f]+) flags=(0x[0-9a-f]+)/;

/** Flags of report_iommu_fault: IOMMU_FAULT_READ and IOMMU_FAULT_WRITE (include/linux/iommu.h). */
const FAULT_WRITE = 1n;

function virtioAccess(letters: string | undefined): FaultAccess | undefined {
  if (letters?.includes('W')) return 'write';
  if (letters?.includes('X')) return 'execute';
  return letters?.includes('R') ? 'read' : undefined;
}

/** Reads virtio-iommu lines and io_page_fault events. */
export class GenericLines implements FaultReader {
  take(line: LogLine): FaultRecord | boolean {
    const virtio = VIRTIO.exec(line.text);
    if (virtio !== null) return this.#virtio(line, virtio);
    const trace = TRACE.exec(line.text);
    return trace === null ? false : this.#trace(line, trace);
  }

  #virtio(line: LogLine, match: RegExpExecArray): FaultRecord {
    const [, unit, reason = '', endpoint = '', address, letters] = match;
    const [kind, meaning] = VIRTIO_REASONS.get(reason) ?? ['unknown', 'the device gives no reason'];
    const record = createRecord('virtio-iommu', line, kind, `${reason} fault`);
    record.unit = unit;
    record.meaning = meaning;
    record.stream = Number(endpoint);
    record.device = functionOf(record.stream & 0xffff, Math.floor(record.stream / 0x10000));
    record.iova = parseHex(address);
    record.access = virtioAccess(letters);
    record.fields = [{ name: 'endpoint', value: hex(Number(endpoint)), meaning: 'endpoint id' }];
    if (record.access === undefined) record.notes.push('the line does not tell a read from a write');
    return record;
  }

  #trace(line: LogLine, match: RegExpExecArray): FaultRecord {
    const [, driver, device, address, flags] = match;
    const record = createRecord('iommu', line, 'not-permitted', 'io_page_fault');
    record.unit = driver;
    record.device = device;
    record.stream = requesterId(device);
    record.iova = parseHex(address);
    record.access = (parseHex(flags) ?? 0n) & FAULT_WRITE ? 'write' : 'read';
    record.meaning = 'the iommu subsystem was told of a fault';
    record.fields = [{ name: 'flags', value: flags ?? '', meaning: `a ${record.access}` }];
    return record;
  }
}
