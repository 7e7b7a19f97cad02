import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkAnswer } from '../../src/answers/check.ts';
import { decodeAnswer } from '../../src/answers/decode.ts';
import { unknownSentence } from '../../src/answers/tables/subject.ts';
import { checkDecoding } from '../../src/dump/check/check.ts';
import { decodeDump } from '../../src/dump/decode.ts';
import { openDump } from '../../src/dump/open.ts';
import { MappedRanges } from '../../src/dump/ranges.ts';
import { parseRegisters } from '../../src/dump/registers.ts';
import { memorySource } from '../../src/dump/source.ts';
import type { Dump } from '../../src/dump/types.ts';
import { type Answer, tablesOf } from '../../src/report/answer.ts';
import { answerToText } from '../../src/report/answer-text.ts';
import { FIRST_ROWS } from '../../src/report/table.ts';
import { runCli } from '../support/cli.ts';
import { DUMPS } from '../support/dumps.ts';

const ARM = DUMPS.find(({ name }) => name === 'arm64-smmuv3-612-blk-strict/live-io') ?? DUMPS[0];
const RISCV = DUMPS.find(({ name }) => name === 'riscv64-72-blk/live-io') ?? DUMPS[0];
if (ARM === undefined || RISCV === undefined) throw new Error('captures are missing');

