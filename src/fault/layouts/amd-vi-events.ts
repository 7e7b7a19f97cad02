/**
 * Events of an AMD IOMMU: each with only the flags that it defines. Flag n is bit 48 + n of the event; all others are reserved
 * in that event and are not decoded.
 * @module
 */
import { hex } from '../../address.ts';
import { type BitField, decodeBits, hasFlag } from '../bit-fields.ts';
import type { CauseName } from '../cause-names.ts';
import { type Draft, parseHex } from '../draft.ts';
import {
  type Decoded,
  type FaultAccess,
  type FaultField,
  type FaultKind,
  functionOf,
  requesterId,
} from '../incident.ts';
import { controlFields, deviceTableFields, deviceTableNotes } from './amd-vi-device-table.ts';
import {
  ALIASES,
  type AmdEvent,
  BY_CODE,
  EVENTS,
  GN,
  I,
  NO_BODY,
  NX,
  PAGE_FAULT,
  REQUEST_TYPE,
  RW,
  RZ,
  TR,
  UNKNOWN,
} from './amd-vi-event-table.ts';

/** Bits of the flags by number. */
const PR = 1n << 4n;
const PE = 1n << 6n;

/**
 * The flags of an IO_PAGE_FAULT that are defined: RW only for a memory request to a present page that does not itself ask for a
 * translation; PE and RZ only where PR is set (48882, 2.5.3).
 */
function pageFaultFlags(flags: bigint): BitField[] {
  const isInterrupt = hasFlag(flags, [I], 'I');
  const isPresent = (flags & PR) !== 0n;
  const present = isInterrupt
    ? { 0: 'the interrupt remapping entry is absent or disabled', 1: 'the interrupt remapping entry is enabled' }
    : { 0: 'the page is not present', 1: 'the page is marked present' };
  const rw = isPresent && !isInterrupt && !hasFlag(flags, [TR], 'TR') ? [RW] : [];
  const permission: BitField = { name: 'PE', at: 6, meaning: 'no permission for the access' };
  const level = isPresent && (flags & PE) === 0n && !isInterrupt ? [RZ] : [];
  return [
    GN,
    NX,
    { name: 'US', at: 2, meaning: 'with user privilege' },
    I,
    { name: 'PR', at: 4, meaning: present, always: true },
    ...rw,
    ...(isPresent ? [permission] : []),
    ...level,
    TR,
  ];
}

interface Verdict {
  readonly kind: FaultKind;
  readonly meaning: string;
  readonly notes?: readonly string[];
  readonly candidates?: readonly CauseName[];
  readonly cause?: CauseName;
}

const BEYOND =
  'present, with permission, and an illegal level encoding: seen for addresses beyond the reach of the root level (39 bits for 3 levels, 48 for 4); this is neither a permission fault nor proof of a mapping';

/** What the flags of a page fault come to. */
function pageFaultVerdict(flags: bigint): Verdict {
  if (hasFlag(flags, [I], 'I')) return { kind: 'interrupt', meaning: 'an interrupt request that is not allowed' };
  if ((flags & PR) === 0n) return { kind: 'translation', meaning: 'the page is not present' };
  if ((flags & PE) !== 0n) {
    const meaning = 'the page is present, without permission for the access';
    return hasFlag(flags, [NX], 'NX')
      ? { kind: 'permission', meaning, cause: 'no-execute' }
      : { kind: 'permission', meaning };
  }
  if (hasFlag(flags, [RZ], 'RZ')) return { kind: 'reserved-bits', meaning: 'a reserved bit is set in an entry' };
  return {
    kind: 'input-range',
    meaning: 'an illegal level encoding on the way',
    notes: [BEYOND],
    candidates: ['input-range', 'table-corrupted'],
  };
}

const TRANSLATION = 'a translation request (ATS): whether it was for a read or a write is not recorded';

