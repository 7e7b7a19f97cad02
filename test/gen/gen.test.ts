import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeTables } from '../../src/dump/decode.ts';
import { openDump } from '../../src/dump/open.ts';
import { writeSnapshot } from '../../src/dump/snapshot-writer.ts';
import { memorySource } from '../../src/dump/source.ts';
import { InputError } from '../../src/errors.ts';
import { FORMATS, formatById } from '../../src/formats/registry.ts';
import { type Image, imagePages, makeImage } from '../../src/gen/image.ts';
import { type MapLine, readMapList } from '../../src/gen/map-list.ts';
import { toAssembler, toC } from '../../src/gen/source-code.ts';
import { toImageData, toTree } from '../../src/gen/tree.ts';
import { givenTables } from '../../src/hardware/given.ts';
import { runCli } from '../support/cli.ts';

const AT = 0x48000000;
const GEOMETRIES = FORMATS.flatMap((format) => format.granules.map((granule) => ({ format: format.id, granule })));

interface Range {
  readonly iova: bigint;
  readonly pa: number;
  readonly bytes: number;
}

/** Neighbours that continue each other, joined, in order of input address. */
function joined(ranges: readonly Range[]): Range[] {
  const out: Range[] = [];
  for (const range of ranges.toSorted((a, b) => (a.iova < b.iova ? -1 : 1))) {
    const last = out.at(-1);
    const touches = last !== undefined && last.iova + BigInt(last.bytes) === range.iova;
    if (touches && last.pa + last.bytes === range.pa)
      out[out.length - 1] = { ...last, bytes: last.bytes + range.bytes };
    else out.push(range);
  }
  return out;
}

function rangesOf(lines: readonly MapLine[]): Range[] {
  return joined(lines.map(({ iova, pa, size }) => ({ iova, pa: Number(pa), bytes: size })));
}

async function decoded(image: Image, quirks: readonly string[] = []): Promise<Range[]> {
  const { format, oas } = image.geometry;
  const geometry = { format, granule: image.granule, ias: image.inputBits, oas, roots: image.roots, quirks };
  const bytes = Buffer.concat([...writeSnapshot({ pages: imagePages(image), geometry })]);
  const dump = await openDump(memorySource(bytes));
  if (dump.geometry === undefined) throw new Error('the snapshot does not describe itself');
  const { ranges, findings } = decodeTables(dump.reader, givenTables(dump.geometry), [], 'from dump');
  expect(findings).toEqual([]);
  return joined(ranges.map(({ iova, pa, bytes: size }) => ({ iova, pa, bytes: Number(size) })));
}

/** Lines that do not overlap: pieces of ascending slots of 64 granules; every third lies at the end of `reach` bits. */
function lists(granule: number, reach: number): fc.Arbitrary<MapLine[]> {
  const piece = fc.record({
    slot: fc.nat({ max: 400 }),
    from: fc.nat({ max: 30 }),
    pages: fc.integer({ min: 1, max: 33 }),
    page: fc.nat({ max: 1000 }),
  });
  return fc.uniqueArray(piece, { minLength: 1, maxLength: 12, selector: ({ slot }) => slot }).map((pieces) =>
    pieces.map(({ slot, from, pages, page }, i) => ({
      line: i + 1,
      iova: BigInt((slot * 64 + from) * granule + (i % 3 === 2 ? 2 ** reach - 500 * 64 * granule : 0)),
      pa: BigInt(0x40000000 + page * granule),
      size: pages * granule,
      prot: 3,
    })),
  );
}

describe.each(GEOMETRIES)('$format, granule $granule', ({ format, granule }) => {
  it('tables of a map list decode to the map list', async () => {
    const usual = formatById(format);
    const { ias, signExtends } = usual.configure(usual.request(granule, undefined, undefined));
    const reach = Math.min(47, signExtends ? ias - 1 : ias);
    await fc.assert(
      fc.asyncProperty(lists(granule, reach), async (lines) => {
        const image = makeImage(lines, 'list', { format, granule }, AT);
        expect(await decoded(image)).toEqual(rangesOf(lines));
      }),
      { numRuns: 12 },
    );
  });
});

it('upper-half addresses decode to themselves', async () => {
  const lines = readMapList('iova,pa,size,prot\n0xffff800000200000,0x80000000,2M,rw', 'list');
  const image = makeImage(lines, 'list', { quirks: ['ARM_TTBR1'] }, AT);
  expect(await decoded(image, ['arm-ttbr1'])).toEqual(rangesOf(lines));
});

describe('the program', () => {
  const folder = mkdtempSync(join(tmpdir(), 'iommu-gen-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(FORMATS.map(({ id }) => id))('%s: gen writes a snapshot that decode reads', async (format) => {
    const list = join(folder, 'maps.csv');
    const snapshot = join(folder, `${format}.snapshot`);
    writeFileSync(list, 'iova,pa,size,prot\n0x10000,0x40000000,64K,rw\n0x7f000000,0x48000000,32K,rw');
    expect(await runCli('gen', list, '--format', format, '--quiet', '-o', snapshot)).toMatchObject({ status: 0 });
    const { status, stdout } = await runCli('decode', snapshot, '--json');
    expect(status).toBe(0);
    const { domains } = JSON.parse(stdout) as { domains: { ranges: { iova: string; pa: string; bytes: string }[] }[] };
    expect(domains[0]?.ranges.map(({ iova, pa }) => [Number(iova), Number(pa)])).toEqual([
      [0x10000, 0x40000000],
      [0x7f000000, 0x48000000],
    ]);
  });

  it('quirks of a format go into the snapshot, and decode knows them', async () => {
    const list = join(folder, 'quirks.csv');
    const snapshot = join(folder, 'quirks.snapshot');
    writeFileSync(list, 'iova,pa,size,prot\n0xffffffff80000000,0x40000000,64K,rw');
    const quirks = ['--quirk', 'sign-extend', 'detailed-gather'];
    const made = await runCli('gen', list, '--format', 'riscv-sv39', ...quirks, '--quiet', '-o', snapshot);
    expect(made).toMatchObject({ status: 0 });
    expect((await runCli('walk', snapshot, '0xffffffff80001234')).stdout).toContain('0x40001234');
  });
});

