/**
 * The events of configuration and walk faults (Arm IHI 0070, 7.3).
 * @module
 */
import type { DeviceContext } from '../iommu.ts';
import type { Access, Fault, Leaf, Reason } from '../walk/types.ts';
import { type EventRecord, eventType } from './events.ts';

/** What an access became, and the event that was recorded. */
export interface SmmuV3Answer {
  readonly result: Leaf | Fault;
  readonly event?: EventRecord;
}

// IHI 0070 7.3: event codes of configuration and walk faults
const CODES: Readonly<Partial<Record<Reason, number>>> = {
  'stream-out-of-range': 0x02,
  'stream-outside-memory': 0x03,
  'stream-invalid': 0x04,
  'substream-out-of-range': 0x08,
  'context-outside-memory': 0x09,
  'context-invalid': 0x0a,
};
const F_STREAM_DISABLED = 0x06;
const CLASS_CODES: Readonly<Record<string, number>> = {
  'external-abort': 0x0b,
  translation: 0x10,
  'address-size': 0x11,
  'access-flag': 0x12,
  permission: 0x13,
};
/** CLASS of an event: a table walk's entry, or the input itself. */
const CLASS_TABLE = 1n;
const CLASS_INPUT = 2n;

/** What becomes of the faults of a stage: CD.S and CD.R, STE.S2S and STE.S2R. */
export interface FaultRules {
  readonly stall: boolean;
  readonly record: boolean;
}

/** A stream's context, and what becomes of its faults at each stage. */
export type Context = DeviceContext & {
  readonly faults?: Readonly<Partial<Record<1 | 2, FaultRules>>>;
  readonly disabled?: boolean;
};

/**
 * A fault under its event's name, and the event, unless the context does not record.
 * @param context the stream's, with what becomes of its faults
 */
export function faultAnswer(context: Context, fault: Fault, access: Access): SmmuV3Answer {
  const own = context.disabled === true ? F_STREAM_DISABLED : CODES[fault.reason];
  const code = own ?? (fault.reason === 'bad-geometry' ? CODES['context-invalid'] : CLASS_CODES[fault.class]) ?? 0x0a;
  const event = eventOf(code, context, fault, access);
  const result = { ...fault, syndrome: event.name };
  const silent = context.faults?.[fault.stage === 2 ? 2 : 1]?.record === false && code >= 0x10;
  return silent ? { result } : { result, event };
}

function eventOf(code: number, context: Context, fault: Fault, access: Access): EventRecord {
  const type = eventType(code);
  const bit = (on: boolean) => (on ? 1n : 0n);
  const all: Readonly<Record<string, bigint>> = {
    StreamID: BigInt(context.stream),
    SSV: bit(context.substream !== undefined),
    SubstreamID: BigInt(context.substream ?? 0),
    PnU: bit(access.privileged === true),
    InD: bit(access.kind === 'execute'),
    RnW: bit(access.kind !== 'write'),
    Stall: bit(context.faults?.[fault.stage === 2 ? 2 : 1]?.stall === true && code >= 0x10),
    S2: bit(fault.stage === 2),
    CLASS: fault.during === 'table' || code === 0x0b ? CLASS_TABLE : CLASS_INPUT,
    InputAddr: fault.iova,
    IPA: fault.stage === 2 ? ((fault.ipa ?? fault.iova) >> 12n) << 12n : 0n,
    FetchAddr: BigInt(fault.entryAddress ?? context.entryAddress),
  };
  const fields: Record<string, bigint> = {};
  for (const field of type.fields) fields[field.name] = all[field.name] ?? 0n;
  return { code, name: type.name, fields };
}
