/**
 * Opens a dump of any kind that is known here.
 * @module
 */
import { checkOptions, emptyInput, InputError, IommuError, reading, shown } from '../errors.ts';
import { isDebugfs, openDebugfs } from './debugfs/open.ts';
import { isElf, openElf } from './elf.ts';
import { flattenedSource, isFlattened } from './flattened.ts';
import { isKdump, openKdump } from './kdump.ts';
import type { OpenedMemory } from './memory.ts';
import { openRaw } from './raw.ts';
import { isSnapshot, openSnapshot } from './snapshot.ts';
import { gunzipSource, isGzip } from './source.ts';
import { isSparse, openSparse } from './sparse.ts';
import type { ByteSource, Dump, DumpNote, OpenOptions } from './types.ts';

const UNPACK_LIMIT = 2 ** 30;

interface DumpKind {
  readonly is: (source: ByteSource) => boolean;
  readonly open: (source: ByteSource, name: string) => OpenedMemory | Promise<OpenedMemory>;
}

const KINDS: readonly DumpKind[] = [
  { is: isSnapshot, open: openSnapshot },
  { is: isElf, open: openElf },
  { is: isKdump, open: openKdump },
  { is: (source) => isSparse(source.read(0, 512)), open: openSparse },
  { is: (source) => isDebugfs(source.read(0, 4096)), open: openDebugfs },
];

/** Kinds that no memory begins as: a base beside them is a mistake. Memory may begin with a program or a dump of another. */
const TEXTS: readonly { readonly what: string; readonly is: (source: ByteSource) => boolean }[] = [
  { what: 'a snapshot', is: isSnapshot },
  { what: 'sparse pages', is: (source) => isSparse(source.read(0, 512)) },
  { what: 'debugfs text', is: (source) => isDebugfs(source.read(0, 4096)) },
];

const EXPECTED = 'a snapshot, sparse pages, an ELF core, kdump or debugfs text';
const RAW = 'a raw image needs the physical address of its first byte (--base)';

function openMemory(given: ByteSource, name: string, base: number | undefined): OpenedMemory | Promise<OpenedMemory> {
  if (base !== undefined) {
    const other = TEXTS.find(({ is }) => is(given));
    if (other === undefined) return openRaw(given, name, base);
    throw new InputError(
      'UNSUPPORTED_INPUT',
      name,
      `expected a raw image with a base, got ${other.what}, which needs none`,
    );
  }
  const source = isFlattened(given) ? flattenedSource(given, name) : given;
  const kind = KINDS.find((candidate) => candidate.is(source));
  if (kind !== undefined) return kind.open(source, name);
  throw new InputError('NOT_RECOGNISED', name, `expected ${EXPECTED}, got something else; ${RAW}`);
}

/**
 * Opens a dump: gzip is unpacked, the kind is told from the first bytes, unless `base` says that it is a raw image.
 * @throws InputError `NOT_RECOGNISED`, `TRUNCATED`, `MALFORMED`, `UNSUPPORTED_INPUT`, `TOO_LARGE`.
 */
export async function openDump(source: ByteSource, options: OpenOptions = {}): Promise<Dump> {
  checkOptions('source', source);
  checkOptions('options', options);
  if (!reading('source', () => Number.isSafeInteger(source.size) && typeof source.read === 'function')) {
    throw new IommuError(
      'BAD_OPTION',
      'source',
      `expected an object with a size and a function read, got ${shown(source)}`,
    );
  }
  const name = options.name ?? 'dump';
  const notes: DumpNote[] = [];
  const plain = isGzip(source) ? gunzipSource(source, name, options.unpackLimit ?? UNPACK_LIMIT, notes) : source;
  // of a gzip file that is cut short before its first byte, it is not known
  if (plain.size === 0 && notes.length === 0) throw emptyInput('NOT_RECOGNISED', name, `${EXPECTED}; ${RAW}`);
  const memory = await openMemory(plain, name, options.base);
  return {
    kind: memory.kind,
    reader: memory.reader,
    page: (address) => memory.reader.page(address),
    knownParts: (address) => memory.reader.knownParts(address),
    zeroPages: (address) => memory.zeroPages?.(address) ?? 0,
    registers: options.registers ?? memory.registers,
    someDevices: memory.someDevices,
    geometry: memory.geometry,
    extents: memory.extents,
    get notes() {
      return [...notes, ...memory.notes.list()];
    },
  };
}
