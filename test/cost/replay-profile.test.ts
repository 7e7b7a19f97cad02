import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { COUNT_NAMES, Meter } from '../../src/meter/meter.ts';
import { WorkSplit } from '../../src/replay/work-split.ts';
import { runCli } from '../support/cli.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'iommu-profile-'));
const PROFILE = join(FOLDER, 'board.json');
const TRACE = fileURLToPath(new URL('../captures/arm64-smmuv3-61-blk/trace.txt.gz', import.meta.url));

afterAll(() => rmSync(FOLDER, { recursive: true }));

test('replay predicts a time with its range for each path, and says what it has no price for', async () => {
  await runCli(
    'explain',
    'sm8150-table-flush-2021',
    '--where',
    'table_invalidation=by-address',
    '--fit-profile',
    PROFILE,
    '--machine',
    'board',
    '--quiet',
  );
  const plain = JSON.parse((await runCli('replay', TRACE, '--json', '--quiet')).stdout);
  const answer = JSON.parse((await runCli('replay', TRACE, '--profile', PROFILE, '--json', '--quiet')).stdout);
  expect(answer.profile).toEqual({ name: 'board', kind: 'hardware' });
  expect(answer.notes.join()).toContain('a profile has no price for commands of a queue');
  expect(answer.rows).toHaveLength(4);
  for (const [i, row] of answer.rows.entries()) {
    expect(row.predicted.low).toBeGreaterThan(0);
    expect(row.predicted.high).toBeGreaterThan(row.predicted.low);
    expect(row.predicted.layers.length).toBeGreaterThan(1);
    expect(row.counts).toEqual(plain.rows[i].counts);
    expect(plain.rows[i].predictedNs).toBeNull();
  }
});

test('the report draws the predicted layers of each row, those of a range at its lower end', async () => {
  const [profile, report] = [join(FOLDER, 'series.json'), join(FOLDER, 'replay.html')];
  await runCli('explain', 'map-sg-series-2021', '--fit-profile', profile, '--machine', 'series', '--quiet');
  const run = await runCli('replay', TRACE, '--profile', profile, '--report', report, '--json', '--quiet');
  const rows = JSON.parse(run.stdout).rows as { predicted: { layers: { layer: string; ns: number | null }[] } }[];
  const html = readFileSync(report, 'utf8');
  const chart = html.slice(html.indexOf('Predicted time by layer on series'));
  for (const { layer } of rows[0]?.predicted.layers ?? []) expect(chart).toContain(`${layer} (predicted)`);
  expect(chart.slice(0, chart.indexOf('</desc>'))).not.toContain('not known');
  expect(rows.some(({ predicted }) => predicted.layers.some(({ ns }) => ns === null))).toBe(true);
  expect(chart).toContain('drawn at its lower end');
});

test('a broken profile is refused by name', async () => {
  const broken = join(FOLDER, 'broken.json');
  writeFileSync(broken, '{"schema":"iommu.profile","version":1}');
  const run = await runCli('replay', TRACE, '--profile', broken, '--quiet');
  expect([run.status, run.error]).toEqual([3, expect.stringContaining('machine: expected an object')]);
});

test('the work of maps and unmaps adds up to all work', () => {
  const meter = new Meter();
  const split = new WorkSplit(meter, 'per-page');
  for (let i = 1; i <= 50; i += 1) {
    split.next(i % 3 === 0 ? 'unmap' : 'map');
    for (const [at, name] of COUNT_NAMES.entries()) meter[name] += (i * 7 + at) % 5;
  }
  const [map, unmap] = split.read();
  expect([map?.lists, unmap?.lists]).toEqual([34, 16]);
  for (const name of COUNT_NAMES) expect((map?.counts[name] ?? 0) + (unmap?.counts[name] ?? 0)).toBe(meter[name]);
});
