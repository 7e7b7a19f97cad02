/**
 * Dumps as files.
 * @module
 */
import { parsePhysical } from '../address.ts';
import { openDump } from '../dump/open.ts';
import { parseRegisters } from '../dump/registers.ts';
import { memorySource } from '../dump/source.ts';
import type { ByteSource, Dump } from '../dump/types.ts';
import type { DumpOptions } from './dump-options.ts';
import { dumpInFolder } from './evidence-folder.ts';
import { fileSource } from './file-source.ts';
import { readText, readWhole } from './io.ts';
import { LONGEST_MAGIC, packingOf, soundGzip } from './unpack.ts';

/**
 * Opens a dump (`-`: standard input; a folder: the dump and registers in it) with its registers.
 * @throws InputError of the readers; IommuError `BAD_OPTION` for a base that is not an address.
 */
export async function openDumpFile(given: string, flags: DumpOptions): Promise<Dump> {
  const { path, flags: files } = dumpInFolder(given, flags);
  const options = { ...flags, regs: files.regs };
  const source = await sourceOf(path);
  return await openDump(source, {
    name: path,
    ...(options.base === undefined ? {} : { base: parsePhysical('--base', options.base) }),
    ...(options.regs === undefined ? {} : { registers: await readRegisters(options.regs) }),
  });
}

/** A dump on standard input, or packed by zstd or xz, is held in memory. */
const MOST_HELD = 2 ** 30;

/** A damaged gzip file is left to the reader of dumps, which notes where it is cut short. */
async function sourceOf(path: string): Promise<ByteSource> {
  if (path === '-') return memorySource(await readWhole(path, MOST_HELD));
  const source = fileSource(path);
  const packing = packingOf(source.read(0, LONGEST_MAGIC));
  if (packing === undefined) return source;
  if (packing !== 'gzip') return memorySource(await readWhole(path, MOST_HELD));
  const plain = source.size > MOST_HELD ? undefined : soundGzip(source.read(0, source.size), MOST_HELD);
  return plain === undefined ? source : memorySource(plain);
}

async function readRegisters(path: string): Promise<ReturnType<typeof parseRegisters>> {
  return parseRegisters(await readText(path), path);
}
