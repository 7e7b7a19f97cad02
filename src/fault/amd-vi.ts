/**
 * Lines of the AMD-Vi driver: event log entries on one line, or over two in older kernels.
 * @module
 */
import { hex } from '../address.ts';
import { type BitField, decodeBits, hasFlag } from './bit-fields.ts';
import { parseHex } from './draft.ts';
import { type FaultKind, requesterId } from './incident.ts';
import type { LogLine } from './log-line.ts';
import { createRecord, type FaultReader, type FaultRecord, parseHexNumber } from './record.ts';

/** Flags of an event, bits 63:48 of its second half (AMD 48882, 2.5.3 "IO_PAGE_FAULT Event" and its neighbours). */
const FLAGS: readonly BitField[] = [
  { name: 'GN', at: 0, meaning: 'a guest address, with a PASID' },
  { name: 'NX', at: 1, meaning: 'a request to execute' },
  { name: 'US', at: 2, meaning: 'with user privilege' },
  { name: 'I', at: 3, meaning: 'an interrupt request' },
  { name: 'PR', at: 4, meaning: { 0: 'the page was not present', 1: 'the page was present' }, always: true },
  { name: 'RW', at: 5, meaning: { 0: 'a read', 1: 'a write' }, always: true },
  { name: 'PE', at: 6, meaning: 'the device had no permission for the access' },
  { name: 'RZ', at: 7, meaning: 'reserved bits are set in an entry, or its level is illegal' },
  { name: 'TR', at: 8, meaning: 'a translation request' },
  { name: 'TYPE', at: 9, bits: 3, meaning: {} },
];

/** Type of an INVALID_DEVICE_REQUEST event (48882, 2.5.9). */
const REQUEST_TYPES: Readonly<Record<string, string>> = {
  '0x0': 'a read or non-posted write in the range of interrupt addresses',
  '0x1': 'a translated request from a device that may not make them',
  '0x2': 'an access to port I/O space, which the device table entry forbids',
  '0x3': 'a posted write to an address range that is not valid',
  '0x4': 'a read or non-posted write to an address range that is not valid',
  '0x5': 'a posted write to the range of interrupts, which the device table entry forbids',
  '0x6': 'a posted write to a reserved range of interrupt addresses',
  '0x7': 'a posted write to the range of system management, which the device table entry forbids',
};

type EventWords = readonly [kind: FaultKind, meaning: string];

/** Events by name (AMD 48882, 2.5 "Event Logging"). */
const EVENTS: ReadonlyMap<string, EventWords> = new Map<string, EventWords>([
  ['ILLEGAL_DEV_TABLE_ENTRY', ['configuration', 'the device table entry is illegal']],
  ['IO_PAGE_FAULT', ['unknown', 'an address could not be translated']],
  ['DEV_TAB_HARDWARE_ERROR', ['external-abort', 'the device table could not be read']],
  ['PAGE_TAB_HARDWARE_ERROR', ['external-abort', 'a page table could not be read']],
  ['ILLEGAL_COMMAND_ERROR', ['unit', 'a command in the command buffer is illegal']],
  ['COMMAND_HARDWARE_ERROR', ['unit', 'the command buffer could not be read']],
  ['IOTLB_INV_TIMEOUT', ['conflict', 'a device did not answer an invalidation in time']],
  ['INVALID_DEVICE_REQUEST', ['request', 'the device made a request that it may not make']],
  ['INVALID_PPR_REQUEST', ['request', 'the device made a page request that it may not make']],
  ['EVENT_COUNTER_ZERO', ['unit', 'an event counter ran out']],
  ['RMP_HW_ERROR', ['external-abort', 'the reverse map table could not be read']],
  ['RMP_PAGE_FAULT', ['permission', 'the reverse map table forbids the access']],
]);

const START = /(?:^|\s)((?:\S+ )?(?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]: )?AMD-Vi: Event logged \[\s*(.*)$/i;
const BODY = /^([A-Z][A-Z_]+)\s+(.*?)\]?\s*$/;
const CONTINUED = /(?:AMD-Vi:)?\s*([A-Z][A-Z_]{5,})\s+((?:device|address|domain|pasid)=.*?)\]\s*$/;
const PAIR = /(\w+)=(0x[0-9a-f]+|[0-9a-f:.]+)/gi;
const SUPPRESSED = /(?:amd_iommu_report_page_fault|amd_iommu_int_thread|AMD-Vi).*?: (\d+) callbacks suppressed/;

