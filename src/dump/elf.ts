/**
 * ELF cores, 32 and 64 bits, little endian: the loadable segments by physical address.
 * Layout: System V ABI, "ELF Header" and "Program Header".
 * @module
 */
import { InputError } from '../errors.ts';
import { type OpenedMemory, segmentMemory } from './memory.ts';
import { NoteCounter } from './notes.ts';
import { arrangeSegments, fileSegment, type Segment } from './pages.ts';
import { readExactly } from './source.ts';
import type { ByteSource } from './types.ts';

const ELFMAG = 0x464c457f;
const ELFCLASS32 = 1;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const PT_LOAD = 1;
/** e_phnum when the count stands in sh_info of section 0. */
const PN_XNUM = 0xffff;
/** More program headers than any core of a real machine: refused instead of read. */
const MOST_HEADERS = 1 << 20;

interface ElfLayout {
  readonly wide: boolean;
  readonly phoff: number;
  readonly phentsize: number;
  readonly phnum: number;
}

/** ELF types other than a core, by e_type (System V ABI, "ELF Header"). */
const NOT_CORES: Readonly<Record<number, string>> = {
  1: 'an object file (ET_REL)',
  2: 'a program (ET_EXEC)',
  3: 'a program or a shared library (ET_DYN)',
};

interface ProgramHeader {
  readonly type: number;
  readonly offset: number;
  readonly paddr: number;
  readonly filesz: number;
  readonly memsz: number;
}

/** True if the source starts as an ELF file. */
export function isElf(source: ByteSource): boolean {
  const head = source.read(0, 4);
  return head.length === 4 && new DataView(head.buffer, head.byteOffset, 4).getUint32(0, true) === ELFMAG;
}

function word(view: DataView, offset: number, wide: boolean): number {
  return wide ? Number(view.getBigUint64(offset, true)) : view.getUint32(offset, true);
}

function readHeaderCount(source: ByteSource, name: string, header: DataView, wide: boolean): number {
  const phnum = header.getUint16(wide ? 56 : 44, true);
  if (phnum !== PN_XNUM) return phnum;
  const shoff = word(header, wide ? 40 : 32, wide);
  const section = readExactly(source, name, 'section header 0', shoff, wide ? 64 : 40);
  return section.getUint32(wide ? 44 : 28, true);
}

function readLayout(source: ByteSource, name: string): ElfLayout {
  const ident = readExactly(source, name, 'ELF identification', 0, 16);
  const wide = ident.getUint8(4) === ELFCLASS64;
  if (!wide && ident.getUint8(4) !== ELFCLASS32) {
    throw new InputError('MALFORMED', name, `expected ELF class 1 (32 bits) or 2 (64 bits), got ${ident.getUint8(4)}`);
  }
  if (ident.getUint8(5) !== ELFDATA2LSB) {
    throw new InputError(
      'UNSUPPORTED_INPUT',
      name,
      `expected a little-endian ELF core (data encoding 1), got ${ident.getUint8(5)}`,
    );
  }
  const header = readExactly(source, name, 'ELF header', 0, wide ? 64 : 52);
  const other = NOT_CORES[header.getUint16(16, true)];
  if (other !== undefined) throw new InputError('UNSUPPORTED_INPUT', name, `expected an ELF core, got ${other}`);
  const phentsize = header.getUint16(wide ? 54 : 42, true);
  const phnum = readHeaderCount(source, name, header, wide);
  if (phnum > MOST_HEADERS || (phnum > 0 && phentsize < (wide ? 56 : 32))) {
    throw new InputError(
      'MALFORMED',
      name,
      `expected at most ${MOST_HEADERS} program headers of at least ${wide ? 56 : 32} bytes, got ${phnum} of ${phentsize}`,
      { phnum, phentsize },
    );
  }
  return { wide, phoff: word(header, wide ? 32 : 28, wide), phentsize, phnum };
}

function readProgramHeader(view: DataView, at: number, wide: boolean): ProgramHeader {
  const type = view.getUint32(at, true);
  if (!wide) {
    const [offset, paddr] = [view.getUint32(at + 4, true), view.getUint32(at + 12, true)];
    return { type, offset, paddr, filesz: view.getUint32(at + 16, true), memsz: view.getUint32(at + 20, true) };
  }
  const value = (offset: number): number => Number(view.getBigUint64(at + offset, true));
  return { type, offset: value(8), paddr: value(24), filesz: value(32), memsz: value(40) };
}

function toSegment(source: ByteSource, header: ProgramHeader, notes: NoteCounter): Segment | undefined {
  if (header.memsz > header.filesz) {
    notes.add('segment-not-in-file', 'segments with memory that the core leaves out; it reads as unknown');
  }
  if (header.filesz === 0) return undefined;
  if (!Number.isSafeInteger(header.paddr + header.filesz)) {
    notes.add('segment-without-physical-address', 'segments without a usable physical address, left out');
    return undefined;
  }
  const bytes = Math.min(header.filesz, Math.max(0, source.size - header.offset));
  if (bytes < header.filesz) notes.add('segment-cut', 'segments that the end of the file cuts off');
  return bytes === 0 ? undefined : fileSegment(source, header.paddr, bytes, header.offset);
}

/**
 * Opens an ELF core.
 * @throws InputError `TRUNCATED`, `MALFORMED`, or `UNSUPPORTED_INPUT` for big endian and other types of ELF files.
 */
export function openElf(source: ByteSource, name: string): OpenedMemory {
  const { wide, phoff, phentsize, phnum } = readLayout(source, name);
  const table = readExactly(source, name, `${phnum} program headers`, phoff, phnum * phentsize);
  const notes = new NoteCounter();
  const segments: Segment[] = [];
  for (let i = 0; i < phnum; i++) {
    const header = readProgramHeader(table, i * phentsize, wide);
    const segment = header.type === PT_LOAD ? toSegment(source, header, notes) : undefined;
    if (segment !== undefined) segments.push(segment);
  }
  const arranged = arrangeSegments(segments);
  if (arranged.cut > 0) notes.add('segment-overlap', 'segments that repeat physical addresses, cut', arranged.cut);
  return segmentMemory('elf', arranged.segments, notes);
}