async function inWidth(columns: number, ...args: string[]): Promise<string> {
  const before = { COLUMNS: process.env['COLUMNS'], LC_ALL: process.env['LC_ALL'] };
  process.env['COLUMNS'] = String(columns);
  process.env['LC_ALL'] = 'C.UTF-8';
  try {
    return (await runCli(...args)).stdout;
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

const HELD = { domain: 'a', iova: 0n, bytes: 0x1000, why: '', overLimit: false };

test.each([
  ['nothing', [], ''],
  ['tables that the dump lacks', [HELD], ' 1 part is unknown: the dump does not hold the tables.'],
  ['parts over a limit', [{ ...HELD, overLimit: true }], ' 1 part is unknown: a limit of the decoding is reached.'],
  [
    'both',
    [HELD, { ...HELD, overLimit: true }],
    ' 2 parts are unknown: the dump does not hold the tables, or a limit of the decoding is reached.',
  ],
])('a verdict on %s says why parts are unknown', (_, unknown, expected) => {
  expect(unknownSentence({ unknown })).toBe(expected);
});

async function open({ args }: { readonly args: readonly string[] }): Promise<Dump> {
  const [tables = '', , regs = ''] = args;
  const registers = parseRegisters(readFileSync(regs, 'utf8'));
  return await openDump(memorySource(readFileSync(tables)), { registers });
}

describe.each(DUMPS)('$name', ({ args, machine }) => {
  test('decode and check answer in the first screen of 24 lines at 80 columns', async () => {
    for (const verb of ['decode', 'check']) {
      const lines = (await inWidth(80, verb, ...args, ...machine)).split('\n');
      const verdict = lines.slice(0, lines.indexOf('')).join(' ');
      expect(verdict).toMatch(/domains?|bypass/);
      expect(lines.indexOf('')).toBeLessThanOrEqual(4);
      if (verb === 'decode') expect(lines.slice(0, 24).join('\n')).toMatch(/^device|^Not protected/m);
    }
  });

  test.each([60, 80, 200])('no line of decode, check and walk is wider than %d columns', async (width) => {
    for (const verb of [['decode'], ['check', '--verbose']]) {
      const [name = '', ...rest] = verb;
      const lines = (await inWidth(width, name, ...args, ...machine, ...rest)).split('\n');
      expect(lines.filter((line) => line.length > width)).toEqual([]);
    }
  });
});

test('devices that bypass are the first words of decode, check and walk, in JSON too, and the status is 1', async () => {
  const walk = ['walk', RISCV.args[0] ?? '', '0x1000', ...RISCV.args.slice(1)];
  for (const command of [['decode', ...RISCV.args], ['check', ...RISCV.args], walk]) {
    const { status, stdout } = await runCli(...command);
    expect(status).toBe(1);
    expect(stdout.split('\n')[0]).toMatch(/^(All )?4 devices bypass the IOMMU/);
  }
  const decoded = JSON.parse((await runCli('decode', ...RISCV.args, '--json')).stdout);
  expect(decoded.exposed).toHaveLength(4);
  expect(decoded.outcome).toBe('findings');
  const checked = JSON.parse((await runCli('check', ...RISCV.args, '--json')).stdout);
  expect(checked.findings[0]).toMatchObject({ rule: 'bypass', severity: 'warning', streams: [0] });
  expect(checked.counts.warning).toBe(4);
});

test('a domain that maps most of memory to itself is called an identity domain', async () => {
  const dump = await open(ARM);
  const decoding = decodeDump(dump);
  const [domain] = decoding.domains;
  if (domain === undefined) throw new Error('no domain');
  const ranges = new MappedRanges();
  ranges.begin(0n);
  ranges.add(0x4000_0000, 0x4000_0000, 2 ** 30, 63);
  const identity = { ...decoding, domains: [{ ...domain, ranges }] };
  const report = checkDecoding(dump.reader, decoding);
  expect(checkAnswer({ dump, decoding: identity, report })).toMatchObject({ outcome: 'findings' });
  expect(checkAnswer({ dump, decoding: identity, report }).verdict).toMatch(/^1 domain maps memory to itself/);
});

test('--pci and --groups name devices, drivers, classes and groups; both spellings of a device are accepted', async () => {
  const { stdout } = await runCli('decode', ...ARM.args, ...ARM.machine, '--json');
  const [nvme] = JSON.parse(stdout).devices;
  expect(nvme).toMatchObject({ device: '0000:00:01.0', stream: 8, driver: 'nvme', class: 'NVMe controller', group: 2 });
  const walk = async (stream: string): Promise<string> =>
    (await runCli('walk', ARM.args[0] ?? '', '0xffff5042', ...ARM.args.slice(1), '--stream', stream, '--json')).stdout;
  expect(await walk('0x8')).toBe(await walk('00:01.0'));
  expect(await walk('0000:00:01.0')).toBe(await walk('8'));
  expect(await runCli('walk', ...ARM.args, '--stream', '00:20.0')).toMatchObject({ status: 2 });
});

test('the MSI doorbell is called that', async () => {
  const { stdout } = await runCli('decode', ...ARM.args, '--verbose');
  expect(stdout).toMatch(/0x00000809.000.*probably the/);
});

test('registers without the one that leads to the tables are refused by its name', async () => {
  const dump = await open(RISCV);
  const named = new Map(dump.registers?.named);
  named.delete('DDTP');
  const registers = { iommu: 'riscv-iommu', named };
  expect(() => decodeDump({ reader: dump.reader, registers })).toThrow(/expected DDTP, got none/);
});

test('an answer is plain data: it survives structuredClone', async () => {
  const dump = await open(ARM);
  const answer = decodeAnswer({ dump, decoding: decodeDump(dump) });
  expect(structuredClone(answer)).toEqual(answer);
});

test.each(DUMPS)('text of $name needs the rows that are printed alone, and says the same', async (one) => {
  const dump = await open(one);
  const decoding = decodeDump(dump, { raw: true });
  const whole = decodeAnswer({ dump, decoding });
  const short = decodeAnswer({ dump, decoding, printed: FIRST_ROWS + 1 });
  const style = { width: 100, color: false, ascii: true, bytes: false, verbose: false, ruled: false };
  // A column that is empty in all rows that are printed is left out
  const text = (answer: Answer) => answerToText(answer, style).replace(/ +what$/gm, '');
  expect(text(short)).toBe(text(whole));
  for (const table of tablesOf(short)) expect(table.rows.length).toBeLessThanOrEqual(FIRST_ROWS + 1);
  expect(tablesOf(short).map(({ rows, total }) => total ?? rows.length)).toEqual(
    tablesOf(whole).map(({ rows, total }) => total ?? rows.length),
  );
  expect(short.data).toEqual(whole.data);
  expect(short.records).toEqual(whole.records);
});
