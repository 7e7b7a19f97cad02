import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openDump } from '../../src/dump/open.ts';
import { parseRegisters } from '../../src/dump/registers.ts';
import { memorySource } from '../../src/dump/source.ts';
import { InputError } from '../../src/errors.ts';
import { elfCore, expected64, pattern, type Run, sparseText } from './builders.ts';

const CAPTURES = 'test/captures';

function filesOf(prefix: string, suffix: string): string[] {
  return readdirSync(CAPTURES, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.includes(`/${prefix}`) && path.endsWith(suffix))
    .map((path) => `${CAPTURES}/${path}`);
}

/** Runs that do not overlap, sorted, 8-aligned, of odd sizes. */
const runsArbitrary = fc
  .array(
    fc.record({ gap: fc.nat({ max: 700 }), length: fc.integer({ min: 1, max: 9000 }), seed: fc.nat({ max: 9999 }) }),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((parts) => {
    let at = 0x8000_0000;
    return parts.map(({ gap, length, seed }): Run => {
      const start = at + gap * 8;
      at = Math.ceil((start + length) / 8) * 8;
      return { start, bytes: pattern(length, seed) };
    });
  });

async function expectEqualMemory(bytes: Uint8Array, runs: readonly Run[], base?: number): Promise<void> {
  const dump = await openDump(memorySource(bytes), base === undefined ? {} : { base });
  const [first, last] = [runs[0], runs.at(-1)];
  if (first === undefined || last === undefined) throw new Error('no runs');
  for (let at = first.start - 8; at < last.start + last.bytes.length + 16; at += 8) {
    const value = expected64(runs, at);
    if (dump.reader.read64(at) !== value) expect(dump.reader.read64(at), `at ${at.toString(16)}`).toBe(value);
  }
  const known = dump.extents.reduce((sum, extent) => sum + extent.bytes, 0);
  expect(known).toBe(runs.reduce((sum, run) => sum + run.bytes.length, 0));
}

describe('readers of memory', () => {
  it('gives the bytes of sparse pages, plain and gzip, and nothing outside them', async () => {
    await fc.assert(
      fc.asyncProperty(runsArbitrary, async (runs) => {
        const text = new TextEncoder().encode(sparseText(runs));
        await expectEqualMemory(text, runs);
        await expectEqualMemory(gzipSync(text), runs);
      }),
      { numRuns: 25 },
    );
  });

  it('gives the bytes of an ELF core of 32 and 64 bits at their physical addresses', async () => {
    await fc.assert(
      fc.asyncProperty(runsArbitrary, fc.boolean(), async (runs, wide) => {
        await expectEqualMemory(elfCore(runs, wide), runs);
      }),
      { numRuns: 50 },
    );
  });

  it('gives the bytes of a raw image from its base on', async () => {
    const bytes = pattern(20_003, 7);
    await expectEqualMemory(bytes, [{ start: 0x1_2345_6008, bytes }], 0x1_2345_6008);
  });

  it('reads every page of every capture as the file has it', async () => {
    const files = filesOf('tables-', '.jsonl.gz');
    expect(files.length).toBeGreaterThan(20);
    for (const file of files) {
      const packed = readFileSync(file);
      const dump = await openDump(memorySource(packed), { name: file });
      expect(dump.notes).toEqual([]);
      for (const line of gunzipSync(packed).toString().trim().split('\n')) {
        const row = JSON.parse(line) as { pa: string; bytes_base64: string };
        const page = dump.page(Number(row.pa));
        expect(Buffer.from(page ?? []).toString('base64')).toBe(row.bytes_base64);
      }
    }
  });
});

describe('bulk reads of words', () => {
  it('equal single reads, within a page and over pages, and give nothing where a byte is unknown', async () => {
    const runs: Run[] = [
      { start: 0x10000, bytes: pattern(0x4000, 3) },
      { start: 0x15000, bytes: pattern(0x1004, 4) },
    ];
    const { reader } = await openDump(memorySource(elfCore(runs, true)));
    for (const [address, bytes] of [
      [0x10000, 0x4000],
      [0x10008, 64],
      [0x11ffc, 4],
      [0x15000, 0x1000],
      [0x12000, 0x1800],
    ] as const) {
      const words = reader.view?.(address, bytes);
      expect(words?.length).toBe(bytes / 4);
      expect([...(words ?? [])]).toEqual([...(words ?? [])].map((_, i) => reader.read32(address + 4 * i)));
    }
    for (const [address, bytes] of [
      [0x13000, 0x2000],
      [0x16000, 8],
      [0x9000, 4],
      [0x11004, 0x1000],
    ] as const) {
      expect(reader.view?.(address, bytes)).toBeUndefined();
    }
  });
});

describe('register files', () => {
  it('reads every capture, names and words alike', () => {
    const files = filesOf('regs-', '.json');
    expect(files.length).toBeGreaterThan(20);
    for (const file of files) {
      const text = readFileSync(file, 'utf8');
      const registers = parseRegisters(text, file);
      const json = JSON.parse(text) as { iommu: string; named: Record<string, unknown>; ram: unknown[] };
      expect(registers.iommu).toBe(json.iommu);
      expect(registers.ram.length).toBe(json.ram.length);
      for (const [name, value] of Object.entries(json.named)) {
        if (typeof value === 'string') expect(registers.named.get(name)).toBe(BigInt(value));
      }
      expect(registers.words.get(0)).toBeDefined();
    }
  });

  it('keeps arrays of registers by index', () => {
    const { named } = parseRegisters('{"iommu":"intel-vtd","named":{"FRCD":[["0x1","0x2"],["0x3","0x4"]]}}');
    expect(Object.fromEntries(named)).toEqual({
      'FRCD[0][0]': 1n,
      'FRCD[0][1]': 2n,
      'FRCD[1][0]': 3n,
      'FRCD[1][1]': 4n,
    });
  });

  it.each(['', '[]', '{"iommu":1}', '{"iommu":"x","named":{"A":"zz"}}', '{"iommu":"x","named":{},"regs":{"q":1}}'])(
    'refuses %j by name',
    (text) => {
      expect(() => parseRegisters(text)).toThrow(InputError);
    },
  );
});

describe('dumps that are not whole', () => {
  it('reports a row that is no page and reads the others', async () => {
    const runs: Run[] = [{ start: 0x1000, bytes: pattern(4096, 1) }];
    const text = `${sparseText(runs)}\n{"pa":"0x2000","bytes_base64":"AA`;
    const dump = await openDump(memorySource(new TextEncoder().encode(text)));
    expect(dump.notes).toMatchObject([{ code: 'rows-skipped', count: 1 }]);
    expect(dump.extents).toEqual([{ start: 0x1000, bytes: 4096 }]);
  });

  it('refuses ELF files other than cores: programs, libraries, object files', async () => {
    for (const [type, words] of Object.entries({ 1: 'object file', 2: 'program', 3: 'shared library' })) {
      for (const wide of [true, false]) {
        const file = elfCore([{ start: 0x1000, bytes: pattern(4096, 1) }], wide);
        new DataView(file.buffer).setUint16(16, Number(type), true);
        await expect(openDump(memorySource(file))).rejects.toThrow(new RegExp(`expected an ELF core, got .*${words}`));
      }
    }
  });

  it('cuts a segment at the end of the file and says so', async () => {
    const core = elfCore([{ start: 0x1000, bytes: pattern(4096, 1) }], true);
    const dump = await openDump(memorySource(core.subarray(0, core.length - 1000)));
    expect(dump.notes).toMatchObject([{ code: 'segment-cut', count: 1 }]);
    expect(dump.reader.read64(0x1000 + 3088)).toBeDefined();
    expect(dump.reader.read64(0x1000 + 3096)).toBeUndefined();
  });

  it('refuses a gzip that unpacks beyond the limit', async () => {
    const packed = gzipSync(new Uint8Array(1 << 22));
    await expect(openDump(memorySource(packed), { unpackLimit: 1 << 20 })).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });

  it('asks for a base where the bytes say nothing', async () => {
    await expect(openDump(memorySource(pattern(5000, 3)))).rejects.toMatchObject({ code: 'NOT_RECOGNISED' });
  });
});
