/**
 * IVRS, AMD's table (AMD I/O Virtualization Technology specification 48882, 5.2).
 * @module
 */
import { hex } from '../../address.ts';
import { HEADER_BYTES, type Piece, piecesOf, type TableBytes, type TableProblem } from './bytes.ts';
import type { DeviceScope, FirmwareRegion, FirmwareUnit, TableBody } from './tables.ts';

/** Block types (5.2.2, Table 96): IVHD 10h, 11h, 40h; IVMD 20h to 22h. */
const IVHD_TYPES = [0x10, 0x11, 0x40];
const IVMD_ALL = 0x20;
const IVMD_ONE = 0x21;
const IVMD_RANGE = 0x22;

/** Device entry types (5.2.2.2). */
const ENTRY = {
  ALL: 1,
  SELECT: 2,
  RANGE_START: 3,
  RANGE_END: 4,
  ALIAS_SELECT: 66,
  ALIAS_RANGE: 67,
  EXTENDED_SELECT: 70,
  EXTENDED_RANGE: 71,
  SPECIAL: 72,
  ACPI_HID: 240,
} as const;
const SPECIAL_NAMES: Readonly<Record<number, string>> = { 1: 'IOAPIC', 2: 'HPET' };

/** IVMD flags (5.2.2.1): unity map, exclusion range. */
const EXCLUSION = 8;
const LAST_ID = 0xffff;

function entryLength(bytes: TableBytes, at: number): number {
  const type = bytes.u8(at);
  if (type === ENTRY.ACPI_HID) return 22 + bytes.u8(at + 21);
  return type < 64 ? 4 : type < 128 ? 8 : type < 192 ? 16 : 32;
}

/** Device entries of one IVHD; a range is two of them. */
function scopesOf(
  bytes: TableBytes,
  pieces: readonly Piece[],
  segment: number,
  problems: TableProblem[],
): DeviceScope[] {
  const scopes: DeviceScope[] = [];
  let open: number | undefined;
  for (const { at } of pieces) {
    const [type, id] = [bytes.u8(at), bytes.u16(at + 1)];
    if (type === ENTRY.RANGE_END) {
      if (open === undefined || id < open)
        problems.push({
          kind: 'contradiction',
          offset: at,
          text: `a range ends at ${hex(id)} that begins nowhere, or above it`,
        });
      else scopes.push({ kind: 'range', segment, first: open, last: id });
      open = undefined;
      continue;
    }
    if (open !== undefined && type !== 0) {
      problems.push({ kind: 'contradiction', offset: at, text: `the range from ${hex(open)} has no end` });
      open = undefined;
    }
    if (type === ENTRY.ALL) scopes.push({ kind: 'range', segment, first: 0, last: LAST_ID });
    if (type === ENTRY.SELECT || type === ENTRY.ALIAS_SELECT || type === ENTRY.EXTENDED_SELECT) {
      scopes.push({ kind: 'range', segment, first: id, last: id });
    }
    if (type === ENTRY.RANGE_START || type === ENTRY.ALIAS_RANGE || type === ENTRY.EXTENDED_RANGE) open = id;
    if (type === ENTRY.SPECIAL)
      scopes.push({
        kind: 'named',
        name: `${SPECIAL_NAMES[bytes.u8(at + 7)] ?? 'special device'} ${bytes.u8(at + 4)}`,
      });
    if (type === ENTRY.ACPI_HID) scopes.push({ kind: 'named', name: bytes.text(at + 4, 8) });
  }
  if (open !== undefined) problems.push({ kind: 'contradiction', text: `the range from ${hex(open)} has no end` });
  return scopes;
}

interface Ivhd {
  readonly type: number;
  readonly unit: FirmwareUnit;
}

function readIvhd(bytes: TableBytes, { at, end }: Piece, problems: TableProblem[]): Ivhd | undefined {
  const type = bytes.u8(at);
  const from = type === 0x10 ? 24 : 40;
  if (end - at < from) {
    problems.push({
      kind: 'length',
      offset: at,
      text: `IVHD of type ${hex(type)}: expected at least ${from} bytes, got ${end - at}`,
    });
    return undefined;
  }
  const [base, segment, id] = [bytes.u64(at + 8), bytes.u16(at + 16), bytes.u16(at + 4)];
  if (base === 0n || base === 2n ** 64n - 1n)
    problems.push({
      kind: 'contradiction',
      offset: at,
      text: `IVHD at ${hex(base)}: expected the address of its registers`,
    });
  const pieces = piecesOf(bytes, at + from, end, 4, (entry) => entryLength(bytes, entry), problems);
  const scopes = scopesOf(bytes, pieces, segment, problems);
  const unit = { name: `IVHD at ${hex(base)}`, base, requester: { segment, id }, scopes, offset: at };
  return { type, unit };
}

function readIvmd(bytes: TableBytes, { at, end }: Piece, problems: TableProblem[]): FirmwareRegion | undefined {
  if (end - at < 32) {
    problems.push({ kind: 'length', offset: at, text: `IVMD: expected at least 32 bytes, got ${end - at}` });
    return undefined;
  }
  const type = bytes.u8(at);
  const [id, aux] = [bytes.u16(at + 4), bytes.u16(at + 6)];
  const [start, length] = [bytes.u64(at + 16), bytes.u64(at + 24)];
  const text = `IVMD at ${hex(start)}`;
  if (length === 0n) problems.push({ kind: 'contradiction', offset: at, text: `${text}: it has no length` });
  if (type === IVMD_RANGE && aux < id)
    problems.push({
      kind: 'contradiction',
      offset: at,
      text: `${text}: its devices end at ${hex(aux)}, before ${hex(id)}`,
    });
  if (length === 0n) return undefined;
  const [first, last] = type === IVMD_ALL ? [0, LAST_ID] : [id, type === IVMD_ONE ? id : aux];
  const name = (bytes.u8(at + 1) & EXCLUSION) === 0 ? 'IVMD' : 'IVMD exclusion range';
  return { start, last: start + length - 1n, name, scopes: [{ kind: 'range', segment: 0, first, last }], offset: at };
}

/** Linux takes the highest type of IVHD that there is for a unit. */
function highest(all: readonly Ivhd[]): FirmwareUnit[] {
  const byBase = new Map<string, Ivhd>();
  for (const one of all) {
    const key = `${one.unit.base} ${one.unit.requester?.id}`;
    if ((byBase.get(key)?.type ?? -1) <= one.type) byBase.set(key, one);
  }
  return [...byBase.values()].map(({ unit }) => unit);
}

/** Reads the blocks of an IVRS table. */
export function readIvrs(bytes: TableBytes, problems: TableProblem[]): TableBody {
  const pieces = piecesOf(bytes, HEADER_BYTES + 12, bytes.length, 4, (at) => bytes.u16(at + 2), problems);
  const info = bytes.u32(36);
  const of = (types: readonly number[]): Piece[] => pieces.filter(({ at }) => types.includes(bytes.u8(at)));
  const units = highest(of(IVHD_TYPES).flatMap((piece) => readIvhd(bytes, piece, problems) ?? []));
  if (units.length === 0) problems.push({ kind: 'contradiction', text: 'the table describes no unit (IVHD)' });
  return {
    units,
    regions: of([IVMD_ALL, IVMD_ONE, IVMD_RANGE]).flatMap((piece) => readIvmd(bytes, piece, problems) ?? []),
    facts: { preBootProtection: (info & 2) !== 0, addressBits: (info >> 8) & 0x7f },
  };
}
