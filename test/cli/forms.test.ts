import { Command } from 'commander';
import { expect, test } from 'vitest';
import { UsageError } from '../../src/cli/exit.ts';
import {
  ANSWER_FORMS,
  addFormOptions,
  type Form,
  type Output,
  outputOf,
  type Surroundings,
} from '../../src/cli/forms.ts';
import { VERSION } from '../../src/cli/version.ts';
import { textOf } from '../meta/sources.ts';
import { runCli } from '../support/cli.ts';

const TERMINAL: Surroundings = {
  env: { LANG: 'en_GB.UTF-8' },
  isTerminal: true,
  columns: 120,
  rows: 24,
  platform: 'linux',
};

function read(args: readonly string[], around: Surroundings = TERMINAL, forms: readonly Form[] = ANSWER_FORMS): Output {
  const command = addFormOptions(new Command('verb'), forms).exitOverride();
  command.parse([...args], { from: 'user' });
  return outputOf(command.opts(), forms, around);
}

test('-o and --output mean the same: a form, or a file whose extension chooses', () => {
  for (const option of ['-o', '--output']) {
    expect(read([option, 'csv'])).toMatchObject({ form: 'csv', file: null });
    expect(read([option, 'table'])).toMatchObject({ form: 'text', file: null });
    expect(read([option, 'out.html'])).toMatchObject({ form: 'html', file: 'out.html' });
    expect(read([option, 'out.jsonl'])).toMatchObject({ form: 'ndjson', file: 'out.jsonl' });
    expect(read([option, 'out.svg', option, 'json'])).toMatchObject({ form: 'json', file: 'out.svg' });
  }
  expect(read([])).toMatchObject({ form: 'text', file: null });
  expect(read(['--json'])).toMatchObject({ form: 'json' });
});

test.each([
  [['-o', 'out.pdf']],
  [['-o', 'perfetto']],
  [['-o', 'out']],
  [['--json', '-o', 'csv']],
  [['-o', 'a.csv', '-o', 'b.csv']],
])('%j is refused, and the forms are listed', (args) => {
  expect(() => read(args)).toThrow(UsageError);
});

test('colour only on a terminal, never with NO_COLOR, always when asked', () => {
  expect(read([]).color).toBe(true);
  expect(read([], { ...TERMINAL, isTerminal: false }).color).toBe(false);
  expect(read([], { ...TERMINAL, env: { NO_COLOR: '1' } }).color).toBe(false);
  expect(read([], { ...TERMINAL, env: { NO_COLOR: '' } }).color).toBe(true);
  expect(read([], { ...TERMINAL, env: { TERM: 'dumb' } }).color).toBe(false);
  expect(read(['--color=always'], { ...TERMINAL, env: { NO_COLOR: '1' } }).color).toBe(true);
  expect(read(['--color', 'never']).color).toBe(false);
});

test('ASCII where neither locale nor TERM has UTF-8', () => {
  const ascii = (env: Record<string, string>, platform = 'linux'): boolean =>
    read([], { ...TERMINAL, env, platform }).ascii;
  expect(ascii({ LANG: 'C.UTF-8' })).toBe(false);
  expect(ascii({ LANG: 'en_GB.UTF-8', LC_ALL: 'C' })).toBe(true);
  expect(ascii({ LANG: 'C', LC_CTYPE: 'de_DE.utf8' })).toBe(false);
  expect(ascii({ LANG: 'C.UTF-8', TERM: 'dumb' })).toBe(true);
  expect(ascii({})).toBe(true);
  expect(ascii({}, 'win32')).toBe(false);
});

test('the width is that of the terminal, of COLUMNS, or 80', () => {
  const off = { ...TERMINAL, isTerminal: false, columns: undefined };
  expect(read([]).width).toBe(120);
  expect(read([], { ...off, env: { COLUMNS: '61' } }).width).toBe(61);
  expect(read([], { ...off, env: { COLUMNS: 'wide' } }).width).toBe(80);
});

test('a pager only at a terminal, and not with --no-pager', () => {
  expect(read([]).screen).toBe(24);
  expect(read(['--no-pager']).screen).toBeUndefined();
  expect(read(['-o', 'x.txt']).screen).toBeUndefined();
  expect(read([], { ...TERMINAL, isTerminal: false }).screen).toBeUndefined();
});

test('--section prints one section, and an unknown one is refused with the list', async () => {
  const { stdout } = await runCli('formats', '--section', 'quirks');
  expect(stdout).toContain('ARM_TTBR1');
  expect(stdout).not.toContain('Not supported');
  expect(await runCli('formats', '--section', 'none')).toMatchObject({
    status: 2,
    error: expect.stringContaining('not-supported'),
  });
});

test('the version is that of the package', () => {
  expect((JSON.parse(textOf('package.json')) as { version: string }).version).toBe(VERSION);
});
