import { readFileSync } from 'node:fs';
import { deflateSync, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { COMPRESSION, type Decompressor, makeDecompressors } from '../../src/dump/compression.ts';
import { isDamage } from '../../src/dump/notes.ts';
import { openDump } from '../../src/dump/open.ts';
import { memorySource } from '../../src/dump/source.ts';
import { flattened, kdumpFile, pattern } from './builders.ts';

const FIXTURES = 'test/dump/fixtures';

function fixture(name: string): Uint8Array {
  return gunzipSync(readFileSync(`${FIXTURES}/${name}`));
}

interface PackedBlock {
  readonly raw: Uint8Array;
  readonly lzo: Uint8Array;
  readonly lzo999: Uint8Array;
  readonly snappy: Uint8Array;
  readonly zstd: Uint8Array;
}

const blocks: readonly PackedBlock[] = (
  JSON.parse(Buffer.from(fixture('packed-blocks.json.gz')).toString()) as Record<keyof PackedBlock, string>[]
).map(
  (row) =>
    Object.fromEntries(
      Object.entries(row).map(([key, text]) => [key, Buffer.from(text, 'base64')]),
    ) as unknown as PackedBlock,
);

let unpackers: ReadonlyMap<number, Decompressor>;
beforeAll(async () => {
  unpackers = await makeDecompressors();
});

const LIBRARIES: readonly [keyof PackedBlock, number][] = [
  ['lzo', COMPRESSION.lzo],
  ['lzo999', COMPRESSION.lzo],
  ['snappy', COMPRESSION.snappy],
  ['zstd', COMPRESSION.zstd],
];

describe('decompressors', () => {
  it.each(LIBRARIES)('unpack what the reference library packed: %s', (key, flag) => {
    expect(blocks.length).toBe(11);
    for (const block of blocks) {
      const got = unpackers.get(flag)?.(block[key], block.raw.length);
      expect(Buffer.compare(got ?? new Uint8Array(), block.raw)).toBe(0);
    }
  });

  it.each(LIBRARIES)('give nothing for a cut block, and never throw on a changed one: %s', (key, flag) => {
    for (const block of blocks.slice(0, 10)) {
      const unpack = (packed: Uint8Array): Uint8Array | undefined => unpackers.get(flag)?.(packed, 4096);
      for (let cut = 0; cut < block[key].length; cut += 97) expect(unpack(block[key].subarray(0, cut))).toBeUndefined();
      for (let seed = 0; seed < 40; seed++) {
        const broken = Uint8Array.from(block[key]);
        for (const noise of pattern(6, seed)) broken[(noise * 131 + seed) % broken.length] = noise;
        const got = unpack(broken);
        if (got !== undefined) expect(got.length).toBe(4096);
      }
    }
  });

  it('refuse a length that is not the one packed', () => {
    for (const [key, flag] of LIBRARIES) {
      const block = blocks[1] as PackedBlock;
      expect(unpackers.get(flag)?.(block[key], 4095)).toBeUndefined();
      expect(unpackers.get(flag)?.(block[key], 8192)).toBeUndefined();
    }
  });
});

const PACKERS: readonly [string, number, (page: Uint8Array) => Uint8Array][] = [
  ['zlib', COMPRESSION.zlib, deflateSync],
  ...LIBRARIES.map(([key, flag]): [string, number, (page: Uint8Array) => Uint8Array] => [
    key,
    flag,
    (page) => blocks.find((block) => Buffer.compare(block.raw, page) === 0)?.[key] ?? page,
  ]),
];

/** Pages by number: some held, some left out. */
const planArbitrary = fc.record({
  wide: fc.boolean(),
  dumpLevel: fc.constantFrom(0, 1, 31),
  held: fc.uniqueArray(fc.nat({ max: 400 }), { minLength: 1, maxLength: 12 }),
  left: fc.array(fc.nat({ max: 400 }), { maxLength: 8 }),
});

const ZERO = new Uint8Array(4096);

async function expectPages(bytes: Uint8Array, want: (pfn: number) => Uint8Array | undefined): Promise<void> {
  const dump = await openDump(memorySource(bytes));
  const wrong: number[] = [];
  for (let pfn = 0; pfn < 402; pfn++) {
    const [got, wanted] = [dump.page(pfn * 4096), want(pfn)];
    const same = got && wanted ? Buffer.compare(got, wanted) === 0 : got === wanted;
    if (!same) wrong.push(pfn);
  }
  expect(wrong).toEqual([]);
}

describe('compressed kernel dumps', () => {
  it.each(PACKERS)('give the pages that were packed, unknown or zero for those left out: %s', async (_, flag, pack) => {
    await fc.assert(
      fc.asyncProperty(planArbitrary, async ({ wide, dumpLevel, held, left }) => {
        const pages = new Map<number, Uint8Array | undefined>(left.map((pfn) => [pfn, undefined]));
        for (const [i, pfn] of held.entries()) pages.set(pfn, blocks[i % 10]?.raw);
        const file = kdumpFile({ wide, dumpLevel, flag, pack, pages });
        for (const bytes of [file, flattened(file, [5000, 1, 4096, 77])]) {
          await expectPages(bytes, (pfn) => pages.get(pfn) ?? (dumpLevel === 1 && pages.has(pfn) ? ZERO : undefined));
        }
      }),
      { numRuns: 8 },
    );
  });

  it('tells the layouts of 32 and 64 bits apart where the number of pages looks like a block size', async () => {
    for (const wide of [true, false]) {
      for (const pfn of [4095, 8191, 16383, 32767]) {
        const raw = blocks[1]?.raw;
        const file = kdumpFile({ wide, dumpLevel: 0, flag: 1, pack: deflateSync, pages: new Map([[pfn, raw]]) });
        const dump = await openDump(memorySource(file));
        expect(Buffer.compare(dump.page(pfn * 4096) ?? new Uint8Array(), raw ?? new Uint8Array())).toBe(0);
      }
    }
  });

  it('reads only its own pages of a split dump', async () => {
    const pages = new Map(blocks.slice(0, 10).map((block, i) => [i * 3, block.raw as Uint8Array | undefined]));
    for (const wide of [true, false]) {
      const file = kdumpFile({ wide, dumpLevel: 0, flag: 1, pack: deflateSync, pages, split: [9, 20] });
      const dump = await openDump(memorySource(file));
      for (const [pfn, raw] of pages) {
        const got = dump.page(pfn * 4096);
        if (pfn >= 9 && pfn < 20) expect(Buffer.compare(got ?? new Uint8Array(), raw ?? new Uint8Array())).toBe(0);
        else expect(got).toBeUndefined();
      }
      const note = dump.notes.find(({ code }) => code === 'split-part');
      expect(note?.text).toMatch(/0x9000 to 0x14000 only: join the parts with makedumpfile --reassemble/);
      expect(note !== undefined && isDamage(note)).toBe(true);
    }
  });

  it('says nothing of parts of a dump that is whole', async () => {
    const pages = new Map([[3, blocks[0]?.raw as Uint8Array | undefined]]);
    const dump = await openDump(
      memorySource(kdumpFile({ wide: true, dumpLevel: 0, flag: 1, pack: deflateSync, pages })),
    );
    expect(dump.notes.map(({ code }) => code)).not.toContain('split-part');
  });

  it('equals what QEMU saved of the same guest as ELF core and as raw memory', async () => {
    const raw = await openDump(memorySource(fixture('qemu-7.2-pmemsave.bin.gz')), { base: 0x4000_0000 });
    for (const name of ['qemu-7.2-flattened-zlib.kdump.gz', 'qemu-7.2-elf.core.gz']) {
      const dump = await openDump(memorySource(readFileSync(`${FIXTURES}/${name}`)));
      expect(dump.extents).toEqual(raw.extents);
      for (let address = 0x4000_0000; address < 0x4020_0000; address += 4096) {
        const [got, want] = [dump.page(address), raw.page(address)];
        expect(Buffer.compare(got ?? new Uint8Array(), want ?? new Uint8Array())).toBe(0);
      }
      expect(dump.page(0x4020_0000)).toBeUndefined();
    }
  });

  it('counts pages whose packed bytes are broken', async () => {
    const pages = new Map([[3, blocks[1]?.raw]]);
    const file = kdumpFile({ wide: true, dumpLevel: 0, flag: COMPRESSION.lzo, pack: () => pattern(64, 9), pages });
    const dump = await openDump(memorySource(file));
    expect(dump.page(3 * 4096)).toBeUndefined();
    expect(dump.notes).toMatchObject([{ code: 'pages-unreadable', count: 1 }]);
  });
});
