/**
 * Event records of SMMUv3 out of raw words, or out of the words that newer kernels print.
 * @module
 */
import { hex } from '../../address.ts';
import { decodeEvent, EVENT_CLASS, EVENT_TYPES, type EventRecord, eventType } from '../../hardware/smmu-v3/events.ts';
import { inRecord } from '../bit-fields.ts';
import type { CauseName } from '../cause-names.ts';
import { type Draft, parseHex } from '../draft.ts';
import type { Decoded, FaultAccess, FaultField, FaultKind } from '../incident.ts';
import type { Values } from '../template.ts';

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

/** Events whose CLASS says what was accessed (IHI 0070, 7.3.13 to 7.3.16). */
const CLASSED = ['F_TRANSLATION', 'F_ADDR_SIZE', 'F_ACCESS', 'F_PERMISSION'];

/** What the SMMU read for itself by CLASS: 0 a context descriptor, 1 a table of stage 1. */
const OWN_ACCESS = ['a context descriptor', 'a table of stage 1'];

interface Judged {
  readonly meaning: string;
  readonly cause?: CauseName;
  readonly candidates?: readonly CauseName[];
}

/** Stage 2 may stop the SMMU's own access (CLASS 0 and 1): then nothing is known of a mapping of the device's address. */
function judge(name: string, meaning: string, own: string | undefined, access: FaultAccess | undefined): Judged {
  if (own !== undefined && CLASSED.includes(name)) {
    const words = `stage 2 stopped the SMMU's own access to ${own} (${meaning})`;
    return { meaning: words, cause: 'tables-refused', candidates: ['table-corrupted'] };
  }
  return name === 'F_PERMISSION' && access === 'execute' ? { meaning, cause: 'no-execute' } : { meaning };
}

/** CLASS as the driver words it. */
function ownAccessOf(words: string | undefined): string | undefined {
  if (words === undefined || !/fetch|\bTTD?\b|\bCD\b/i.test(words)) return undefined;
  return /\bCD\b/i.test(words) ? OWN_ACCESS[0] : OWN_ACCESS[1];
}

/**
 * Emulated SMMUs left CLASS and IPA zero for a refused address at stage 2 (QEMU to 9.0, which then gave CLASS 2 and the IPA):
 * that record reads as a context descriptor at IPA 0.
 */
function leavesClassOut({ fields }: EventRecord): boolean {
  return fields['S2'] === 1n && fields['CLASS'] === 0n && fields['IPA'] === 0n;
}

const CLASS_LEFT_OUT =
  'CLASS and IPA are 0: emulated SMMUs (QEMU to 9.0) did not fill them in, and the address itself was refused at stage 2; else stage 2 refused a context descriptor at IPA 0';

function judgeRecord(event: EventRecord, access: FaultAccess | undefined): Judged & { readonly notes?: string[] } {
  const { fields, name, code } = event;
  const meaning = MEANINGS[name] ?? eventType(code).meaning;
  if (CLASSED.includes(name) && leavesClassOut(event)) {
    return { ...judge(name, meaning, undefined, access), notes: [CLASS_LEFT_OUT] };
  }
  const own = fields['S2'] === 1n ? OWN_ACCESS[Number(fields['CLASS'] ?? 2n)] : undefined;
  return judge(name, meaning, own, access);
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
    stream: Number(fields['StreamID'] ?? 0n),
    pasid: hasSubstream ? Number(fields['SubstreamID'] ?? 0n) : undefined,
    iova: fields['InputAddr'],
    access,
    stage: s2 === undefined ? undefined : s2 === 1n ? 2 : 1,
    fields: [
      { name: 'EventType', value: hex(code), meaning: name, place: { at: 0, bits: 8, inRecord: true } },
      ...Object.entries(fields).map(([field, value]) => inRecord(toField(field, value), eventType(code).fields)),
    ],
    ...judgeRecord(event, access),
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
    stream: draft.hexNumber('sid'),
    pasid: ssid === 0 ? undefined : ssid,
    iova: draft.hex('iova'),
    access,
    stage: stage === undefined ? undefined : stage === 's2' ? 2 : 1,
    fields: printedFields(draft),
    ...judge(
      name,
      name === 'event' ? 'the line that names the event is missing' : meaningOf(name),
      stage === 's2' ? ownAccessOf(draft.text('class')) : undefined,
      access,
    ),
    complete: draft.has('decoded'),
  };
}

/** Fields of the record by the names that the lines in words give them. */
const PRINTED: Readonly<Record<string, string>> = {
  sid: 'StreamID',
  iova: 'InputAddr',
  fetch: 'FetchAddr',
  stag: 'STAG',
};

function isNamed(code: bigint | undefined, name: string | undefined): boolean {
  const known = EVENT_TYPES.find((type) => type.name === name);
  return code === undefined || known === undefined || BigInt(known.code) === (code & 0xffn);
}

/**
 * True unless a line in words is about another event than the raw words: lines between the two may be missing, and what
 * follows then is another record.
 */
export function agreesWithRecord(draft: Draft, values: Values): boolean {
  if (!isNamed(draft.hex('code'), values.get('name'))) return false;
  const words = draft.hexes('word');
  if (words.length < WORDS) return true;
  const { fields } = decodeEvent(toWords(words));
  const differs = Object.entries(PRINTED).some(([name, field]) => {
    const printed = parseHex(values.get(name));
    return printed !== undefined && fields[field] !== undefined && printed !== fields[field];
  });
  const direction = values.get('direction');
  const isRead = fields['RnW'] === 1n;
  return !differs && (direction === undefined || fields['RnW'] === undefined || isRead === (direction === 'read'));
}

const OTHER_RECORD =
  'the raw words are not of the event that the first line names (bits 7:0 differ): they are damaged, or of another record, and were not decoded';

/** Decodes the lines of one event. */
export function decodeEventLines(draft: Draft): Decoded {
  const words = draft.hexes('word');
  const code = draft.hex('code');
  const device = clientOf(draft);
  if (words.length < WORDS) return { ...decodePrinted(draft), device };
  if (code !== undefined && (code & 0xffn) !== ((words[0] ?? 0n) & 0xffn)) {
    return { ...decodePrinted(draft), device, notes: [OTHER_RECORD] };
  }
  return { ...decodeEventRecord(decodeEvent(toWords(words))), device };
}
