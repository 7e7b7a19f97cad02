import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../scripts/fuzz/main.mjs', import.meta.url));
/** Mutants of each run of the tests; `npm run fuzz` runs any number of them. */
const MUTANTS = '1500';
const LONG_MS = 600_000;

function fuzz(more: Readonly<Record<string, string>>): { readonly output: string; readonly status: number | null } {
  const env = { ...process.env, MUTANTS: process.env['MUTANTS'] ?? MUTANTS, ...more };
  const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN], { encoding: 'utf8', env });
  return { output: `${stderr}${stdout}`, status };
}

test('no kept input and no mutant hangs, ends without a named error or takes memory beyond its limit', {
  timeout: LONG_MS,
}, () => {
  const { output, status } = fuzz({ GUIDED: '0' });
  const inputs = Number(/^(\d+) inputs, 0 findings\n$/.exec(output)?.[1]);
  expect(output).toMatch(/^\d+ inputs, 0 findings\n$/);
  expect(inputs).toBeGreaterThan(Number(MUTANTS));
  expect(status).toBe(0);
});

test('mutants that coverage guides reach more code than samples and kept inputs alone', {
  timeout: LONG_MS,
}, () => {
  const blocks = (mutants: string) => {
    const { output, status } = fuzz({ READER: 'acpidump', MUTANTS: mutants });
    expect(status).toBe(0);
    return Number(/^\d+ inputs, (\d+) blocks reached, 0 findings\n$/.exec(output)?.[1]);
  };
  const samples = blocks('0');
  expect(samples).toBeGreaterThan(0);
  expect(blocks('120')).toBeGreaterThan(samples);
});
