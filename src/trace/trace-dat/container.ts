/**
 * The parts of a trace.dat: header, formats, command lines, and where each processor's data lies. Versions 6 and 7, as
 * in trace-cmd.dat.v6(5) and trace-cmd.dat.v7(5).
 * @module
 */
import { hex } from '../../address.ts';
import { InputError } from '../../errors.ts';
import { MAX_UNPACKED, type Unpack, unpackerFor } from './compression.ts';
import { type EventFormat, parseFormat } from './formats.ts';
import { type ByteSource, Fields, readExactly, SOURCE } from './source.ts';

/** trace-cmd.dat(5), "INITIAL FORMAT". */
const MAGIC = [0x17, 0x08, 0x44, 0x74, 0x72, 0x61, 0x63, 0x69, 0x6e, 0x67];
const HEADER_BYTES = 256;
const MAX_PAGE = 1 << 20;

/** trace-cmd.dat.v7(5), "OPTIONS": ids. */
const OPTION = {
  DONE: 0,
  CPUSTAT: 2,
  BUFFER: 3,
  TRACECLOCK: 4,
  UNAME: 5,
  HEADER_INFO: 16,
  FTRACE_EVENTS: 17,
  EVENT_FORMATS: 18,
  CMDLINES: 21,
} as const;
const COMPRESSED = 1;
const SECTION_HEADER = 16;
const MAX_OPTIONS = 65_536;
const MAX_SYSTEM = 300;
const MAX_SECTIONS = 256;

/** One processor's data. */
export interface CpuData {
  readonly cpu: number;
  readonly offset: number;
  readonly size: number;
}

/** One ring buffer of the file. */
export interface DatBuffer {
  /** '' for the main one. */
  readonly name: string;
  readonly clock: string;
  readonly pageSize: number;
  readonly packed: boolean;
  readonly cpus: readonly CpuData[];
}

/** What is known of a file before its events are read. */
export interface DatFile {
  readonly version: number;
  readonly little: boolean;
  /** Bytes of a long in the traced kernel. */
  readonly long: number;
  readonly unpack: Unpack;
  readonly formats: EventFormat[];
  /** The traced system as `uname` describes it; undefined where the file does not say. */
  system: string | undefined;
  /** Task names by pid. */
  readonly tasks: Map<number, string>;
  readonly buffers: DatBuffer[];
  /** Events lost by each processor, by the recorder's statistics. */
  readonly lost: Map<number, number>;
}

interface Header {
  readonly version: number;
  readonly little: boolean;
  readonly long: number;
  readonly pageSize: number;
  readonly compression: string;
  /** Offset of the first options section (version 7) or of what follows the header (version 6). */
  readonly next: number;
}

/**
 * Reads everything but the events.
 * @throws InputError `NOT_RECOGNISED`, `UNSUPPORTED_INPUT`, `TRUNCATED`, `MALFORMED` or `TOO_LARGE`.
 */
export async function openDat(source: ByteSource): Promise<DatFile> {
  const header = await readHeader(source);
  const unpack = await unpackerFor(header.compression);
  const { version, little, long } = header;
  const file: DatFile = {
    version,
    little,
    long,
    unpack,
    system: undefined,
    formats: [],
    tasks: new Map(),
    buffers: [],
    lost: new Map(),
  };
  if (version === 7) await new Version7(source, file).read(header.next);
  else await readVersion6(source, file, header);
  return file;
}

async function readHeader(source: ByteSource): Promise<Header> {
  const bytes = await source.read(0, Math.min(HEADER_BYTES, source.size));
  if (!MAGIC.every((byte, at) => bytes[at] === byte)) {
    throw new InputError('NOT_RECOGNISED', SOURCE, 'expected a file that begins as a trace.dat does, got another');
  }
  const start = new Fields(bytes.subarray(MAGIC.length), true, 'header');
  const version = Number(start.string());
  if (version !== 6 && version !== 7) {
    throw new InputError('UNSUPPORTED_INPUT', SOURCE, `expected version 6 or 7, got ${version}`, { version });
  }
  const little = start.u8() === 0;
  const fields = new Fields(start.bytes, little, 'header');
  fields.at = start.at;
  const long = fields.u8();
  const pageSize = fields.u32();
  checkGeometry(long, pageSize);
  const compression = version === 7 ? fields.string() : 'none';
  if (version === 7) fields.string();
  const next = version === 7 ? fields.u64() : MAGIC.length + fields.at;
  return { version, little, long, pageSize, compression, next };
}

