import { zlibSync } from 'fflate';

/** A little-endian byte builder. */
class Bytes {
  readonly #parts: number[] = [];

  get length(): number {
    return this.#parts.length;
  }

  u(value: number | bigint, width: number): this {
    let rest = BigInt(value);
    for (let byte = 0; byte < width; byte++, rest >>= 8n) this.#parts.push(Number(rest & 0xffn));
    return this;
  }

  text(text: string): this {
    this.#parts.push(...new TextEncoder().encode(text));
    return this;
  }

  bytes(bytes: Uint8Array): this {
    this.#parts.push(...bytes);
    return this;
  }

  pad(unit: number): this {
    while (this.#parts.length % unit !== 0) this.#parts.push(0);
    return this;
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#parts);
  }
}

/** Page size of the built files. */
export const PAGE_SIZE = 4096;

const MAP_FORMAT = `name: map
ID: 77
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;
\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:u64 iova;\toffset:8;\tsize:8;\tsigned:0;
\tfield:u64 paddr;\toffset:16;\tsize:8;\tsigned:0;
\tfield:size_t size;\toffset:24;\tsize:8;\tsigned:0;

print fmt: "IOMMU: iova=0x%016llx"
`;
const SG_FORMAT = `name: dma_map_sg
ID: 78
format:
\tfield:__rel_loc char[] device;\toffset:8;\tsize:4;\tsigned:0;
\tfield:bool truncated;\toffset:12;\tsize:1;\tsigned:0;
\tfield:__rel_loc u64[] phys_addrs;\toffset:16;\tsize:4;\tsigned:0;
\tfield:__rel_loc u64[] dma_addrs;\toffset:20;\tsize:4;\tsigned:0;
\tfield:__rel_loc unsigned int[] lengths;\toffset:24;\tsize:4;\tsigned:0;
\tfield:enum dma_data_direction dir;\toffset:28;\tsize:4;\tsigned:0;
`;

/** Record of a map event. */
export function mapRecord(iova: number, flags = 0): Uint8Array {
  return new Bytes().u(77, 2).u(flags, 1).u(0, 1).u(42, 4).u(iova, 8).u(0x8000, 8).u(4096, 8).done();
}

/** Record of a scatter-list event whose arrays are found relative to their fields. */
export function sgRecord(device: string, physical: readonly number[], dma: number, length: number): Uint8Array {
  const text = new Bytes().text(device).u(0, 1).pad(4).done();
  const at = 32 + text.length;
  const after = at + physical.length * 8;
  const word = (from: number, field: number, bytes: number): number => (from - field - 4) | (bytes << 16);
  const record = new Bytes().u(78, 2).u(8, 1).u(0, 1).u(42, 4);
  record.u(word(32, 8, device.length + 1), 4).u(1, 4);
  record
    .u(word(at, 16, physical.length * 8), 4)
    .u(word(after, 20, 8), 4)
    .u(word(after + 8, 24, 4), 4)
    .u(2, 4);
  record.bytes(text);
  for (const pa of physical) record.u(pa, 8);
  return record.u(dma, 8).u(length, 4).done();
}

/** A piece of a ring-buffer page. */
export type Piece =
  | { readonly record: Uint8Array; readonly delta: number; readonly long?: boolean }
  | { readonly extend: bigint }
  | { readonly stamp: bigint }
  | { readonly discard: number }
  | { readonly rest: true };

function piece(bytes: Bytes, one: Piece): void {
  if ('record' in one) {
    const { record, delta, long } = one;
    if (long)
      bytes
        .u((delta << 5) >>> 0, 4)
        .u(record.length + 4, 4)
        .bytes(record)
        .pad(4);
    else bytes.u(((delta << 5) | (record.length / 4)) >>> 0, 4).bytes(record);
  } else if ('extend' in one) bytes.u(((one.extend & 0x7ffffffn) << 5n) | 30n, 4).u(one.extend >> 27n, 4);
  else if ('stamp' in one) bytes.u(((one.stamp & 0x7ffffffn) << 5n) | 31n, 4).u((one.stamp >> 27n) & 0xffffffffn, 4);
  else if ('discard' in one)
    bytes
      .u((1 << 5) | 29, 4)
      .u(one.discard, 4)
      .bytes(new Uint8Array(one.discard - 4));
  else bytes.u(29, 4).bytes(new Uint8Array(64).fill(0xee));
}

/** A ring-buffer page; `missed` events lost before it (−1: number not stored). */
export function page(time: bigint, pieces: readonly Piece[], missed = 0): Uint8Array {
  const data = new Bytes();
  for (const one of pieces) piece(data, one);
  const flags = missed === 0 ? 0n : missed > 0 ? 0xc0000000n : 0x80000000n;
  const bytes = new Bytes()
    .u(time, 8)
    .u(BigInt(data.length) | flags, 8)
    .bytes(data.done());
  if (missed > 0) bytes.u(missed, 8);
  return bytes.pad(PAGE_SIZE).done();
}

function packed(data: Uint8Array, compression: 'zlib' | 'none'): Uint8Array {
  if (compression === 'none') return data;
  const small = zlibSync(data);
  return new Bytes().u(small.length, 4).u(data.length, 4).bytes(small).done();
}

function section(id: number, flag: number, data: Uint8Array): Uint8Array {
  return new Bytes().u(id, 2).u(flag, 2).u(0, 4).u(data.length, 8).bytes(data).done();
}

function option(id: number, data: Uint8Array): Uint8Array {
  return new Bytes().u(id, 2).u(data.length, 4).bytes(data).done();
}

function eventFormats(): Uint8Array {
  const systems = new Bytes().u(2, 4);
  for (const [system, format] of [
    ['iommu', MAP_FORMAT],
    ['dma', SG_FORMAT],
  ] as const) {
    systems.text(system).u(0, 1).u(1, 4).u(format.length, 8).text(format);
  }
  return systems.done();
}

function commandLines(): Uint8Array {
  const tasks = '42 worker\n43 other one\n';
  return new Bytes().u(tasks.length, 8).text(tasks).done();
}

/** Where the parts of a file lie. */
interface Places {
  formats: number;
  tasks: number;
  buffer: number;
  cpus: { offset: number; size: number }[];
}

function options(places: Places, statistics: string): Uint8Array {
  const buffer = new Bytes().u(places.buffer, 8).u(0, 1).text('local').u(0, 1).u(PAGE_SIZE, 4).u(places.cpus.length, 4);
  for (const [cpu, { offset, size }] of places.cpus.entries()) buffer.u(cpu, 4).u(offset, 8).u(size, 8);
  const list = new Bytes().bytes(option(18, new Bytes().u(places.formats, 8).done()));
  list.bytes(option(21, new Bytes().u(places.tasks, 8).done()));
  list.bytes(option(2, new TextEncoder().encode(statistics))).bytes(option(3, buffer.done()));
  return list.bytes(option(0, new Bytes().u(0, 8).done())).done();
}

/** A version-7 file of one buffer; `cpus` are the pages of each processor. */
export function datFile(
  cpus: readonly (readonly Uint8Array[])[],
  compression: 'zlib' | 'none',
  statistics = '',
): Uint8Array {
  const flag = compression === 'none' ? 0 : 1;
  const head = new Bytes().u(0x17, 1).u(8, 1).text('Dtracing7').u(0, 1).u(0, 1).u(8, 1).u(PAGE_SIZE, 4);
  head.text(compression).u(0, 1).text('1').u(0, 1);
  const formats = section(18, flag, packed(eventFormats(), compression));
  const tasks = section(21, flag, packed(commandLines(), compression));
  const blobs = cpus.map((pages) => {
    const chunks = new Bytes();
    if (flag === 1) chunks.u(pages.length, 4);
    for (const one of pages) chunks.bytes(packed(one, compression));
    return chunks.done();
  });
  const places: Places = { formats: head.length + 8, tasks: 0, buffer: 0, cpus: [] };
  places.tasks = places.formats + formats.length;
  places.buffer = places.tasks + tasks.length;
  let at = places.buffer + 16;
  for (const blob of blobs) {
    at = Math.ceil(at / PAGE_SIZE) * PAGE_SIZE;
    places.cpus.push({ offset: at, size: blob.length });
    at += blob.length;
  }
  const file = head
    .u(at, 8)
    .bytes(formats)
    .bytes(tasks)
    .bytes(section(3, flag, new Uint8Array(0)));
  for (const blob of blobs) file.pad(PAGE_SIZE).bytes(blob);
  return file.bytes(section(0, 0, options(places, statistics))).done();
}
