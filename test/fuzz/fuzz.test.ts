import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../scripts/fuzz/main.mjs', import.meta.url));
/** Mutants of each run of the tests; `npm run fuzz` runs any number of them. */
const MUTANTS = '1500';

test('no mutant of any input hangs, ends without a named error or takes memory beyond its limit', {
  timeout: 600_000,
}, () => {
  const env = { ...process.env, MUTANTS: process.env['MUTANTS'] ?? MUTANTS };
  const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN], { encoding: 'utf8', env });
  expect(`${stderr}${stdout}`).toMatch(/^\d+ mutants of seed \d+: 0 findings\n$/);
  expect(status).toBe(0);
});