function checkGeometry(long: number, pageSize: number): void {
  if ((long === 4 || long === 8) && pageSize >= 64 && pageSize <= MAX_PAGE && pageSize % 8 === 0) return;
  throw new InputError(
    'MALFORMED',
    SOURCE,
    `expected a long of 4 or 8 bytes and pages of up to ${hex(MAX_PAGE)}, got ${long} and ${hex(pageSize)}`,
    {
      long,
      pageSize,
    },
  );
}

/** Reads the chain of options sections of version 7. */
class Version7 {
  readonly #source: ByteSource;
  readonly #file: DatFile;
  readonly #seen = new Set<number>();

  constructor(source: ByteSource, file: DatFile) {
    this.#source = source;
    this.#file = file;
  }

  async read(first: number): Promise<void> {
    for (let offset = first; offset !== 0; ) {
      if (this.#seen.has(offset) || this.#seen.size > MAX_SECTIONS) {
        throw new InputError(
          'MALFORMED',
          SOURCE,
          `expected options sections that end, got a loop at offset ${hex(offset)}`,
          { offset },
        );
      }
      this.#seen.add(offset);
      offset = await this.#options(new Fields(await this.#section(offset), this.#file.little, 'options'));
    }
  }

  /** @returns offset of the next options section, 0 at the end. */
  async #options(fields: Fields): Promise<number> {
    for (let count = 0; count < MAX_OPTIONS && fields.left > 0; count++) {
      const id = fields.u16();
      const data = new Fields(fields.take(fields.u32()), this.#file.little, `option ${id}`);
      if (id === OPTION.DONE) return data.left >= 8 ? data.u64() : 0;
      await this.#option(id, data);
    }
    return 0;
  }

