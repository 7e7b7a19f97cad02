import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openDump } from '../../src/dump/open.ts';
import { parseRegisters } from '../../src/dump/registers.ts';
import { dumpPages, type SnapshotInput, writeSnapshot } from '../../src/dump/snapshot-writer.ts';
import { memorySource } from '../../src/dump/source.ts';
import type { Dump } from '../../src/dump/types.ts';
import { IommuError } from '../../src/errors.ts';
import { elfCore, pattern, type Run } from './builders.ts';

function snapshotOf(input: SnapshotInput): Uint8Array {
  return Buffer.concat([...writeSnapshot(input)]);
}

function open(bytes: Uint8Array): Promise<Dump> {
  return openDump(memorySource(bytes));
}

const page = (address: number, seed: number): { address: number; bytes: Uint8Array } => ({
  address: address * 4096,
  bytes: seed % 3 === 0 ? new Uint8Array(4096) : pattern(4096, seed).map((byte) => (seed % 3 === 1 ? byte : byte & 1)),
});

const CAPTURE = 'test/captures/arm64-smmuv3-612-vfio';

describe('snapshots', () => {
  it('give back the pages that were written, and nothing outside them', async () => {
    const plan = fc.uniqueArray(fc.nat({ max: 3000 }), { minLength: 1, maxLength: 700 });
    await fc.assert(
      fc.asyncProperty(plan, fc.nat({ max: 100 }), async (numbers, seed) => {
        const pages = numbers.sort((a, b) => a - b).map((n) => page(0x8_0000_0000 + n, n + seed));
        const dump = await open(snapshotOf({ pages }));
        const held = new Map(pages.map((p) => [p.address, p.bytes]));
        for (let n = 0; n <= 3001; n++) {
          const address = (0x8_0000_0000 + n) * 4096;
          const [got, want] = [dump.page(address), held.get(address)];
          const same = got && want ? Buffer.compare(got, want) === 0 : got === want;
          if (!same) expect.fail(`page ${address.toString(16)}`);
        }
        expect(dump.extents.reduce((sum, extent) => sum + extent.bytes, 0)).toBe(4096 * pages.length);
      }),
      { numRuns: 20 },
    );
  });

  it('give back registers and geometry as they were', async () => {
    const registers = parseRegisters(readFileSync(`${CAPTURE}/regs-vfio-mapped.json`, 'utf8'));
    const geometry = {
      format: 'arm-64-lpae-s1',
      granule: 4096,
      ias: 48,
      oas: 44,
      roots: [0x1_0000_0000_0000],
      quirks: ['non-strict'],
    };
    const dump = await open(snapshotOf({ pages: [], registers, geometry }));
    expect(dump.registers).toEqual(registers);
    expect(dump.geometry).toEqual(geometry);
  });

  it('hold a capture, page for page, in less than a quarter of its pages', async () => {
    const source = await open(readFileSync(`${CAPTURE}/tables-vfio-mapped.jsonl.gz`));
    const bytes = snapshotOf({ pages: dumpPages(source) });
    const copy = await open(bytes);
    expect(copy.extents).toEqual(source.extents);
    let pages = 0;
    for (const { address, bytes: want } of dumpPages(source)) {
      expect(Buffer.compare(copy.page(address) ?? new Uint8Array(), want)).toBe(0);
      pages++;
    }
    expect(bytes.length).toBeLessThan((pages * 4096) / 4);
  });

  it('keep which bytes of a page are known', async () => {
    const runs: Run[] = [
      { start: 0x1008, bytes: pattern(100, 1) },
      { start: 0x1200, bytes: pattern(0x2000, 2) },
    ];
    const source = await open(elfCore(runs, true));
    const copy = await open(snapshotOf({ pages: dumpPages(source) }));
    for (let at = 0; at < 0x5000; at += 8) expect(copy.reader.read64(at)).toBe(source.reader.read64(at));
  });

  it.each([[[4096, 0]], [[0, 0]], [[12]]])('refuse pages that are not in order or not aligned: %j', (addresses) => {
    const pages = addresses.map((address) => ({ address, bytes: new Uint8Array(4096) }));
    expect(() => snapshotOf({ pages })).toThrow(IommuError);
  });

  it('refuse another version by name', async () => {
    const bytes = snapshotOf({ pages: [page(1, 1)] });
    bytes[8] = 2;
    await expect(open(bytes)).rejects.toMatchObject({ code: 'UNSUPPORTED_INPUT' });
  });

  it('refuse a run of several pages that are not zero: each such page has a run of its own', async () => {
    const bytes = snapshotOf({ pages: [page(1, 1)] });
    const trailer = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 40);
    const pages = Number(trailer.getBigUint64(0, true)) + 16;
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(pages, 0xffffffff, true);
    await expect(open(bytes)).rejects.toMatchObject({ code: 'MALFORMED' });
  });

  it('refuse a file that was cut', async () => {
    const bytes = snapshotOf({ pages: [page(1, 1), page(2, 2)] });
    for (let cut = 16; cut < bytes.length; cut += 13) {
      await expect(open(bytes.subarray(0, cut))).rejects.toMatchObject({ code: 'TRUNCATED' });
    }
  });
});