/** PE and RZ name the cause; a page that was present without either can only have lacked the right. */
function pageFaultKind(flags: bigint): FaultKind {
  if (hasFlag(flags, FLAGS, 'I')) return 'interrupt';
  if (hasFlag(flags, FLAGS, 'RZ')) return 'reserved-bits';
  if (hasFlag(flags, FLAGS, 'PE')) return 'permission';
  return hasFlag(flags, FLAGS, 'PR') ? 'permission' : 'translation';
}

function applyFlags(record: FaultRecord, flags: bigint): void {
  const isRequest = record.name === 'INVALID_DEVICE_REQUEST';
  const bits = decodeBits(flags, FLAGS).map((field) =>
    field.name === 'TYPE' && isRequest ? { ...field, meaning: REQUEST_TYPES[field.value] ?? '' } : field,
  );
  record.fields.push({ name: 'flags', value: hex(flags, 4), meaning: '' }, ...bits);
  if (record.name !== 'IO_PAGE_FAULT') return;
  record.kind = pageFaultKind(flags);
  record.access = hasFlag(flags, FLAGS, 'NX') ? 'execute' : hasFlag(flags, FLAGS, 'RW') ? 'write' : 'read';
}

function applyPairs(record: FaultRecord, text: string): void {
  for (const [, name = '', value = ''] of text.matchAll(PAIR)) {
    if (name === 'flags') applyFlags(record, parseHex(value) ?? 0n);
    else if (name === 'device') {
      record.device = value;
      record.stream = requesterId(value);
    } else {
      const number = parseHex(value);
      if (name === 'address' || name === 'gpa') record.iova = number;
      if (name === 'pasid') record.pasid = parseHexNumber(value);
      record.fields.push({ name, value: hex(number ?? 0n), meaning: name === 'domain' ? 'domain id' : '' });
    }
  }
}

/** A record as QEMU's model is known to write: nothing of the access is in it. */
function noteEmpty(record: FaultRecord): void {
  const domain = record.fields.find((field) => field.name === 'domain')?.value;
  if (record.name !== 'IO_PAGE_FAULT' || record.iova !== 0n || domain !== '0x0') return;
  record.notes.push(
    'the event carries domain 0 and address 0, as those of an emulated IOMMU do: it does not tell the access',
  );
  record.iova = undefined;
  record.access = undefined;
  record.kind = 'unknown';
}

/** Reads AMD-Vi lines. */
export class AmdLines implements FaultReader {
  #open: { readonly line: LogLine; readonly device: string | undefined } | undefined;
  #last: FaultRecord | undefined;

  take(line: LogLine): FaultRecord | boolean {
    const start = START.exec(line.text);
    if (start !== null) return this.#start(line, start[1], start[2] ?? '');
    if (this.#open !== undefined) {
      const body = CONTINUED.exec(line.text);
      if (body !== null) return this.#record(this.#open.line, this.#open.device, body[1] ?? '', body[2] ?? '');
    }
    const suppressed = SUPPRESSED.exec(line.text);
    if (suppressed !== null) this.#last?.notes.push(`the kernel left out ${suppressed[1]} more messages`);
    return suppressed !== null;
  }

  #start(line: LogLine, prefix: string | undefined, rest: string): FaultRecord | boolean {
    const device = prefix?.trim().replace(/:$/, '').split(' ').at(-1);
    const body = BODY.exec(rest);
    if (body !== null) return this.#record(line, device, body[1] ?? '', body[2] ?? '');
    this.#open = { line, device };
    return true;
  }

  #record(line: LogLine, device: string | undefined, name: string, text: string): FaultRecord {
    const [kind, meaning] = EVENTS.get(name) ?? ['unknown', 'an event that is not known here'];
    const record = createRecord('amd-vi', line, kind, name);
    record.meaning = meaning;
    record.device = device;
    record.stream = requesterId(device);
    applyPairs(record, text);
    noteEmpty(record);
    this.#open = undefined;
    this.#last = record;
    return record;
  }
}
