/**
 * The explorer's list: what the user types, read line by line.
 * @module
 */
import { formatSize, parsePhysical, parseSize } from '../../src/address.ts';
import { InputError } from '../../src/errors.ts';
import type { ListElement } from '../../src/memory/scatter-list.ts';

/** Lines and bytes that a list may have: enough for every figure, and quick to draw. */
export const LIST_LIMITS: { readonly lines: number; readonly bytes: number } = { lines: 4096, bytes: 2 ** 30 };

/** The list that the page starts with: a scattered buffer with one run that a block fits. */
export const FIRST_LIST = `0x80010000  16K
0x80090000  64K
0xc0000000  2M
0x9000d000  8K`;

function element(line: string, number: number): ListElement {
  const [address, length, ...rest] = line.split(/[\s,]+/);
  if (address === undefined || length === undefined || rest.length > 0) {
    throw new InputError('MALFORMED', `line ${number}`, `expected an address and a length, got '${line.slice(0, 60)}'`);
  }
  return { address: parsePhysical(`line ${number}`, address), length: parseSize(length) };
}

/**
 * Reads a list: a line each, `address length`; `#` begins a comment.
 * @throws InputError `MALFORMED`, `TOO_LARGE`; IommuError where an address or a size cannot be read.
 */
export function parseList(text: string): ListElement[] {
  const lines = text.split('\n');
  if (lines.length > LIST_LIMITS.lines) {
    throw new InputError('TOO_LARGE', 'list', `expected at most ${LIST_LIMITS.lines} lines, got ${lines.length}`);
  }
  const list = lines.flatMap((line, i) => {
    const own = line.replace(/#.*/, '').trim();
    return own === '' ? [] : [element(own, i + 1)];
  });
  const bytes = list.reduce((sum, { length }) => sum + length, 0);
  if (bytes > LIST_LIMITS.bytes) {
    const [most, got] = [LIST_LIMITS.bytes, bytes].map(formatSize);
    throw new InputError('TOO_LARGE', 'list', `expected at most ${most} in all, got ${got}`);
  }
  return list;
}
