import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { CAPTURES, type ReplayJson, type RowJson, replayJson, withFile } from './helpers.ts';

const FOLDER = join(CAPTURES, 'arm64-smmuv3-612-blk-strict');
const FILES = ['trace_boot.txt', 'trace.txt.gz', 'trace_live.txt.gz'].map((name) => join(FOLDER, name));
const ARGS = [...FILES, '--until', 'pause live-io', '--path', 'one-walk'];

async function rowOf(...flags: string[]): Promise<RowJson> {
  const { rows } = await replayJson(...ARGS, ...flags);
  expect(rows.length).toBe(1);
  return rows[0] as RowJson;
}

function leafCount(row: RowJson): number {
  return Object.values(row.leaves).reduce((sum, count) => sum + count, 0);
}

const UNIT: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

function leafBytes(row: RowJson): number {
  const bytes = (size: string): number => Number(size.slice(0, -1)) * (UNIT[size.slice(-1)] ?? Number.NaN);
  return Object.entries(row.leaves).reduce((sum, [size, count]) => sum + bytes(size) * count, 0);
}

describe('what-ifs', () => {
  it('other input addresses change neither bytes nor refusals', async () => {
    const kept = await rowOf();
    for (const policy of ['packed', 'aligned']) {
      const row = await rowOf('--iova', policy);
      expect(row.refused).toEqual([]);
      expect(leafBytes(row)).toBe(leafBytes(kept));
    }
  });

  it('contiguous memory with aligned input addresses needs no more leaves, and unmaps as much', async () => {
    const kept = await rowOf();
    for (const policy of ['contiguous-64k', 'contiguous-2m']) {
      const row = await rowOf('--iova', 'aligned', '--physical', policy);
      expect(row.refused).toEqual([]);
      expect(leafBytes(row)).toBe(leafBytes(kept));
      expect(leafCount(row)).toBeLessThanOrEqual(leafCount(kept));
    }
  });

  it('a larger granule rounds to it: fewer and larger leaves', async () => {
    const kept = await rowOf();
    for (const [granule, bytes] of [
      ['16K', 0x4000],
      ['64K', 0x10000],
    ] as const) {
      const row = await rowOf('--granule', granule);
      expect(row.refused).toEqual([]);
      expect(leafCount(row)).toBeLessThan(leafCount(kept));
      expect(leafBytes(row)).toBeGreaterThanOrEqual(leafBytes(kept));
      expect(leafBytes(row) % bytes).toBe(0);
    }
  });

  it('lazy invalidation invalidates less often and ends with the same leaves', async () => {
    const strict = await rowOf();
    const lazy = await rowOf('--tlb', 'lazy');
    expect(lazy.refused).toEqual([]);
    expect(lazy.leaves).toEqual(strict.leaves);
    expect(lazy.counts['tlbSync'] ?? 0).toBeLessThan((strict.counts['tlbSync'] ?? 0) / 4);
    expect(lazy.counts['tablesFreed']).toBe(strict.counts['tablesFreed']);
  });
});

describe('targets with small address spaces', () => {
  it.each(['arm-v7s', 'arm-mali-lpae', 'apple-dart', 'arm-32-lpae-s1', 'arm-32-lpae-s2'])(
    '%s: what cannot be held is refused, counted and named',
    async (format) => {
      const row = await rowOf('--format', format);
      const whole = await rowOf();
      const refused = row.refused.reduce((sum, { count }) => sum + count, 0);
      for (const { code, first } of row.refused) {
        expect(code).toMatch(/^[A-Z_]+$/);
        expect(first.length).toBeGreaterThan(10);
      }
      if (refused === 0) expect(leafBytes(row)).toBe(leafBytes(whole));
      else expect(leafBytes(row)).toBeLessThanOrEqual(leafBytes(whole));
      expect(leafBytes(row) + refused).toBeGreaterThan(0);
    },
  );
});

const LINE = '  dd-1 [000] .....  1.000001: map: IOMMU: iova=0x1000 - 0x2000 paddr=0x8000 size=4096\n';

async function replayText(text: string | Uint8Array): Promise<ReplayJson> {
  return await withFile(text, 'trace.txt', (path) => replayJson(path, '--path', 'one-walk'));
}

describe('unusable input', () => {
  it('leaves with 3 and says what it is', async () => {
    for (const [bytes, message] of [
      ['', /is empty/],
      [new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 3, 0, 0, 0, 0]), /begins with the bytes 7f 45 4c 46/],
      ['hello\nworld\n', /first line is 'hello'/],
    ] as const) {
      const { status, error } = await withFile(bytes, 'x.txt', (path) => runCli('replay', path));
      expect(status).toBe(3);
      expect(error).toMatch(message);
    }
    expect((await runCli('replay', '/does/not/exist')).status).toBe(3);
  });

  it('leaves with 2 for wrong usage', async () => {
    for (const args of [
      [],
      ['--path', 'sideways', 'x'],
      ['--granule', '5K', 'x'],
      ['x', '--report', 'out.txt'],
      ['x', '-o', 'out.bmp'],
    ]) {
      expect((await runCli('replay', ...args)).status).toBe(2);
    }
  });

  it('counts and names events that it does not know', async () => {
    const odd = '  dd-1 [000] .....  1.000002: sched_wakeup: comm=x pid=3\n';
    const { trace, live } = await replayText(LINE + odd + odd);
    expect(trace.events).toBe(1);
    expect(trace.skipped).toMatchObject([{ count: 2, reason: expect.stringContaining('sched_wakeup') as string }]);
    expect(live.endBytes).toBe(4096);
  });

  it('gives what stands before the cut of a file, wherever it is cut', async () => {
    const text =
      LINE + LINE.replaceAll('0x1000', '0x3000').replaceAll('0x2000', '0x4000').replace('1.000001', '1.000002');
    for (let length = LINE.length; length <= text.length; length++) {
      const { live } = await replayText(text.slice(0, length));
      expect([4096, 8192]).toContain(live.endBytes);
    }
  });

  it('refuses an --until that matches no mark', async () => {
    const { status, error } = await withFile(LINE, 'trace.txt', (path) =>
      runCli('replay', path, '--until', 'no such mark', '--json', '--quiet'),
    );
    expect(status).toBe(2);
    expect(error).toContain("got 'no such mark'");
  });

  it('refuses files that cannot be of one boot in this order', async () => {
    const [boot = '', trace = ''] = FILES;
    const { status, error } = await runCli('replay', trace, boot, '--quiet');
    expect(status).toBe(3);
    expect(error).toMatch(
      /trace_boot\.txt: expected .* got a first event at .* s, before .* s, where .*trace\.txt\.gz ends/,
    );
  });

  it('leaves with 3 for a trace that has nothing to replay, and 1 where leaks were asked for', async () => {
    const mark = '  sh-1 [000] .....  1.500000: tracing_mark_write: begin\n';
    expect((await withFile(mark, 'trace.txt', (path) => runCli('replay', path))).status).toBe(3);
    expect((await withFile(LINE, 'trace.txt', (path) => runCli('replay', path))).status).toBe(0);
    expect((await withFile(LINE, 'trace.txt', (path) => runCli('replay', path, '--leaks'))).status).toBe(1);
  });
});