  async #option(id: number, data: Fields): Promise<void> {
    const { little, long } = this.#file;
    if (id === OPTION.CPUSTAT) readStatistics(this.#file, data.text(data.left));
    else if (id === OPTION.UNAME) this.#file.system = systemOf(data.text(data.left));
    else if (id === OPTION.BUFFER) await this.#buffer(data);
    else if (id === OPTION.FTRACE_EVENTS) {
      readFormats(this.#file, new Fields(await this.#once(data.u64()), little, 'ftrace formats'), 'ftrace');
    } else if (id === OPTION.EVENT_FORMATS) {
      readSystems(this.#file, new Fields(await this.#once(data.u64()), little, 'event formats'));
    } else if (id === OPTION.CMDLINES) {
      readTasks(this.#file, new Fields(await this.#once(data.u64()), little, 'command lines'));
    } else if (id === OPTION.HEADER_INFO) {
      checkPageHeader(new Fields(await this.#once(data.u64()), little, 'headers'), long);
    }
  }

  /** A section's content; nothing if it was read before (converted files repeat options). */
  async #once(offset: number): Promise<Uint8Array> {
    if (this.#seen.has(offset)) return new Uint8Array(0);
    this.#seen.add(offset);
    return await this.#section(offset);
  }

  async #buffer(data: Fields): Promise<void> {
    const offset = data.u64();
    const name = data.string();
    const clock = data.string();
    const pageSize = data.u32();
    const count = data.u32();
    checkGeometry(this.#file.long, pageSize);
    const cpus: CpuData[] = [];
    for (let index = 0; index < count; index++) cpus.push({ cpu: data.u32(), offset: data.u64(), size: data.u64() });
    const header = new Fields(
      await readExactly(this.#source, offset, SECTION_HEADER, 'buffer section'),
      this.#file.little,
      'buffer section',
    );
    header.u16();
    const packed = (header.u16() & COMPRESSED) !== 0;
    checkApart(cpus);
    this.#file.buffers.push({ name, clock, pageSize, packed, cpus });
  }

  async #section(offset: number): Promise<Uint8Array> {
    const { little, unpack } = this.#file;
    const header = new Fields(await readExactly(this.#source, offset, SECTION_HEADER, 'section'), little, 'section');
    header.u16();
    const packed = (header.u16() & COMPRESSED) !== 0;
    header.u32();
    const size = header.u64();
    checkPart(size);
    const data = await readExactly(this.#source, offset + SECTION_HEADER, size, 'section');
    if (!packed) return data;
    const fields = new Fields(data, little, 'packed section');
    const length = fields.u32();
    const unpacked = fields.u32();
    return unpack(fields.take(length), unpacked);
  }
}

/** Each processor's data lies in a place of its own. */
function checkApart(cpus: readonly CpuData[]): void {
  const sorted = cpus.filter(({ size }) => size > 0).sort((a, b) => a.offset - b.offset);
  for (const [i, { cpu, offset, size }] of sorted.entries()) {
    const next = sorted[i + 1];
    if (next === undefined || offset + size <= next.offset) continue;
    const message = `expected a place of its own for each processor's data, got an overlap of ${cpu} and ${next.cpu} at offset ${hex(next.offset)}`;
    throw new InputError('MALFORMED', SOURCE, message, { offset: next.offset });
  }
}

function checkPart(size: number): void {
  if (size <= MAX_UNPACKED) return;
  throw new InputError('TOO_LARGE', SOURCE, `expected a part of at most ${hex(MAX_UNPACKED)} bytes, got ${hex(size)}`, {
    size,
  });
}

function systemOf(text: string): string | undefined {
  const [system = ''] = text.split('\0');
  return system.trim() === '' ? undefined : system.trim().slice(0, MAX_SYSTEM);
}

/** `overrun` and `dropped events` of one processor's statistics. */
function readStatistics(file: DatFile, text: string): void {
  const cpu = Number(/^CPU: (\d+)/m.exec(text)?.[1] ?? Number.NaN);
  if (Number.isNaN(cpu) || file.lost.size > 65_536) return;
  let lost = 0;
  for (const match of text.matchAll(/^(?:overrun|commit overrun|dropped events): (\d+)/gm)) lost += Number(match[1]);
  file.lost.set(cpu, lost);
}

/** u32 count, then each format: u64 size, text. */
function readFormats(file: DatFile, fields: Fields, system: string): void {
  if (fields.left === 0) return;
  for (let count = fields.u32(); count > 0; count--) {
    const format = parseFormat(system, fields.text(fields.u64()), file.long);
    if (format !== undefined) file.formats.push(format);
  }
}

/** u32 count of systems, each: name, then formats. */
function readSystems(file: DatFile, fields: Fields): void {
  if (fields.left === 0) return;
  for (let count = fields.u32(); count > 0; count--) readFormats(file, fields, fields.string());
}

/** u64 size, then lines `pid name`. */
function readTasks(file: DatFile, fields: Fields): void {
  if (fields.left === 0) return;
  for (const line of fields.text(fields.u64()).split('\n')) {
    const match = /^\s*(\d+) (.+)$/.exec(line);
    if (match !== null) file.tasks.set(Number(match[1]), match[2] ?? '');
  }
}

/** `header_page`: where a page's data begins. Only the known layout is read. */
function checkPageHeader(fields: Fields, long: number): void {
  if (fields.left === 0) return;
  fields.string();
  const text = fields.text(fields.u64());
  const offset = /char data;\s*offset:(\d+)/.exec(text)?.[1];
  if (offset === undefined || Number(offset) === 8 + long) return;
  throw new InputError('UNSUPPORTED_INPUT', SOURCE, `expected pages whose data begins at ${8 + long}, got ${offset}`);
}

/** The parts of version 6, one after the other. */
async function readVersion6(source: ByteSource, file: DatFile, header: Header): Promise<void> {
  const bytes = await readExactly(source, header.next, Math.min(MAX_UNPACKED, source.size - header.next), 'file');
  const fields = new Fields(bytes, file.little, 'file');
  checkPageHeader(fields, file.long);
  fields.string();
  fields.take(fields.u64());
  readFormats(file, fields, 'ftrace');
  readSystems(file, fields);
  fields.take(fields.u32());
  fields.take(fields.u32());
  readTasks(file, fields);
  const cpus = fields.u32();
  const clock = readOptions6(file, fields);
  const data: CpuData[] = [];
  for (let cpu = 0; cpu < cpus; cpu++) data.push({ cpu, offset: fields.u64(), size: fields.u64() });
  file.buffers.push({
    name: '',
    clock,
    pageSize: header.pageSize,
    packed: false,
    cpus: data.filter(({ size }) => size > 0),
  });
  checkApart(data);
}

/** Ten-byte words: `options  ` with options up to id 0, then `flyrecord`. @returns the clock in brackets. */
function readOptions6(file: DatFile, fields: Fields): string {
  let clock = '';
  for (;;) {
    const word = fields.text(10);
    if (word.startsWith('flyrecord')) return clock;
    if (!word.startsWith('options')) {
      throw new InputError('UNSUPPORTED_INPUT', SOURCE, `expected data of kind flyrecord, got '${word.trim()}'`);
    }
    for (let id = fields.u16(); id !== OPTION.DONE; id = fields.u16()) {
      const text = fields.text(fields.u32());
      if (id === OPTION.CPUSTAT) readStatistics(file, text);
      else if (id === OPTION.UNAME) file.system = systemOf(text);
      else if (id === OPTION.TRACECLOCK) clock = /\[(\w+)\]/.exec(text)?.[1] ?? '';
    }
  }
}
