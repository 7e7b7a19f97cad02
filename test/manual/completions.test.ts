import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { allVerbs } from '../../src/cli/completions/verbs.ts';
import { manualOf } from '../../src/cli/completions.ts';
import { createProgram } from '../../src/cli/program.ts';
import { manPage } from '../../src/manual/man.ts';
import { bashScript, fishScript, zshScript } from '../../src/manual/shells.ts';
import type { VerbFacts } from '../../src/manual/verbs.ts';
import { shellQuote } from '../../src/report/shell-words.ts';

const PROGRAM = await createProgram();
const VERBS = allVerbs(PROGRAM);
const MANUAL = manualOf(PROGRAM);
const ODD: VerbFacts = {
  name: 'odd',
  summary: "it's [odd]: \\ really",
  description: "it's odd.\n.so /etc/passwd\n'quoted'",
  usage: 'iommu odd [options]',
  options: [
    {
      names: ['-x', '--ex'],
      description: "don't [panic]: ever",
      value: 'when',
      choices: ['now', 'never'],
      defaultText: 'now',
    },
  ],
  words: ['one', 'two'],
  examples: '  iommu odd --ex now',
};

/** Runs a shell that may be missing here. */
function shell(
  name: string,
  args: readonly string[],
  options: { encoding: 'utf8' } = { encoding: 'utf8' },
): SpawnSyncReturns<string> {
  return spawnSync(name, [...args], options);
}

/** What bash offers for the last of the words. */
function complete(script: string, ...words: readonly string[]): string[] {
  const list = words.map((word) => `'${word}'`).join(' ');
  const program = `${script}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _iommu; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const run = spawnSync('bash', ['--norc', '-c', program], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  return run.stdout.split('\n').filter((line) => line !== '');
}

test('every verb has a summary and its options, as help shows them', () => {
  expect(VERBS.map(({ name }) => name)).toEqual(PROGRAM.commands.map((command) => command.name()));
  for (const { summary, options } of VERBS) {
    expect(summary).not.toBe('');
    expect(options.flatMap(({ names }) => names)).toContain('--help');
  }
  expect(VERBS.find(({ name }) => name === 'record')?.examples).toContain('iommu record --print');
});

test('bash completes verbs, options and their values, and leaves files to the shell', () => {
  const script = bashScript([...VERBS, ODD]);
  expect(complete(script, 'iommu', 'rec')).toEqual(['record']);
  expect(complete(script, 'iommu', '')).toContain('completions');
  expect(complete(script, 'iommu', 'record', '--gr')).toEqual(['--graph']);
  expect(complete(script, 'iommu', 'record', '--machine', 'k')).toEqual(['kvm']);
  expect(complete(script, 'iommu', 'record', '-o', '')).toEqual([]);
  expect(complete(script, 'iommu', 'completions', 'f')).toEqual(['fish']);
  expect(complete(script, 'iommu', 'odd', '-x', '')).toEqual(['now', 'never']);
});

test('zsh and fish are told of every verb, option and value', () => {
  for (const script of [zshScript(VERBS), fishScript(VERBS)]) {
    for (const { name, options } of VERBS) {
      expect(script).toContain(name);
      for (const { names, choices } of options) {
        for (const option of names) expect(script).toContain(option.replace(/^-+/, ''));
        if (choices.length > 0) expect(script).toContain(choices.join(' '));
      }
    }
  }
});

test('quotes and brackets of descriptions do not end what they stand in', () => {
  expect(zshScript([ODD])).toContain(`'--ex[don'\\''t \\[panic\\]\\: ever]:when:(now never)'`);
  expect(fishScript([ODD])).toContain(`-d 'don\\'t [panic]: ever'`);
});

test.skipIf(shell('zsh', ['--version']).error !== undefined)(
  'zsh accepts its script (skipped where zsh is missing)',
  () => {
    expect(shell('zsh', ['-f', '-n', '-c', zshScript([...VERBS, ODD])])).toMatchObject({
      status: 0,
      stderr: '',
    });
  },
);

test.skipIf(shell('fish', ['--version']).error !== undefined)(
  'fish accepts its script (skipped where fish is missing)',
  () => {
    expect(shell('fish', ['-N', '-n', '-c', fishScript([...VERBS, ODD])])).toMatchObject({
      status: 0,
      stderr: '',
    });
  },
);

test('the man page names every verb and option, and no text of theirs becomes a request', () => {
  const page = manPage({ ...MANUAL, verbs: [...VERBS, ODD] });
  for (const { usage, options } of VERBS) {
    expect(page).toContain(`.SS ${usage.replaceAll('-', '\\-')}`);
    for (const { names } of options)
      for (const name of names) expect(page).toContain(`\\fB${name.replaceAll('-', '\\-')}\\fR`);
  }
  const requests = page
    .split('\n')
    .filter((line) => /^[.']/.test(line))
    .map((line) => line.split(' ')[0]);
  expect(new Set(requests)).toEqual(new Set(['.TH', '.SH', '.SS', '.B', '.I', '.RI', '.TP', '.PP', '.nf', '.fi']));
});

test.skipIf(shell('shellcheck', ['--version']).error !== undefined)(
  'shellcheck finds nothing in the script for bash (skipped where it is missing)',
  () => {
    const run = spawnSync('shellcheck', ['-s', 'bash', '-'], { encoding: 'utf8', input: bashScript([...VERBS, ODD]) });
    expect(run.stdout).toBe('');
    expect(run.status).toBe(0);
  },
);

test('nothing of a name or of what was typed is evaluated', () => {
  const name = "o'dd $(touch pwned) `touch pwned` *";
  const hostile: VerbFacts = { ...ODD, name, words: ['$(touch pwned)', 'a b', '*'] };
  const script = bashScript([...VERBS, hostile]);
  const folder = mkdtempSync(join(tmpdir(), 'complete-'));
  const offered = (...words: readonly string[]): string[] => {
    const program = `${script}\nCOMP_WORDS=(${words.map(shellQuote).join(' ')}); COMP_CWORD=${words.length - 1}; _iommu; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const run = spawnSync('bash', ['--norc', '-c', program], { encoding: 'utf8', cwd: folder });
    expect(run.stderr).toBe('');
    return run.stdout.trimEnd().split('\n');
  };
  expect(offered('iommu', 'o')).toEqual([name]);
  expect(offered('iommu', name, '$')).toEqual(['$(touch pwned)']);
  expect(offered('iommu', name, 'a')).toEqual(['a b']);
  expect(offered('iommu', '$(touch pwned)', '`touch pwned`')).toEqual(['']);
  expect(readdirSync(folder)).toEqual([]);
  rmSync(folder, { recursive: true });
});