/** Hardware was seen to set RW where it is not defined: an unmapped read 0x0000, an unmapped write 0x0020. */
function pageFaultAccess(flags: bigint): {
  readonly access: FaultAccess | undefined;
  readonly notes: readonly string[];
} {
  if (hasFlag(flags, [I], 'I')) return { access: undefined, notes: [] };
  if (hasFlag(flags, [TR], 'TR')) return { access: undefined, notes: [TRANSLATION] };
  const access = hasFlag(flags, [NX], 'NX') ? 'execute' : hasFlag(flags, [RW], 'RW') ? 'write' : 'read';
  const isDefined = (flags & PR) !== 0n;
  const why = `probably a ${access}: the flag RW is defined only for a present page, though hardware was seen to set it here too`;
  return { access, notes: isDefined || access === 'execute' ? [] : [why] };
}

interface Printed {
  readonly name: string;
  readonly device: string | undefined;
  readonly address: bigint | undefined;
  readonly flags: bigint | undefined;
  readonly values: ReadonlyMap<string, string>;
}

const PAIR = /(\w{1,20})=(0x[0-9a-f]{1,16}|[0-9a-f:.]{1,20})/gi;

/** Event log entry as four words: device 15:0 of the first, code 31:28 and flags 27:16 of the second (48882, 2.5). */
function fromWords(draft: Draft): Printed | undefined {
  const [w0, w1, w2, w3] = ['w0', 'w1', 'w2', 'w3'].map((name) => draft.hex(name));
  if (w0 === undefined || w1 === undefined || w2 === undefined || w3 === undefined) return undefined;
  return {
    name: draft.text('event') ?? BY_CODE[Number((w1 >> 28n) & 15n)] ?? 'UNKNOWN',
    device: functionOf(Number(w0 & 0xffffn)),
    address: (w3 << 32n) | w2,
    flags: (w1 >> 16n) & 0xfffn,
    values: new Map([['domain', hex(w1 & 0xffffn, 4)]]),
  };
}

function printedOf(draft: Draft): Printed {
  const words = fromWords(draft);
  if (words !== undefined) return words;
  const values = new Map<string, string>();
  for (const [, name = '', value = ''] of (draft.text('pairs') ?? '').matchAll(PAIR)) values.set(name, value);
  const domain = draft.text('domain');
  if (domain !== undefined) values.set('domain', hex(BigInt(/^\d{1,9}$/.test(domain) ? domain : 0), 4));
  const id = draft.hexNumber('deviceId');
  const name = draft.text('event') ?? (draft.text('address') === undefined ? 'event' : 'IO_PAGE_FAULT');
  const address = values.get('address') ?? values.get('gpa') ?? values.get('spa') ?? draft.text('address');
  return {
    name,
    device:
      values.get('device') ??
      draft.text('device') ??
      draft.text('eventDevice') ??
      (id === undefined ? undefined : functionOf(id)),
    address: parseHex(address),
    flags: parseHex(values.get('flags') ?? values.get('flags_rmp') ?? draft.text('flags')),
    values,
  };
}

/** The PASID: printed as such, or in place of the domain where GN is set. */
function pasidOf({ name, flags = 0n, values }: Printed): number | undefined {
  if ((flags & 1n) === 0n || name === 'INVALID_PPR_REQUEST') return undefined;
  const value = parseHex(values.get('pasid') ?? values.get('domain'));
  return value === undefined ? undefined : Number(value);
}

function fieldsOf(printed: Printed, event: AmdEvent, bits: readonly BitField[]): FaultField[] {
  const { flags, values, address } = printed;
  const isGuest = ((flags ?? 0n) & 1n) === 1n;
  const domain = values.get('domain');
  const meaning = event.address === 'physical' ? 'physical address in a structure of the IOMMU' : '';
  const whole =
    flags === undefined ? [] : [{ name: 'flags', value: hex(flags, 4), meaning: '' }, ...decodeBits(flags, bits)];
  return [
    ...(domain === undefined ? [] : [{ name: 'domain', value: domain, meaning: isGuest ? 'PASID' : 'domain id' }]),
    ...(address === undefined ? [] : [{ name: 'address', value: hex(address), meaning }]),
    ...whole,
    ...(values.has('tag') ? [{ name: 'tag', value: values.get('tag') ?? '', meaning: 'tag of the page request' }] : []),
  ];
}

