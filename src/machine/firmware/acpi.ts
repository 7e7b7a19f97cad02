/**
 * The firmware's tables by signature, from bytes or from the text of `acpidump`.
 * @module
 */
import { checkBytes, checkText, InputError, shown } from '../../errors.ts';
import { checkHeader, type TableBytes, type TableProblem } from './bytes.ts';
import { readDmar } from './dmar.ts';
import { readIort } from './iort.ts';
import { readIvrs } from './ivrs.ts';
import { readRimt } from './rimt.ts';
import type { FirmwareTable, TableBody } from './tables.ts';
import { readViot } from './viot.ts';

const READERS: Readonly<Record<string, (bytes: TableBytes, problems: TableProblem[]) => TableBody>> = {
  DMAR: readDmar,
  IVRS: readIvrs,
  IORT: readIort,
  VIOT: readViot,
  RIMT: readRimt,
};

/** Problems kept of one table. */
const MOST_PROBLEMS = 50;
/** Longest table that is read. */
const LONGEST_TABLE = 1 << 20;

const NOTHING: TableBody = { units: [], regions: [], facts: {} };

/**
 * Reads DMAR, IVRS, IORT, VIOT or RIMT; whatever is wrong with it is a problem of the table, not an error.
 * @param path - file that it was read from, for people
 * @throws InputError `UNSUPPORTED_INPUT` for another signature.
 */
export function readFirmwareTable(signature: string, bytes: Uint8Array, path: string = signature): FirmwareTable {
  checkText('signature', signature);
  checkBytes('bytes', bytes);
  const read = Object.hasOwn(READERS, signature) ? READERS[signature] : undefined;
  if (read === undefined) {
    throw new InputError('UNSUPPORTED_INPUT', path, `expected DMAR, IVRS, IORT, VIOT or RIMT, got ${shown(signature)}`);
  }
  const checked = checkHeader(bytes.subarray(0, LONGEST_TABLE), signature);
  if (checked === null) {
    const text = `${bytes.length} bytes that do not begin with a header of ${signature}`;
    return { signature, path, header: null, ...NOTHING, problems: [{ kind: 'length', text }] };
  }
  const { header, problems } = checked;
  const body = read(checked.bytes, problems);
  return { signature, path, header, ...body, problems: problems.slice(0, MOST_PROBLEMS) };
}

const DUMP_HEAD = /^(\w{4}) @ 0x[0-9a-f]+/i;
const DUMP_LINE = /^ *[0-9a-f]{1,8}: ((?:[0-9a-f]{2} ){1,16})/i;

/** The bytes of each table in the text of `acpidump`, the first of each signature. */
export function tablesOfAcpidump(text: string): Map<string, Uint8Array> {
  checkText('text', text);
  const parts = new Map<string, number[]>();
  let open: number[] | undefined;
  for (const line of text.split('\n')) {
    const head = DUMP_HEAD.exec(line)?.[1];
    if (head !== undefined) {
      open = parts.has(head) || !Object.hasOwn(READERS, head) ? undefined : [];
      if (open !== undefined) parts.set(head, open);
      continue;
    }
    const digits = open === undefined ? undefined : DUMP_LINE.exec(`${line.slice(0, 80)} `)?.[1];
    if (digits === undefined || open === undefined || open.length > LONGEST_TABLE) continue;
    for (const byte of digits.trim().split(' ')) open.push(Number.parseInt(byte, 16));
  }
  return new Map([...parts].map(([name, bytes]) => [name, Uint8Array.from(bytes)]));
}
