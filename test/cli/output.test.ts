import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { UsageError } from '../../src/cli/exit.ts';
import {
  addOutputOptions,
  colors,
  emit,
  type Output,
  type OutputFormat,
  outputOf,
  renderAnswer,
  type Surroundings,
} from '../../src/cli/output.ts';

const FORMATS: readonly OutputFormat[] = ['table', 'json', 'ndjson', 'csv', 'svg', 'perfetto'];
const TERMINAL: Surroundings = { env: {}, isTerminal: true, columns: 120 };

function read(args: readonly string[], around: Surroundings = TERMINAL): Output {
  const command = addOutputOptions(new Command('verb'), FORMATS)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  command.parse([...args], { from: 'user' });
  return outputOf(command.opts(), FORMATS, around);
}

test('the first form is the default, --json is short for --output json, -o chooses by its extension', () => {
  expect(read([]).format).toBe('table');
  expect(read(['--json']).format).toBe('json');
  expect(read(['--output', 'csv']).format).toBe('csv');
  expect(read(['-o', 'out.svg']).format).toBe('svg');
  expect(read(['-o', 'out.perfetto-trace']).format).toBe('perfetto');
  expect(read(['-o', 'out.svg', '--output', 'ndjson'])).toMatchObject({ format: 'ndjson', file: 'out.svg' });
});

test('an extension or form that the verb has not is refused, so is a contradiction', () => {
  expect(() => read(['-o', 'out.pdf'])).toThrow(UsageError);
  expect(() => read(['-o', 'out.html'])).toThrow(/\.svg/);
  expect(() => read(['--json', '--output', 'csv'])).toThrow(UsageError);
  expect(() => read(['--output', 'html'])).toThrow(/Allowed choices/);
});

test('colour only on a terminal, never with NO_COLOR, always when asked', () => {
  expect(read([]).color).toBe(true);
  expect(read([], { ...TERMINAL, isTerminal: false }).color).toBe(false);
  expect(read([], { ...TERMINAL, env: { NO_COLOR: '1' } }).color).toBe(false);
  expect(read([], { ...TERMINAL, env: { NO_COLOR: '' } }).color).toBe(true);
  expect(read([], { ...TERMINAL, env: { TERM: 'dumb' } }).color).toBe(false);
  expect(read(['--color=always'], { ...TERMINAL, env: { NO_COLOR: '1' } }).color).toBe(true);
  expect(read(['--color', 'never']).color).toBe(false);
  expect(colors({ color: false }).red('x')).toBe('x');
  expect(colors({ color: true }).red('x')).not.toBe('x');
});

const ROWS = [
  { iova: 0x1000n, bytes: 4096 },
  { iova: 0x2000n, bytes: 2 ** 21 },
];
const FORMS = {
  json: () => ({ schema: 'iommu.test', version: 1, rows: ROWS }),
  rows: () => ROWS,
  table: () => [{ columns: [{ title: 'size', unit: 'bytes' as const }], rows: ROWS.map(({ bytes }) => [bytes]) }],
  csv: () => ({ columns: [{ title: 'size', unit: 'bytes' as const }], rows: ROWS.map(({ bytes }) => [bytes]) }),
};

test('each form is made of the same rows', () => {
  const off: Surroundings = { ...TERMINAL, isTerminal: false };
  expect(renderAnswer(read([], off), FORMS)).toBe('size\n  4K\n  2M\n');
  expect(renderAnswer(read(['--bytes'], off), FORMS)).toBe('   size\n   4096\n2097152\n');
  expect(renderAnswer(read(['--output', 'csv']), FORMS)).toBe('size_bytes\n4096\n2097152\n');
  expect(renderAnswer(read(['--output', 'ndjson']), FORMS)).toBe(
    '{"iova":"0x1000","bytes":4096}\n{"iova":"0x2000","bytes":2097152}\n',
  );
  expect(JSON.parse(String(renderAnswer(read(['--json']), FORMS)))).toMatchObject({ schema: 'iommu.test', version: 1 });
});

test('-o writes the answer to the file; a file that cannot be written is named', () => {
  const folder = mkdtempSync(join(tmpdir(), 'iommu-output-'));
  try {
    emit(read(['-o', join(folder, 'a.csv')]), FORMS);
    expect(readFileSync(join(folder, 'a.csv'), 'utf8')).toBe('size_bytes\n4096\n2097152\n');
    expect(() => emit(read(['-o', join(folder, 'none', 'a.csv')]), FORMS)).toThrow(/cannot write .*a\.csv/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
