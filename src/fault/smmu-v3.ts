/**
 * Lines of the arm-smmu-v3 driver: event records as raw words over several lines, the decoded lines of newer kernels, and
 * global errors.
 * @module
 */
import { hex } from '../address.ts';
import { decodeEvent, EVENT_CLASS, EVENT_TYPES, type EventRecord, eventType } from '../hardware/smmu-v3/events.ts';
import { type BitField, decodeBits } from './bit-fields.ts';
import { parseHex } from './draft.ts';
import type { FaultField, FaultKind } from './incident.ts';
import type { LogLine } from './log-line.ts';
import { createRecord, type FaultReader, type FaultRecord, parseHexNumber } from './record.ts';

const WORDS = 4;

const KINDS: ReadonlyMap<string, FaultKind> = new Map<string, FaultKind>([
  ['F_UUT', 'request'],
  ['F_WALK_EABT', 'external-abort'],
  ['F_STE_FETCH', 'external-abort'],
  ['F_CD_FETCH', 'external-abort'],
  ['F_VMS_FETCH', 'external-abort'],
  ['F_TRANSLATION', 'translation'],
  ['F_ADDR_SIZE', 'address-size'],
  ['F_ACCESS', 'access-flag'],
  ['F_PERMISSION', 'permission'],
  ['F_TLB_CONFLICT', 'conflict'],
  ['F_CFG_CONFLICT', 'conflict'],
  ['E_PAGE_REQUEST', 'request'],
]);

/** SMMU_GERROR (Arm IHI 0070, 6.3.17). */
const GERROR: readonly BitField[] = [
  { name: 'CMDQ_ERR', at: 0, meaning: 'a command was refused or could not be read' },
  { name: 'EVTQ_ABT_ERR', at: 2, meaning: 'a write to the event queue failed: events may be lost' },
  { name: 'PRIQ_ABT_ERR', at: 3, meaning: 'a write to the page request queue failed' },
  { name: 'MSI_CMDQ_ABT_ERR', at: 4, meaning: 'an interrupt message of the command queue failed' },
  { name: 'MSI_EVTQ_ABT_ERR', at: 5, meaning: 'an interrupt message of the event queue failed' },
  { name: 'MSI_PRIQ_ABT_ERR', at: 6, meaning: 'an interrupt message of the page request queue failed' },
  { name: 'MSI_GERROR_ABT_ERR', at: 7, meaning: 'an interrupt message of the global errors failed' },
  { name: 'SFM_ERR', at: 8, meaning: 'the SMMU has entered service failure mode' },
];

/** What a value of a field stands for (IHI 0070, 7.3). */
const MEANINGS: Readonly<Record<string, readonly string[]>> = {
  RnW: ['a write', 'a read'],
  InD: ['data', 'instruction'],
  PnU: ['unprivileged', 'privileged'],
  S2: ['stage 1', 'stage 2'],
  SSV: ['no substream', 'with a substream'],
  Stall: ['aborted', 'stalled, waits for a resume'],
  CLASS: EVENT_CLASS,
};

const RECEIVED = /arm-smmu-v3 (\S+): event (0x[0-9a-f]+) received:/i;
const RAW = /arm-smmu-v3 (\S+):\s+(0x[0-9a-f]{16})\s*$/i;
const DECODED = /arm-smmu-v3 (\S+): event: (\S+) client: (.+?) sid: (0x[0-9a-f]+|0) ssid: (0x[0-9a-f]+|0)(.*)$/i;
const ATTRIBUTES =
  /arm-smmu-v3 (\S+): (unpriv|priv) (data|inst) (read|write) (s1|s2) "([^"]*)"( ttd_read| ttd_write)?( stall)? stag: (0x[0-9a-f]+|0)/i;
const GLOBAL = /arm-smmu-v3 (\S+): unexpected global error reported \((0x[0-9a-f]+)\)/i;
const OTHER =
  /arm-smmu-v3 (\S+): (EVTQ overflow detected -- events lost|CMD_SYNC timeout.*|CMDQ error .*|.*service failure mode.*)$/i;

function toField(name: string, value: bigint): FaultField {
  return { name, value: hex(value), meaning: MEANINGS[name]?.[Number(value)] ?? '' };
}

/** What an event record says, into a fault record. Used for log lines and for records read from an event queue. */
export function applyEvent(record: FaultRecord, event: EventRecord): void {
  const { fields } = event;
  const type = eventType(event.code);
  record.name = event.name;
  record.meaning = type.meaning;
  record.kind = KINDS.get(event.name) ?? 'configuration';
  record.fields = [
    { name: 'EventType', value: hex(event.code), meaning: event.name },
    ...Object.entries(fields).map(([name, value]) => toField(name, value)),
  ];
  record.stream = Number(fields['StreamID'] ?? 0n);
  record.pasid = fields['SSV'] === 1n ? Number(fields['SubstreamID'] ?? 0n) : undefined;
  record.iova = fields['InputAddr'];
  if (fields['RnW'] !== undefined) {
    record.access = fields['RnW'] === 0n ? 'write' : fields['InD'] === 1n ? 'execute' : 'read';
  }
  if (fields['S2'] !== undefined) record.stage = fields['S2'] === 1n ? 2 : 1;
}

