import { readFileSync } from 'node:fs';
import { deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openDump } from '../../src/dump/open.ts';
import { writeSnapshot } from '../../src/dump/snapshot-writer.ts';
import type { ByteSource, Dump } from '../../src/dump/types.ts';
import { InputError } from '../../src/errors.ts';
import { createRandom } from '../fault/world.ts';
import { elfCore, flattened, kdumpFile, pattern, type Run, sparseText } from './builders.ts';

/** A source that notes the largest read and all bytes read: the work of a reader, whatever its fields claim. */
function watched(bytes: Uint8Array): { source: ByteSource; work: { largest: number; total: number } } {
  const work = { largest: 0, total: 0 };
  const source: ByteSource = {
    size: bytes.length,
    read: (offset, length) => {
      work.largest = Math.max(work.largest, length);
      const piece = bytes.subarray(Math.min(offset, bytes.length), Math.min(offset + length, bytes.length));
      work.total += piece.length + 16;
      return piece;
    },
  };
  return { source, work };
}

function readSome(dump: Dump): void {
  for (const { start, bytes } of dump.extents.slice(0, 50)) {
    for (const at of [start - 8, start, start + bytes - 8, start + bytes]) dump.reader.read64(at - (at % 8));
    dump.page(start - (start % 4096));
  }
  for (const at of [0, 0x1000, 2 ** 52, Number.MAX_SAFE_INTEGER - 7]) dump.reader.read64(at);
  expect(dump.notes.every((note) => note.count > 0)).toBe(true);
}

/** Opens and reads: a dump, or an error with a name; and work that has to do with the size of the file. */
async function survives(bytes: Uint8Array): Promise<'dump' | 'refused'> {
  const { source, work } = watched(bytes);
  try {
    readSome(await openDump(source, { unpackLimit: 1 << 24 }));
    expect(work.largest).toBeLessThan(1 << 25);
    expect(work.total).toBeLessThan(64 * bytes.length + (1 << 22));
    return 'dump';
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return 'refused';
  }
}

const runs: Run[] = [
  { start: 0x8000_0000, bytes: pattern(5000, 1) },
  { start: 0x8010_0000, bytes: pattern(12_288, 2) },
];
const pages = new Map([1, 2, 9, 40].map((pfn) => [pfn, pattern(4096, pfn).map((byte) => byte & 3)]));
const kdump = kdumpFile({ wide: true, dumpLevel: 31, flag: 1, pack: deflateSync, pages });
const narrow = kdumpFile({ wide: false, dumpLevel: 1, flag: 1, pack: deflateSync, pages, split: [2, 30] });
const snapshotPages = [...pages].map(([pfn, bytes]) => ({ address: pfn * 4096, bytes }));
const debugfs = [
  'IOMMU: dmar0 Register Base Address: fed90000',
  'GSTS            \t0x1c\t\t0x0000000087000000',
  'Device 0000:00:06.0 @0x143f87000',
  'IOVA_PFN\t\tPML5E\t\t\tPML4E\t\t\tPDPE\t\t\tPDE\t\t\tPTE',
  '0x0000000100000 |\t0x0000000000000000\t0x0000000143f88003\t0x0000000143f89003\t0x0000000143f8a003\t0x0000000000001003',
  '',
].join('\n');

const FILES: Readonly<Record<string, Uint8Array>> = {
  'sparse pages': new TextEncoder().encode(sparseText(runs)),
  'sparse pages, gzip': gzipSync(sparseText(runs)),
  'ELF 64': elfCore(runs, true),
  'ELF 32': elfCore(runs, false),
  kdump,
  'kdump, 32 bits, split': narrow,
  'kdump, flattened': flattened(kdump, [3000, 10_000]),
  'kdump of QEMU': gunzipSync(readFileSync('test/dump/fixtures/qemu-7.2-flattened-zlib.kdump.gz')).subarray(0, 60_000),
  snapshot: Buffer.concat([...writeSnapshot({ pages: snapshotPages })]),
  debugfs: new TextEncoder().encode(debugfs),
};

describe.each(Object.entries(FILES))('%s', (_, file) => {
  it('cut off anywhere is refused by name or read in part', async () => {
    const step = Math.max(1, Math.floor(file.length / 150));
    for (let cut = 0; cut < file.length; cut += step) await survives(file.subarray(0, cut));
  });

  it('with bytes changed is refused by name or read in part', async () => {
    const random = createRandom(file.length);
    const seen = new Set<string>();
    for (let round = 0; round < 300; round++) {
      const broken = Uint8Array.from(file);
      const where = round % 2 === 0 ? Math.min(600, file.length) : file.length;
      for (let i = 0; i <= round % 7; i++) broken[random(where)] = random(256);
      seen.add(await survives(broken));
    }
    expect(seen.size).toBeGreaterThan(0);
  });

  it('with absurd values in any field of its heads and tails does no work in proportion to them', async () => {
    const ends = [
      ...Array.from({ length: 160 }, (_x, i) => i * 4),
      ...Array.from({ length: 30 }, (_x, i) => file.length - 4 * i),
    ];
    for (const at of [...ends, ...Array.from({ length: 30 }, (_x, i) => 4096 + 4 * i)]) {
      for (const value of [0xffff_ffff, 0x7fff_ffff, 0x0100_0000]) {
        if (at < 0 || at + 4 > file.length) continue;
        const broken = Uint8Array.from(file);
        new DataView(broken.buffer).setUint32(at, value, true);
        await survives(broken);
      }
    }
  });
});

describe('bytes that are nothing', () => {
  it('are refused, also behind the first bytes of every kind', async () => {
    const random = createRandom(3);
    for (let round = 0; round < 200; round++) {
      const noise = pattern(200 + random(20_000), round);
      const heads = Object.values(FILES).map((file) => file.subarray(0, 8 + random(120)));
      const head = heads[random(heads.length)] ?? noise;
      await survives(Buffer.concat([head, noise]));
      expect(await survives(noise)).toBe('refused');
    }
  });

  it('that would be a file of many terabytes when flattened are refused', async () => {
    const head = new Uint8Array(flattened(kdump, [1 << 20]));
    new DataView(head.buffer).setBigInt64(4096, 2n ** 50n);
    expect(await survives(head)).toBe('refused');
  });
});
