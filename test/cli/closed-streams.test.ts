import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { MAIN } from '../support/built.ts';

/** The exit status of the program when a reader has closed one of its streams before it writes. */
function statusWithout(stream: 'stdout' | 'stderr', args: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  child[stream].destroy();
  return new Promise((resolve) => void child.on('close', (status) => resolve(status)));
}

test('a closed standard error leaves the exit status of what went wrong', async () => {
  expect(await statusWithout('stderr', [])).toBe(2);
  expect(await statusWithout('stderr', ['decode', 'no-such-file'])).toBe(3);
});

test('a closed standard output is no error', async () => {
  expect(await statusWithout('stdout', ['formats'])).toBe(0);
});