interface Pending {
  readonly record: FaultRecord;
  readonly words: bigint[];
  /** Number of its last line. */
  last: number;
}

function toWords(raw: readonly bigint[]): Uint32Array {
  const words = new Uint32Array(2 * WORDS);
  for (const [i, word] of raw.entries()) {
    words[2 * i] = Number(word & 0xffffffffn);
    words[2 * i + 1] = Number(word >> 32n);
  }
  return words;
}

/** Reads arm-smmu-v3. Lines of other units and drivers may stand between those of one record. */
export class SmmuV3Lines implements FaultReader {
  readonly #pending = new Map<string, Pending>();

  take(line: LogLine): FaultRecord | boolean {
    const received = RECEIVED.exec(line.text);
    if (received !== null) return this.#start(line, received);
    const raw = RAW.exec(line.text);
    if (raw !== null) return this.#word(line, raw[1] ?? '', parseHex(raw[2]) ?? 0n);
    const decoded = DECODED.exec(line.text);
    if (decoded !== null) return this.#decoded(line, decoded);
    const attributes = ATTRIBUTES.exec(line.text);
    if (attributes !== null) return this.#attributes(attributes);
    return this.#global(line);
  }

  #start(line: LogLine, match: RegExpExecArray): FaultRecord {
    const unit = match[1] ?? '';
    const code = parseHexNumber(match[2]) ?? 0;
    const type = eventType(code & 0xff);
    const record = createRecord('arm-smmu-v3', line, KINDS.get(type.name) ?? 'configuration', type.name);
    record.unit = unit;
    record.meaning = type.meaning;
    record.complete = false;
    this.#pending.set(unit, { record, words: [], last: line.number });
    return record;
  }

  #word(line: LogLine, unit: string, word: bigint): boolean {
    const pending = this.#pending.get(unit);
    if (pending === undefined || pending.words.length >= WORDS) return true;
    pending.words.push(word);
    pending.last = line.number;
    if (pending.words.length < WORDS) return true;
    applyEvent(pending.record, decodeEvent(toWords(pending.words)));
    pending.record.complete = true;
    return true;
  }

  /** Newer kernels print the record in words after the raw one, or alone. */
  #decoded(line: LogLine, match: RegExpExecArray): FaultRecord | boolean {
    const [, unit = '', name = '', client = '', sid, ssid, rest = ''] = match;
    const pending = this.#pending.get(unit);
    const known = pending?.record.complete === true && pending.record.name === name;
    const record = known
      ? pending.record
      : this.#fromWords(line, unit, name, parseHexNumber(sid), parseHex(ssid), rest);
    if (!client.startsWith('(')) record.device = client;
    if (!known) this.#pending.set(unit, { record, words: new Array<bigint>(WORDS).fill(0n), last: line.number });
    return known ? true : record;
  }

  #fromWords(
    line: LogLine,
    unit: string,
    name: string,
    sid: number | undefined,
    ssid: bigint | undefined,
    rest: string,
  ): FaultRecord {
    const record = createRecord('arm-smmu-v3', line, KINDS.get(name) ?? 'configuration', name);
    record.unit = unit;
    record.stream = sid;
    if (ssid !== undefined && ssid !== 0n) record.pasid = Number(ssid);
    record.meaning = EVENT_TYPES.find((type) => type.name === name)?.meaning ?? '';
    for (const [, key = '', value] of rest.matchAll(/(\w+): (0x[0-9a-f]+|0)/gi)) {
      const number = parseHex(value) ?? 0n;
      if (key === 'iova') record.iova = number;
      record.fields.push({ name: key, value: hex(number), meaning: '' });
    }
    return record;
  }

  #attributes(match: RegExpExecArray): boolean {
    const [, unit = '', privilege, kind, direction, stage, type = ''] = match;
    const record = this.#pending.get(unit)?.record;
    if (record === undefined || record.access !== undefined) return true;
    record.access = direction === 'write' ? 'write' : kind === 'inst' ? 'execute' : 'read';
    record.stage = stage === 's2' ? 2 : 1;
    record.fields.push(
      toField('PnU', privilege === 'priv' ? 1n : 0n),
      toField('InD', kind === 'inst' ? 1n : 0n),
      toField('RnW', direction === 'read' ? 1n : 0n),
      toField('S2', stage === 's2' ? 1n : 0n),
      { name: 'CLASS', value: type, meaning: type },
    );
    return true;
  }

  #global(line: LogLine): FaultRecord | boolean {
    const match = GLOBAL.exec(line.text) ?? OTHER.exec(line.text);
    if (match === null) return false;
    const record = createRecord('arm-smmu-v3', line, 'unit', 'GERROR');
    record.unit = match[1];
    const value = parseHex(match[2]);
    if (value === undefined) record.meaning = match[2] ?? '';
    else {
      record.fields = decodeBits(value, GERROR);
      record.meaning = record.fields.map((field) => field.meaning).join('; ');
    }
    return record;
  }
}
