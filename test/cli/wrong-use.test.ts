/** Wrong use and wrong files: the status, and a refusal that names the option or the file, what was expected and what was got. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { unreadable } from '../../src/cli/system-errors.ts';
import { runCli } from '../support/cli.ts';

const AT = fileURLToPath(new URL('../../data/example/', import.meta.url));
const [TRACE, PAGES] = [`${AT}trace_vfio.txt`, `${AT}tables-vfio-mapped.jsonl.gz`];
const FOLDER = mkdtempSync(join(tmpdir(), 'wrong-use-'));
const TEXT = join(FOLDER, 'text');
const TABLE = join(FOLDER, 'table.csv');
const MAPS = join(FOLDER, 'maps.csv');
writeFileSync(MAPS, 'iova,pa,size,prot\n0x200000,0x80000000,2M,rw\n');
writeFileSync(TEXT, 'hello\nworld\n');
writeFileSync(TABLE, 'op,path,pages,us\nmap,per-page,1,0.6\nmap,per-page,16,9.5\n');
afterAll(() => rmSync(FOLDER, { recursive: true }));

const NONE = 'expected a file that can be read, got none: no such file or directory (UNREADABLE)';

test.each([
  ['replay', 'nofile'],
  ['compare', 'nofile', 'nofile'],
  ['explain', 'nofile'],
  ['decode', 'nofile'],
  ['walk', 'nofile', '0x1000'],
  ['check', 'nofile'],
  ['diff', 'nofile', AT],
  ['convert', 'nofile', '-o', '/dev/null'],
  ['gen', 'nofile'],
  ['fault', 'nofile'],
  ['conform', 'nofile'],
  ['doctor', 'nofile'],
  ['groups', 'nofile'],
  ['ui', '--no-open', 'nofile'],
])('a file that is not there: %s', async (...args) => {
  expect(await runCli(...args)).toMatchObject({ status: 3, stdout: '', error: `InputError: nofile: ${NONE}` });
});

test.each([['explain'], ['gen'], ['conform'], ['compare', TRACE]])('a folder as a file: %s', async (...args) => {
  const { status, error } = await runCli(...args, FOLDER);
  expect([status, error]).toEqual([
    3,
    `InputError: ${FOLDER}: expected a file that can be read, got a folder (UNREADABLE)`,
  ]);
});

test('a target that cannot be written is named as it was given', async () => {
  const target = join(FOLDER, 'none', 'x.snapshot');
  const words = `${target}: expected a file that can be written, got none: no such file or directory (UNWRITABLE)`;
  expect(await runCli('convert', AT, '-o', target)).toMatchObject({ status: 3, error: `InputError: ${words}` });
  expect((await runCli('groups', AT, '-o', join(FOLDER, 'none', 'x.html'))).error).toContain('(UNWRITABLE)');
  mkdirSync(join(FOLDER, 'folder'), { recursive: true });
  expect((await runCli('convert', AT, '-o', join(FOLDER, 'folder'))).error).toContain('got a folder (UNWRITABLE)');
});

test('a file without the right to it is said to be, and what the system says else is passed on', () => {
  const refused = (code: string): string =>
    unreadable('x', Object.assign(new Error(`${code}: as the system has it`), { code })).message;
  expect(refused('EACCES')).toBe(
    'x: expected a file that can be read, got one that this user has no right to: permission denied (UNREADABLE)',
  );
  expect(refused('EIO')).toContain('got an error: EIO: as the system has it');
  expect(refused('__proto__')).toContain('got an error: __proto__');
});

describe('options that would have no effect are refused', () => {
  test.each([
    [['replay', TRACE, '--policy', 'strict', '--leaks'], '--policy: expected no --leaks beside it'],
    [['replay', TRACE, '--policy', 'strict', '--path', 'all'], '--policy: expected no --path beside it'],
    [['replay', TRACE, '--policy', 'strict', '--limit', '5'], '--policy: expected no --limit beside it'],
    [['replay', TRACE, '--policy', 'strict', '--tlb-size', '64'], '--tlb-size: expected no --policy beside it'],
    [['bench', '--question', 'list-loop', '--layouts', 'scattered'], '--question: expected no --layouts beside it'],
    [['bench', '--rings', '--ops', 'map'], '--rings: expected no --ops beside it'],
    [['bench', '--dma', '--paths', 'map-sg'], '--dma: expected no --paths beside it'],
    [['walk', AT, '0x1000', '--substream', '5'], '--substream: expected --stream beside it'],
    [['fault', `${AT}dmesg.txt`, '--regs', TEXT], '--regs: expected --dump beside it'],
    [['explain', TABLE, TABLE, '--fit-profile', 'x.json'], '--fit-profile: expected one table, got 2'],
  ])('%j', async (args, words) => {
    const { status, error } = await runCli(...args);
    expect([status, error]).toEqual([2, expect.stringContaining(words)]);
  });

  test('and those with their defaults are not', async () => {
    expect((await runCli('replay', TRACE, '--policy', 'strict', '--json')).status).toBe(0);
  });

  test('a base beside a dump that has its own addresses', async () => {
    const { status, error } = await runCli('decode', PAGES, '--base', '0');
    expect([status, error]).toEqual([3, expect.stringContaining('expected a raw image with a base, got sparse pages')]);
  });
});

test.each([
  ['replay', TRACE],
  ['decode', AT],
])('%s: files of names of which nothing is understood are refused, not ignored', async (...args) => {
  for (const option of ['--pci', '--groups', '--iomem']) {
    const { status, error } = await runCli(...args, option, TEXT);
    expect([status, error]).toEqual([
      3,
      expect.stringMatching(/text: expected text of .*, got no line of such a text/),
    ]);
  }
});

test.each([
  [['walk', AT, 'zz'], 2, "iova: expected a 64-bit address, 0x… or decimal digits, got 'zz'"],
  [['decode', AT, '--base', 'x'], 2, "--base: expected a 64-bit address, 0x… or decimal digits, got 'x'"],
  [['decode', AT, '--root', 'x'], 2, "--root: expected a 64-bit address, 0x… or decimal digits, got 'x'"],
  [['bench', '--granule', '5K'], 2, '--granule: expected 4K, 16K, 64K for arm-64-lpae-s1, got 5K'],
  [['gen', MAPS, '--ias', '99'], 2, '--ias: expected at most 48 bits for arm-64-lpae-s1, got 99'],
  [['gen', MAPS, '--granule', '3K'], 2, 'granule: expected 0x1000, 0x4000, 0x10000 for arm-64-lpae-s1, got 0xc00'],
  [['conform', TEXT], 3, 'line 1: expected JSON, got other text: Unexpected token'],
  [['doctor', FOLDER, '--collect', join(FOLDER, 'x.tar')], 3, 'expected proc and sys of a machine, got none'],
  [['explain'], 2, 'file: expected a latency table, a function_graph trace or a timing text, got none'],
  [
    ['explain', TEXT],
    3,
    "expected a latency table, a function_graph trace, .*, got a file whose first line is 'hello'",
  ],
  [['gen', TEXT], 3, "line 1: expected the columns iova, pa, size, prot, got 'hello', without iova, pa, size, prot"],
] as const)('%j says what was wanted', async (args, status, words) => {
  const run = await runCli(...args);
  expect([run.status, run.error]).toEqual([status, expect.stringMatching(words.replaceAll('…', '.'))]);
});
