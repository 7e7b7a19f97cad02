/**
 * Event records of the SMMUv3 event queue, bit for bit both ways (Arm IHI 0070, 7.3).
 * @module
 */
import { type Field, fieldValue, putBits } from '../bits.ts';

/** Bytes of an event record. */
export const EVENT_BYTES = 32;
const TYPE_BITS = 8;

/** One kind of event. */
export interface EventType {
  readonly code: number;
  readonly name: string;
  /** What it means, in words. */
  readonly meaning: string;
  readonly fields: readonly Field[];
}

/** An event record: its type and its fields by name. Addresses are full addresses. */
export interface EventRecord {
  readonly code: number;
  readonly name: string;
  readonly fields: Readonly<Record<string, bigint>>;
}

// IHI 0070 7.3.1: fields that several records share, bit positions within 256 bits
const STREAM: Field = { name: 'StreamID', at: 32, bits: 32 };
const SUBSTREAM: readonly Field[] = [
  STREAM,
  { name: 'SSV', at: 11, bits: 1 },
  { name: 'SubstreamID', at: 12, bits: 20 },
];
const ACCESS: readonly Field[] = [
  { name: 'PnU', at: 97, bits: 1 },
  { name: 'InD', at: 98, bits: 1 },
  { name: 'RnW', at: 99, bits: 1 },
];
const REASON: Field = { name: 'Reason', at: 64, bits: 16 };
const STALL: readonly Field[] = [
  { name: 'STAG', at: 64, bits: 16 },
  { name: 'Stall', at: 95, bits: 1 },
];
const STAGE: readonly Field[] = [
  { name: 'NSIPA', at: 102, bits: 1 },
  { name: 'S2', at: 103, bits: 1 },
  { name: 'CLASS', at: 104, bits: 2 },
];
const INPUT: Field = { name: 'InputAddr', at: 128, bits: 64 };
const IPA: Field = { name: 'IPA', at: 204, bits: 40, shift: 12 };
const FETCH: Field = { name: 'FetchAddr', at: 195, bits: 49, shift: 3 };
const WALK: readonly Field[] = [...SUBSTREAM, ...STALL, ...ACCESS, ...STAGE, INPUT, IPA];

/** Every event type of SMMUv3.0 to 3.3, by code. */
export const EVENT_TYPES: readonly EventType[] = [
  {
    code: 0x01,
    name: 'F_UUT',
    meaning: 'unsupported upstream transaction',
    fields: [...SUBSTREAM, REASON, ...ACCESS, INPUT],
  },
  { code: 0x02, name: 'C_BAD_STREAMID', meaning: 'stream id outside the stream table', fields: SUBSTREAM },
  {
    code: 0x03,
    name: 'F_STE_FETCH',
    meaning: 'reading a stream table entry failed',
    fields: [...SUBSTREAM, REASON, FETCH],
  },
  { code: 0x04, name: 'C_BAD_STE', meaning: 'stream table entry invalid or illegal', fields: SUBSTREAM },
  {
    code: 0x05,
    name: 'F_BAD_ATS_TREQ',
    meaning: 'address translation request from a stream that may not make it',
    fields: [...SUBSTREAM, INPUT],
  },
  {
    code: 0x06,
    name: 'F_STREAM_DISABLED',
    meaning: 'access without substream where none is allowed',
    fields: SUBSTREAM,
  },
  {
    code: 0x07,
    name: 'F_TRANSL_FORBIDDEN',
    meaning: 'translated access from a stream that may not make it',
    fields: [...SUBSTREAM, ...ACCESS, INPUT],
  },
  { code: 0x08, name: 'C_BAD_SUBSTREAMID', meaning: 'substream id outside the context table', fields: SUBSTREAM },
  {
    code: 0x09,
    name: 'F_CD_FETCH',
    meaning: 'reading a context descriptor failed',
    fields: [...SUBSTREAM, REASON, FETCH],
  },
  { code: 0x0a, name: 'C_BAD_CD', meaning: 'context descriptor invalid or illegal', fields: SUBSTREAM },
  {
    code: 0x0b,
    name: 'F_WALK_EABT',
    meaning: 'external abort on a table walk',
    fields: [...SUBSTREAM, REASON, ...ACCESS, ...STAGE, INPUT, FETCH],
  },
  { code: 0x10, name: 'F_TRANSLATION', meaning: 'no valid entry for the address', fields: WALK },
  { code: 0x11, name: 'F_ADDR_SIZE', meaning: 'output address larger than the configured size', fields: WALK },
  { code: 0x12, name: 'F_ACCESS', meaning: 'access flag clear in the leaf', fields: WALK },
  {
    code: 0x13,
    name: 'F_PERMISSION',
    meaning: 'access not permitted by the leaf or the tables above it',
    fields: WALK,
  },
  {
    code: 0x20,
    name: 'F_TLB_CONFLICT',
    meaning: 'two TLB entries match',
    fields: [...SUBSTREAM, REASON, ...ACCESS, ...STAGE, INPUT, IPA],
  },
  {
    code: 0x21,
    name: 'F_CFG_CONFLICT',
    meaning: 'two configuration cache entries match',
    fields: [...SUBSTREAM, REASON],
  },
  {
    code: 0x24,
    name: 'E_PAGE_REQUEST',
    meaning: 'hint that a page will be needed',
    fields: [...SUBSTREAM, { name: 'Span', at: 64, bits: 8 }, INPUT],
  },
  {
    code: 0x25,
    name: 'F_VMS_FETCH',
    meaning: 'reading the virtual machine structure failed',
    fields: [...SUBSTREAM, REASON, FETCH],
  },
];

const BY_CODE = new Map(EVENT_TYPES.map((type) => [type.code, type]));

/** CLASS of an event: what was being accessed (7.3.12). */
export const EVENT_CLASS: readonly string[] = ['context descriptor', 'translation table', 'input address', 'reserved'];

/** The type of a code; codes 0xE0 and up are the implementation's own. */
export function eventType(code: number): EventType {
  const known = BY_CODE.get(code);
  if (known !== undefined) return known;
  const own = code >= 0xe0;
  return {
    code,
    name: own ? 'IMPDEF' : 'reserved',
    meaning: own ? 'defined by the implementation' : 'not defined by SMMUv3.3',
    fields: SUBSTREAM,
  };
}

/** Decodes the eight words of a record. */
export function decodeEvent(words: Uint32Array): EventRecord {
  const type = eventType((words[0] ?? 0) & (2 ** TYPE_BITS - 1));
  const fields: Record<string, bigint> = {};
  for (const field of type.fields) fields[field.name] = fieldValue(words, field);
  return { code: type.code, name: type.name, fields };
}

/** Encodes a record; fields that its type does not have are left out. */
export function encodeEvent(event: EventRecord): Uint32Array {
  const words = new Uint32Array(EVENT_BYTES / 4);
  putBits(words, 0, TYPE_BITS, BigInt(event.code));
  for (const field of eventType(event.code).fields) {
    putBits(words, field.at, field.bits, (event.fields[field.name] ?? 0n) >> BigInt(field.shift ?? 0));
  }
  return words;
}
