import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';

test('bench writes a page with pictures, labelled as times of this engine, with its data', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'iommu-bench-'));
  const path = join(folder, 'bench.html');
  try {
    const what = [
      '--sizes',
      '4K,64K',
      '--layouts',
      'scattered',
      '--ops',
      'map',
      '--dispatch',
      'indirect',
      '--runs',
      '3',
    ];
    await (await createProgram()).parseAsync(['bench', ...what, '--quiet', '-o', path], { from: 'user' });
    const page = readFileSync(path, 'utf8');
    expect(page).toContain('Time of one call: map, scattered, arm-64-lpae-s1 4K');
    expect(page).toContain('times of this engine on this machine');
    const json = /id="data">(.*?)<\/script>/s.exec(page)?.[1] ?? '';
    expect(JSON.parse(json)).toMatchObject({ schema: 'iommu.bench', version: 1 });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
