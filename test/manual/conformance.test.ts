/** The programs of docs/conformance.md in other languages, run on the pack that is shipped. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const PACK = `${PROJECT}data/conformance.jsonl.gz`;
const LONG_MS = 300_000;

function has(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0;
}

test.skipIf(!has('python3'))('the Python program passes every case that it knows', { timeout: LONG_MS }, () => {
  const { status, stdout } = spawnSync('python3', [`${PROJECT}examples/conformance.py`, PACK], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^[1-9]\d{2,} passed, 0 failed\n$/) });
});

test.skipIf(!has('cc'))('the C program compiles and passes every case that it knows', { timeout: LONG_MS }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'iommu-pack-'));
  try {
    const program = join(folder, 'conformance');
    const built = spawnSync('cc', ['-Wall', '-Wextra', '-o', program, `${PROJECT}examples/conformance.c`], {
      encoding: 'utf8',
    });
    expect([built.status, built.stderr]).toEqual([0, '']);
    const { status, stdout } = spawnSync(program, { input: gunzipSync(readFileSync(PACK)), encoding: 'utf8' });
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^[1-9]\d{2,} passed, 0 failed\n$/),
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