describe('forms', () => {
  const TEXT = '0x10000,0x80000000,2M,rw\n0x40000000,0x40000000,4M,rwc\n0x7f000000,0x12340000,64K,r';
  const lines = readMapList(`iova,pa,size,prot\n${TEXT}`, 'list');

  /** The bytes that a C array's initialisers make. */
  function compileC(text: string, bytes: number, entryBytes: number): Uint8Array {
    const out = new DataView(new ArrayBuffer(bytes));
    for (const [, index, value] of text.matchAll(/\[(\d+)\] = (0x[0-9a-f]+)u/g)) {
      if (entryBytes === 8) out.setBigUint64(Number(index) * 8, BigInt(value ?? 0), true);
      else out.setUint32(Number(index) * 4, Number(value), true);
    }
    return new Uint8Array(out.buffer);
  }

  function assemble(text: string, bytes: number): Uint8Array {
    const out = new DataView(new ArrayBuffer(bytes));
    let at = 0;
    for (const [, directive, value] of text.matchAll(/^\t\.(quad|long|zero) (\S+)/gm)) {
      if (directive === 'quad') out.setBigUint64(at, BigInt(value ?? 0), true);
      if (directive === 'long') out.setUint32(at, Number(value), true);
      at += directive === 'quad' ? 8 : directive === 'long' ? 4 : Number(value);
    }
    expect(at).toBe(bytes);
    return new Uint8Array(out.buffer);
  }

  it.each(['arm-64-lpae-s1', 'arm-v7s', 'arm-mali-lpae'])(
    '%s: C and assembler hold the bytes of the binary',
    (format) => {
      const image = makeImage(lines, 'list', { format }, AT);
      const { entryBytes } = image.geometry;
      expect(compileC(toC(image), image.bytes.length, entryBytes)).toEqual(image.bytes);
      expect(assemble(toAssembler(image), image.bytes.length)).toEqual(image.bytes);
    },
  );

  it('JSON names every entry that is not zero', () => {
    const image = makeImage(lines, 'list', {}, AT);
    const answer = toImageData(image, 'given') as ReturnType<typeof toImageData> & {
      readonly tables: readonly { address: string; entries: { index: number; entry: string }[] }[];
    };
    const out = new DataView(new ArrayBuffer(image.bytes.length));
    for (const { address, entries } of answer.tables) {
      for (const { index, entry } of entries) out.setBigUint64(Number(address) - AT + index * 8, BigInt(entry), true);
    }
    expect(new Uint8Array(out.buffer)).toEqual(image.bytes);
  });

  it('the tree shows every table, and runs of leaves as one line', () => {
    const tree = toTree(makeImage(lines, 'list', {}, AT));
    expect(tree).toContain('root 0x48000000, level 0, iova 0x0');
    expect(tree).toContain('[0…1] 0x0000000040000f45 iova 0x40000000: 2 × 2M to 0x40000000, attributes 0xf45');
    expect(tree).toContain('[16…511] 0x0000000080000e43 iova 0x10000: 496 × 4K to 0x80000000, attributes 0xe43');
  });

  it('equal lists give equal bytes', () => {
    expect(makeImage(lines, 'list', {}, AT).bytes).toEqual(makeImage(lines, 'list', {}, AT).bytes);
  });
});

describe('map lists', () => {
  it('CSV in any order of columns and JSON lines say the same', () => {
    const csv = readMapList('# made by hand\nprot,size,pa,iova\n\nrw-n,0x1000,0x2000,4096\n', 'list');
    const json = readMapList('{"iova":"0x1000","pa":8192,"size":"4K","prot":11}\n', 'list');
    expect(csv.map(({ line: _, ...rest }) => rest)).toEqual(json.map(({ line: _, ...rest }) => rest));
  });

  it.each([
    ['iova,pa,size\n1,2,3', "got 'iova, pa, size', without prot"],
    ['iova,pa,size,prot\n0x1000,0x2000,4K', 'expected 4 cells, one under each heading, got 3'],
    ['iova,pa,size,prot\n0x1000,0x2000,4K,x', 'line 2'],
    ['iova,pa,size,prot\nzero,0x2000,4K,r', 'line 2'],
    ['{"iova":1', 'expected JSON, got'],
    ['', 'empty'],
  ])('%j is refused: %s', (text, why) => {
    expect(() => readMapList(text, 'list')).toThrow(InputError);
    expect(() => readMapList(text, 'list')).toThrow(why);
  });

  it('a line that cannot be mapped is named', () => {
    const overlap = readMapList('iova,pa,size,prot\n0x1000,0x2000,8K,r\n0x2000,0x2000,4K,r', 'list');
    expect(() => makeImage(overlap, 'list', {}, AT)).toThrow(/line 3: .*OVERLAP/);
    const unaligned = readMapList('iova,pa,size,prot\n0x1001,0x2000,8K,r', 'list');
    expect(() => makeImage(unaligned, 'list', {}, AT)).toThrow(/line 2: .*UNALIGNED/);
  });
});
