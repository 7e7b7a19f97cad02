/**
 * Dumps in the page: opened with their registers from dropped files.
 * @module
 */
import { openDump } from '../../src/dump/open.ts';
import { parseRegisters } from '../../src/dump/registers.ts';
import { memorySource } from '../../src/dump/source.ts';
import type { Dump } from '../../src/dump/types.ts';
import { InputError } from '../../src/errors.ts';
import { allOf, nameOf } from './chunks.ts';
import type { Evidence } from './protocol.ts';

/** Most bytes of a file that is held in memory as a whole. */
const MOST_HELD = 2 ** 30;

async function bytesOf(file: Blob, name: string): Promise<Uint8Array> {
  if (file.size > MOST_HELD) {
    throw new InputError('TOO_LARGE', name, `expected at most ${MOST_HELD} bytes, got ${file.size}`);
  }
  return new Uint8Array(await file.arrayBuffer());
}

/** Most bytes of a file that is read as a text, as on the command line. */
const MOST_TEXT = 2 ** 26;

/** The text of a file, if there is one, unpacked. @throws InputError `TOO_LARGE`. */
export async function textOf(file: Blob | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  return new TextDecoder().decode(await allOf(file, MOST_TEXT));
}

/** Opens the dump. @throws InputError `MISSING_VALUE` where there is none, `TOO_LARGE`, and as the readers do. */
export async function openEvidence({ dump, registers }: Evidence): Promise<Dump> {
  if (dump === undefined) throw new InputError('MISSING_VALUE', 'dump', 'expected a dump, got none');
  const name = nameOf(dump, 'dump');
  const text = await textOf(registers);
  return await openDump(memorySource(await bytesOf(dump, name)), {
    name,
    ...(text === undefined ? {} : { registers: parseRegisters(text, nameOf(registers ?? dump, 'registers')) }),
  });
}
