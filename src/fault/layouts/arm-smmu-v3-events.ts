/**
 * Event records of SMMUv3 out of raw words, or out of the words that newer kernels print.
 * @module
 */
import { hex } from '../../address.ts';
import { decodeEvent, EVENT_CLASS, EVENT_TYPES, type EventRecord, eventType } from '../../hardware/smmu-v3/events.ts';
import type { CauseName } from '../cause-names.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultAccess, FaultField, FaultKind } from '../incident.ts';

const WORDS = 4;

/** Kinds by name; all other events are faults of the configuration. */
const KINDS: ReadonlyMap<string, FaultKind> = new Map<string, FaultKind>([
  ['F_UUT', 'request'],
  ['F_BAD_ATS_TREQ', 'request'],
  ['F_TRANSL_FORBIDDEN', 'request'],
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
  ['E_PAGE_REQUEST', 'software'],
  ['IMPDEF', 'unknown'],
  ['reserved', 'unknown'],
  ['UNKNOWN', 'unknown'],
]);

/** What follows from an event beyond its name (IHI 0070, 7.3 and 3.9 "Address Translation Service"). */
const MEANINGS: Readonly<Record<string, string>> = {
  F_BAD_ATS_TREQ:
    'a translation request (ATS) of a stream whose table entry has ATS disabled (EATS) or bypasses translation; ordinary accesses may work',
  F_TRANSL_FORBIDDEN:
    'an access with an address that the device had translated already (ATS), which its stream table entry does not allow (EATS)',
};

/** What a value of a field stands for (IHI 0070, 7.3). */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  RnW: ['a write', 'a read'],
  InD: ['data', 'instruction'],
  PnU: ['unprivileged', 'privileged'],
  S2: ['stage 1', 'stage 2'],
  SSV: ['no substream', 'with a substream'],
  Stall: ['aborted', 'stalled, waits for a resume'],
  CLASS: EVENT_CLASS,
};

function toField(name: string, value: bigint): FaultField {
  return { name, value: hex(value), meaning: VALUES[name]?.[Number(value)] ?? '' };
}

function kindOf(name: string): FaultKind {
  return KINDS.get(name) ?? 'configuration';
}

function meaningOf(name: string): string {
  return MEANINGS[name] ?? EVENT_TYPES.find((type) => type.name === name)?.meaning ?? 'an event without a name';
}

/** CLASS 0 and 1: the SMMU's own access to a descriptor or a table was refused by stage 2, not the device's. */
function ownAccess(name: string, classValue: number): string[] {
  if (name !== 'F_PERMISSION' || classValue === 2) return [];
  return ["stage 2 refused the SMMU's own access to its tables, not the access of the device"];
}

function causeOf(name: string, access: FaultAccess | undefined): CauseName | undefined {
  return name === 'F_PERMISSION' && access === 'execute' ? 'no-execute' : undefined;
}

/** What an event record says. Used for log lines and for records read from an event queue. */
export function decodeEventRecord(event: EventRecord): Decoded {
  const { fields, name, code } = event;
  const rnw = fields['RnW'];
  const access = rnw === undefined ? undefined : rnw === 0n ? 'write' : fields['InD'] === 1n ? 'execute' : 'read';
  const s2 = fields['S2'];
  const hasSubstream = fields['SSV'] === 1n || name === 'C_BAD_SUBSTREAMID';
  return {
    kind: kindOf(name),
    name,
    meaning: MEANINGS[name] ?? eventType(code).meaning,
    stream: Number(fields['StreamID'] ?? 0n),
    pasid: hasSubstream ? Number(fields['SubstreamID'] ?? 0n) : undefined,
    iova: fields['InputAddr'],
    access,
    stage: s2 === undefined ? undefined : s2 === 1n ? 2 : 1,
    fields: [
      { name: 'EventType', value: hex(code), meaning: name },
      ...Object.entries(fields).map(([field, value]) => toField(field, value)),
    ],
    notes: ownAccess(name, Number(fields['CLASS'] ?? 2n)),
    cause: causeOf(name, access),
  };
}

function toWords(raw: readonly bigint[]): Uint32Array {
  const words = new Uint32Array(2 * WORDS);
  for (const [i, word] of raw.entries()) {
    words[2 * i] = Number(word & 0xffffffffn);
    words[2 * i + 1] = Number(word >> 32n);
  }
  return words;
}

/** The device that the kernel bound to the stream; several behind one stream show the first. */
function clientOf(draft: Draft): string | undefined {
  const client = draft.text('client');
  return client === undefined || client.startsWith('(') ? undefined : client;
}

function accessOf(draft: Draft): FaultAccess | undefined {
  const direction = draft.text('direction');
  if (direction === undefined) return undefined;
  return direction === 'write' ? 'write' : draft.text('what') === 'inst' ? 'execute' : 'read';
}

function printedFields(draft: Draft): FaultField[] {
  const addresses = ['sid', 'ssid', 'iova', 'ipa', 'fetch'].flatMap((name) => {
    const value = draft.hex(name);
    return value === undefined ? [] : [{ name, value: hex(value), meaning: '' }];
  });
  if (draft.text('direction') === undefined) return addresses;
  const type = draft.text('class') ?? '';
  return [
    ...addresses,
    toField('PnU', draft.text('privilege') === 'priv' ? 1n : 0n),
    toField('InD', draft.text('what') === 'inst' ? 1n : 0n),
    toField('RnW', draft.text('direction') === 'read' ? 1n : 0n),
    toField('S2', draft.text('stage') === 's2' ? 1n : 0n),
    { name: 'CLASS', value: type, meaning: '' },
    ...(draft.text('stall') === undefined ? [] : [toField('Stall', 1n)]),
  ];
}

/** From the line in words alone: the raw words are missing. */
function decodePrinted(draft: Draft): Decoded {
  const code = draft.hexNumber('code');
  const name = draft.text('name') ?? (code === undefined ? 'event' : eventType(code & 0xff).name);
  const ssid = draft.hexNumber('ssid');
  const stage = draft.text('stage');
  const access = accessOf(draft);
  return {
    kind: name === 'event' ? 'unknown' : kindOf(name),
    name,
    meaning: name === 'event' ? 'the line that names the event is missing' : meaningOf(name),
    stream: draft.hexNumber('sid'),
    pasid: ssid === 0 ? undefined : ssid,
    iova: draft.hex('iova'),
    access,
    stage: stage === undefined ? undefined : stage === 's2' ? 2 : 1,
    fields: printedFields(draft),
    notes: stage === undefined || draft.text('class') === 'Input address caused fault' ? [] : ownAccess(name, 1),
    cause: causeOf(name, access),
    complete: draft.has('decoded'),
  };
}

/** Decodes the lines of one event. */
export function decodeEventLines(draft: Draft): Decoded {
  const words = draft.hexes('word');
  const decoded = words.length < WORDS ? decodePrinted(draft) : decodeEventRecord(decodeEvent(toWords(words)));
  return { ...decoded, device: clientOf(draft) };
}
