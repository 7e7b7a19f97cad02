/**
 * Lines of Intel's DMAR driver: one-line faults with and without PASID, two-line faults of old kernels, interrupt
 * remapping faults, the fault status register.
 * @module
 */
import { hex } from '../address.ts';
import { type BitField, decodeBits, hasFlag } from './bit-fields.ts';
import { parseHex } from './draft.ts';
import { type FaultKind, requesterId } from './incident.ts';
import type { LogLine } from './log-line.ts';
import { createRecord, type FaultReader, type FaultRecord, parseHexNumber } from './record.ts';
import { VTD_REASONS } from './vt-d-reasons.ts';

/** FSTS_REG (VT-d, "Fault Status Register"). */
const FSTS: readonly BitField[] = [
  { name: 'PFO', at: 0, meaning: 'primary fault overflow: faults were lost' },
  { name: 'PPF', at: 1, meaning: 'a primary fault is pending' },
  { name: 'AFO', at: 2, meaning: 'advanced fault overflow' },
  { name: 'APF', at: 3, meaning: 'an advanced fault is pending' },
  { name: 'IQE', at: 4, meaning: 'error in the invalidation queue' },
  { name: 'ICE', at: 5, meaning: 'a device answered an invalidation wrongly' },
  { name: 'ITE', at: 6, meaning: 'a device did not answer an invalidation in time' },
  { name: 'PRO', at: 7, meaning: 'page request overflow' },
  { name: 'FRI', at: 8, bits: 8, meaning: 'index of the first pending fault' },
];

const STATUS = /DMAR:? ?DRHD: handling fault status reg ([0-9a-f]+)/i;
const FAULT =
  /DMAR:\s*\[DMA (Read|Write)(?: (NO_PASID)| PASID (0x[0-9a-f]+|\d+))?\] Request device \[([0-9a-fx:.]+)\](?: PASID ([0-9a-f]+))? fault addr (0x[0-9a-f]+|[0-9a-f]+)\s*(.*)$/i;
const INTERRUPT =
  /DMAR:\s*\[?INTR-REMAP:?\]? ?Request device \[([0-9a-fx:.]+)\] fault index (0x[0-9a-f]+|[0-9a-f]+)\s*(.*)$/i;
const REASON = /(DMAR:|INTR-REMAP:)?\s*\[fault reason (0x[0-9a-f]+|\d+)\]\s*(.*)$/i;
const SUPPRESSED = /dmar_fault: (\d+) callbacks suppressed/;
const DUMPED = /DMAR: ((?:root|context|pasid dir|pasid table|pte) ?\w* ?(?:entry|level|\[)[^\n]*)$/i;

/** Old kernels print the reason in decimal, new ones with `0x`. */
function reasonCode(text: string): number {
  return text.startsWith('0x') ? Number(text) : Number.parseInt(text, 10);
}

function applyReason(record: FaultRecord, match: RegExpExecArray): void {
  const code = reasonCode(match[2] ?? '0');
  const reason = VTD_REASONS.get(code);
  record.name = `fault reason ${hex(code, 2)}`;
  record.meaning = reason?.meaning ?? `a reason that the specification does not list; the driver says '${match[3]}'`;
  record.kind = reason?.kind ?? 'unknown';
  record.complete = true;
  const printed = match[3]?.replace(/^SM: /, '') ?? '';
  record.fields.push({ name: 'FR', value: hex(code, 2), meaning: printed });
}

/** Reads DMAR lines. */
export class VtdLines implements FaultReader {
  #status: FaultRecord | undefined;
  #open: FaultRecord | undefined;
  #last: FaultRecord | undefined;

  take(line: LogLine): FaultRecord | boolean {
    const status = STATUS.exec(line.text);
    if (status !== null) return this.#announce(line, parseHex(status[1]) ?? 0n);
    const fault = FAULT.exec(line.text);
    if (fault !== null) return this.#fault(line, fault);
    const interrupt = INTERRUPT.exec(line.text);
    if (interrupt !== null) return this.#interrupt(line, interrupt);
    return this.#rest(line.text);
  }

  /** The status comes first; a fault whose detail line never comes is all that the log has of it. */
  #announce(line: LogLine, status: bigint): FaultRecord {
    const pending = hasFlag(status, FSTS, 'PPF');
    const record = createRecord('intel-vtd', line, pending ? 'unknown' : 'unit', 'FSTS');
    record.fields = decodeBits(status, FSTS);
    record.meaning = record.fields.map((field) => field.meaning).join('; ');
    record.complete = !pending;
    this.#status = pending ? record : undefined;
    return record;
  }

  /** The record of a detail line: the one that its status announced, or a new one. */
  #begin(line: LogLine, kind: FaultKind, name: string): { record: FaultRecord; isNew: boolean } {
    const announced = this.#status;
    this.#status = undefined;
    if (announced === undefined) return { record: createRecord('intel-vtd', line, kind, name), isNew: true };
    announced.kind = kind;
    announced.name = name;
    announced.meaning = '';
    return { record: announced, isNew: false };
  }

  #fault(line: LogLine, match: RegExpExecArray): FaultRecord | boolean {
    const [, direction, , pasid, device, oldPasid, address, rest = ''] = match;
    const { record, isNew } = this.#begin(line, 'unknown', 'DMA fault');
    record.access = direction?.toLowerCase() === 'write' ? 'write' : 'read';
    record.pasid = parseHexNumber(pasid ?? oldPasid);
    record.device = device;
    record.stream = requesterId(device);
    record.iova = parseHex(address);
    record.fields.unshift(
      { name: 'T', value: direction?.toLowerCase() === 'write' ? '0x0' : '0x1', meaning: `a ${record.access}` },
      { name: 'SID', value: hex(record.stream ?? 0, 4), meaning: `requester ${device}` },
      { name: 'FI', value: hex(record.iova ?? 0n), meaning: 'address of the page' },
    );
    this.#finish(record, rest);
    return isNew ? record : true;
  }

  #interrupt(line: LogLine, match: RegExpExecArray): FaultRecord | boolean {
    const { record, isNew } = this.#begin(line, 'interrupt', 'interrupt remapping fault');
    record.device = match[1];
    record.stream = requesterId(match[1]);
    record.fields.unshift({ name: 'FI', value: hex(parseHex(match[2]) ?? 0n), meaning: 'index of the interrupt' });
    this.#finish(record, match[3] ?? '');
    return isNew ? record : true;
  }

  #finish(record: FaultRecord, rest: string): void {
    record.complete = false;
    const reason = REASON.exec(rest);
    if (reason !== null) applyReason(record, reason);
    this.#open = reason === null ? record : undefined;
    this.#last = record;
  }

  #rest(text: string): boolean {
    const reason = REASON.exec(text);
    if (reason !== null && this.#open !== undefined) {
      applyReason(this.#open, reason);
      this.#open = undefined;
      return true;
    }
    const suppressed = SUPPRESSED.exec(text);
    if (suppressed !== null) this.#last?.notes.push(`the kernel left out ${suppressed[1]} more messages`);
    const dumped = DUMPED.exec(text);
    if (dumped !== null) this.#last?.notes.push(`printed at the fault: ${dumped[1]}`);
    return suppressed !== null || dumped !== null || reason !== null;
  }
}
