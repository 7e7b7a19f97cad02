import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench, SHELLS } from './shells.ts';

let bench = new Bench();
beforeEach(() => {
  bench.remove();
  bench = new Bench();
});
afterEach(() => bench.remove());

const NUMBERS = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGTERM: 143 } as const;
type Name = keyof typeof NUMBERS;
type Target = 'group' | 'script';
const CASES: readonly (readonly [Name, Target])[] = [
  ['SIGHUP', 'group'],
  ['SIGINT', 'group'],
  ['SIGINT', 'script'],
  ['SIGTERM', 'script'],
];

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((next) => setTimeout(next, 10));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Starts a script whose command says that it runs; gives its status once it was sent a signal. */
async function signalled(shell: readonly string[], words: readonly string[], to: Target, signals: readonly Name[]) {
  const mark = join(bench.folder, 'mark');
  rmSync(mark, { force: true });
  const child = bench.start(shell, ['sh', '-c', `echo 1 > "$0"; ${words.join(' ')}`, mark]);
  const ended = new Promise<number | null>((next) => child.on('exit', (status) => next(status)));
  await until(() => textOf(mark) === '1');
  const { pid } = child;
  if (pid === undefined) throw new Error('the script did not start');
  for (const signal of signals) {
    process.kill(to === 'group' ? -pid : pid, signal);
    await new Promise((next) => setTimeout(next, 200));
  }
  return await ended;
}

describe.each(SHELLS)('a signal to the printed script in %s', (_, shell) => {
  it('ends the command; the trace is saved and the settings are put back', async () => {
    for (const [name, to] of CASES) {
      bench.fill();
      const before = bench.settings();
      const status = await signalled(shell, ['exec sleep 30'], to, [name]);
      // A shell without `env --default-signal` has to send TERM instead of INT and QUIT.
      expect([NUMBERS[name], 143]).toContain(status);
      expect(bench.settings()).toEqual(before);
      expect(JSON.parse(bench.saved('metadata.json')).recorded.status).toBe(status);
    }
  }, 60_000);

  it('lets the command finish in its own way, and passes its status on', async () => {
    const before = bench.settings();
    const status = await signalled(shell, ["trap 'exit 9' TERM;", 'while :; do sleep 0.1; done'], 'script', [
      'SIGTERM',
    ]);
    expect(status).toBe(9);
    expect(bench.settings()).toEqual(before);
  });

  it('sent twice ends the waiting for a command that ignores it', async () => {
    const before = bench.settings();
    const deaf = ["trap '' TERM;", 'i=0; while [ $i -lt 100 ] && [ -e "$0" ]; do sleep 0.1; i=$((i + 1)); done'];
    const status = await signalled(shell, deaf, 'script', ['SIGTERM', 'SIGTERM']);
    expect(status).toBe(143);
    expect(bench.settings()).toEqual(before);
  });

  it('while the trace is saved puts the settings back too', async () => {
    const before = bench.settings();
    const trace = join(bench.tracefs, 'trace');
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      writeFileSync(trace, '');
      truncateSync(trace, 2 ** 32);
      const child = bench.start(shell, ['sh', '-c', `truncate -s 4G "$0"`, trace]);
      const ended = new Promise((next) => child.on('exit', (status) => next(status)));
      await until(() => textOf(join(bench.tracefs, 'tracing_on')) === '0' && sizeOf(join(bench.out, 'trace.txt')) > 0);
      process.kill(child.pid ?? 0, name);
      expect(await ended).toBe(NUMBERS[name]);
      expect(bench.settings()).toEqual(before);
      rmSync(bench.out, { recursive: true });
    }
  }, 60_000);
});
