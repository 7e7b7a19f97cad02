import { expect, test } from 'vitest';
import { FORMATS } from '../../src/formats/index.ts';
import { runCli } from '../support/cli.ts';

interface Answer {
  readonly schema: string;
  readonly version: number;
  readonly formats: readonly { readonly id: string; readonly granules: readonly object[] }[];
  readonly notSupported: readonly { readonly what: string; readonly instead: string }[];
}

test('every format is listed with its page sizes, widths, quirks and source', async () => {
  const { status, stdout } = await runCli('formats', '--json');
  const answer = JSON.parse(stdout) as Answer;
  expect(status).toBe(0);
  expect(answer).toMatchObject({ schema: 'iommu.formats', version: 1 });
  expect(answer.formats.map(({ id }) => id)).toEqual(FORMATS.map(({ id }) => id));
  expect(answer.formats[0]).toMatchObject({
    id: 'arm-64-lpae-s1',
    granules: [
      { granule: 4096, pageSizes: [12, 16, 21, 25, 30, 34, 39].map((bits) => 2 ** bits) },
      { granule: 16384, pageSizes: [14, 21, 25, 30, 36].map((bits) => 2 ** bits) },
      { granule: 65536, pageSizes: [16, 21, 29, 34, 42].map((bits) => 2 ** bits) },
    ],
    quirks: ['ARM_NS', 'ARM_TTBR1', 'ARM_OUTER_WBWA', 'ARM_HD', 'NO_WARN', 'ARM_CONTIGUOUS', 'ARM_LPA2'],
    source: expect.stringContaining('DDI 0487'),
  });
  expect(answer.notSupported.every(({ what, instead }) => what.length > 0 && instead.length > 0)).toBe(true);
});

test('people get tables, programs get lines', async () => {
  const { stdout } = await runCli('formats');
  for (const { id } of FORMATS) expect(stdout).toContain(id);
  expect(stdout).toMatch(/arm-v7s +yes +4K 64K 1M 16M/);
  expect(stdout).toContain('Not supported');
  const csv = await runCli('formats', '--output', 'csv');
  expect(csv.stdout.trim().split('\n')).toHaveLength(FORMATS.length + 1);
});

test('what is not supported is refused by name', async () => {
  expect(await runCli('formats', '--output', 'svg')).toMatchObject({ status: 2 });
});

test('--semantics lists each rule in which a kernel differs from safe, with both values', async () => {
  const { status, stdout } = await runCli('formats', '--semantics', '--json');
  expect(status).toBe(0);
  const { differences } = JSON.parse(stdout) as { differences: Record<string, unknown>[] };
  expect(differences).toContainEqual({
    semantics: 'linux-7.3',
    formats: expect.arrayContaining(['vtd-ss', 'x86-64', 'amd-v1', 'riscv-sv39']),
    rule: 'partOfPage',
    value: 'whole page',
    safe: 'split',
  });
  expect(differences).toContainEqual({
    semantics: 'linux-7.3',
    formats: expect.arrayContaining(['arm-64-lpae-s1', 'arm-64-lpae-s2', 'arm-mali-lpae', 'arm-v7s']),
    rule: 'partOfPage',
    value: 'refused',
    safe: 'split',
  });
  for (const { value, safe } of differences) expect(value).not.toBe(safe);
});