/** A record as QEMU's model writes it: nothing of the access is in it. */
function isEmpty({ name, address, values }: Printed): boolean {
  const domain = parseHex(values.get('domain'));
  return name === 'IO_PAGE_FAULT' && address === 0n && domain === 0n;
}

const EMPTY =
  'the event carries domain 0 and address 0, as those of an emulated IOMMU do: it does not say what was accessed';

function decodeEmpty(printed: Printed): Decoded {
  return {
    kind: 'unknown',
    name: printed.name,
    meaning: PAGE_FAULT.meaning,
    device: printed.device,
    stream: requesterId(printed.device),
    fields: fieldsOf(printed, PAGE_FAULT, pageFaultFlags(printed.flags ?? 0n)),
    notes: [EMPTY],
  };
}

function decodePageFault(printed: Printed): Decoded {
  if (isEmpty(printed)) return decodeEmpty(printed);
  const { device, address, flags, name } = printed;
  if (flags === undefined) {
    const stream = requesterId(device);
    const notes = ['the line has no flags: what kind of fault it was is unknown'];
    return {
      kind: 'unknown',
      name,
      meaning: PAGE_FAULT.meaning,
      device,
      stream,
      iova: address,
      fields: fieldsOf(printed, PAGE_FAULT, []),
      notes,
    };
  }
  const { kind, notes = [], ...verdict } = pageFaultVerdict(flags);
  const { access, notes: doubts } = pageFaultAccess(flags);
  return {
    kind,
    name,
    device,
    stream: requesterId(device),
    pasid: pasidOf(printed),
    iova: address,
    access,
    fields: fieldsOf(printed, PAGE_FAULT, pageFaultFlags(flags)),
    notes: [...notes, ...doubts],
    ...verdict,
  };
}

/** The access of the other events, where their RW is defined: not for interrupts and translation requests. */
function accessOf(event: AmdEvent, flags: bigint | undefined): FaultAccess | undefined {
  if (flags === undefined || !event.flags.includes(RW)) return undefined;
  if (hasFlag(flags, [I], 'I') || hasFlag(flags, [TR], 'TR')) return undefined;
  return hasFlag(flags, [RW], 'RW') ? 'write' : 'read';
}

/** Only types 5 and 6 are interrupt messages. */
function requestKind(flags: bigint): FaultKind {
  const type = Number((flags >> 9n) & 7n);
  return type === 5 || type === 6 ? 'interrupt' : 'request';
}

/** The type of an INVALID_DEVICE_REQUEST in words. */
function requestMeaning({ name, flags }: Printed): string | undefined {
  if (name !== 'INVALID_DEVICE_REQUEST' || flags === undefined) return undefined;
  return decodeBits(flags, [REQUEST_TYPE])[0]?.meaning;
}

/** Decodes the lines of one event. */
export function decodeAmdEvent(draft: Draft): Decoded {
  const raw = printedOf(draft);
  const printed = { ...raw, name: ALIASES.get(raw.name) ?? raw.name };
  if (printed.name === 'IO_PAGE_FAULT') return decodePageFault(printed);
  const isReverseMap = printed.name === 'RMP_PAGE_FAULT';
  const event = EVENTS.get(printed.name) ?? (printed.name === 'event' ? NO_BODY : UNKNOWN);
  const { device, flags, address } = printed;
  return {
    kind: printed.name === 'INVALID_DEVICE_REQUEST' && flags !== undefined ? requestKind(flags) : event.kind,
    name: printed.name,
    meaning: requestMeaning(printed) ?? event.meaning,
    device,
    stream: requesterId(device),
    pasid: pasidOf(printed),
    iova: event.address === 'device' ? address : undefined,
    access: accessOf(event, flags),
    fields: [
      ...fieldsOf(printed, event, event.flags),
      ...controlFields(draft.hex('control')),
      ...deviceTableFields(draft.hexes('dte')),
      ...draft.texts('commandWord').map((value, i) => ({ name: `CMD[${i}]`, value: `0x${value}`, meaning: '' })),
    ],
    notes: deviceTableNotes(draft.hexes('dte'), draft.hex('control')),
    complete: event !== NO_BODY,
    ...(isReverseMap ? { cause: 'unknown', candidates: [] } : {}),
  };
}
