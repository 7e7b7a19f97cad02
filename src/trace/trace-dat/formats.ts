/**
 * The format texts that a trace.dat carries for each event: name, ID, and where each field lies in a record.
 * @module
 */

/** How a field's bytes are found: in place, or through a 32-bit location word. */
export type Placement = 'plain' | 'data_loc' | 'rel_loc';

/** One field of an event's record. */
export interface Field {
  readonly name: string;
  readonly placement: Placement;
  /** From the record's start. */
  readonly offset: number;
  /** Bytes in the record (4 for locations). */
  readonly size: number;
  readonly signed: boolean;
  /** Bytes of one element of an array; for others the size. */
  readonly element: number;
}

/** One event's format. */
export interface EventFormat {
  readonly system: string;
  readonly name: string;
  readonly id: number;
  readonly fields: ReadonlyMap<string, Field>;
}

const FIELD = /field:([^;]{1,256});\s{0,64}offset:(\d{1,9});\s{0,64}size:(\d{1,9});(?:\s{0,64}signed:(\d{1,9});)?/g;
const MAX_FIELDS = 256;

/** Sizes of C types by their last words; `long` and pointers have the size of the traced kernel's long. */
function elementSize(type: string, long: number): number {
  if (/\*\s*$/.test(type)) return long;
  if (/\b(char|u8|s8|bool|__u8|uint8_t)\b/.test(type)) return 1;
  if (/\b(short|u16|s16|__u16|uint16_t)\b/.test(type)) return 2;
  if (/\blong long\b|\b[_su]*64\b|\bu?int64_t\b/.test(type)) return 8;
  if (/\blong\b|\bs?size_t\b/.test(type)) return long;
  return 4;
}

/**
 * Reads a format text as tracefs prints it. Undefined if it has no name or ID.
 * `long`: bytes of a long in the traced kernel.
 */
export function parseFormat(system: string, text: string, long: number): EventFormat | undefined {
  const name = /^name:\s*(\S+)/m.exec(text)?.[1];
  const id = /^ID:\s*(\d+)/m.exec(text)?.[1];
  if (name === undefined || id === undefined) return undefined;
  const fields = new Map<string, Field>();
  for (const match of text.matchAll(FIELD)) {
    const field = parseField(match, long);
    if (field !== undefined && fields.size < MAX_FIELDS) fields.set(field.name, field);
  }
  return { system, name, id: Number(id), fields };
}

function parseField(match: RegExpExecArray, long: number): Field | undefined {
  const [, declaration = '', offset = '', size = '', signed = '0'] = match;
  const clean = declaration.trim();
  const bracket = clean.endsWith(']') ? clean.lastIndexOf('[') : -1;
  const before = bracket < 0 ? clean : clean.slice(0, bracket).trimEnd();
  const array = bracket < 0 ? undefined : clean.slice(bracket);
  const name = /\w+$/.exec(before)?.[0] ?? '';
  const type = before.slice(0, before.length - name.length);
  if (name === '') return undefined;
  const placement = placementOf(type);
  const isArray = array !== undefined || placement !== 'plain' || type.includes('[');
  return {
    name,
    placement,
    offset: Number(offset),
    size: Number(size),
    signed: signed === '1',
    element: isArray ? elementSize(type.split('[')[0] ?? '', long) : Number(size),
  };
}

function placementOf(type: string): Placement {
  if (type.includes('__data_loc')) return 'data_loc';
  return type.includes('__rel_loc') ? 'rel_loc' : 'plain';
}
