import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { readProfile } from '../../src/cost/profile.ts';
import { readPerfetto } from '../report/perfetto-reader.ts';
import { runCli } from '../support/cli.ts';

const TABLES = fileURLToPath(new URL('../../data/latency/', import.meta.url));
const CAPTURES = fileURLToPath(new URL('../captures/', import.meta.url));
const FOLDER = mkdtempSync(join(tmpdir(), 'iommu-explain-'));

afterAll(() => rmSync(FOLDER, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(FOLDER, name);
  writeFileSync(path, content);
  return path;
}

describe('latency tables', () => {
  test('the shipped ones are listed, and found by name', async () => {
    const list = (await runCli('explain', '--tables')).stdout.trim().split('\n');
    expect(list).toHaveLength(5);
    for (const name of list) expect((await runCli('explain', name)).status).toBe(0);
    const byPath = await runCli('explain', join(TABLES, 'tegra-noncoherent-unmap-2024.csv'), '--json');
    expect(JSON.parse(byPath.stdout).units).toEqual(
      JSON.parse((await runCli('explain', 'tegra-noncoherent-unmap-2024', '--json')).stdout).units,
    );
  });

  test('JSON has the keys that scripts rely on', async () => {
    const { stdout } = await runCli('explain', 'map-sg-series-2021.csv', '--where', 'posted=2021-01-11', '--json');
    const answer = JSON.parse(stdout);
    expect(answer).toMatchObject({ schema: 'iommu.explain', version: 1 });
    expect(Object.keys(answer)).toEqual(
      expect.arrayContaining(['fits', 'comparisons', 'noise', 'units', 'inseparable', 'suggestedRun']),
    );
    expect(Object.keys(answer.fits[0])).toEqual(
      expect.arrayContaining(['series', 'estimator', 'fixedNs', 'perPageNs', 'rows']),
    );
    expect(Object.keys(answer.fits[0].rows[0])).toEqual(
      expect.arrayContaining(['bytes', 'measuredNs', 'fittedNs', 'outlier']),
    );
    expect(Object.keys(answer.comparisons[0])).toEqual(
      expect.arrayContaining(['from', 'to', 'rows', 'limit', 'breakEvenBytes']),
    );
    expect(Object.keys(answer.noise)).toEqual(expect.arrayContaining(['rule', 'factor', 'rows']));
    expect(Object.keys(answer.units[0])).toEqual(
      expect.arrayContaining(['unit', 'ns', 'low', 'high', 'identifiable', 'belowNoise', 'estimator']),
    );
    expect(Object.keys(answer.inseparable[0])).toEqual(
      expect.arrayContaining(['units', 'exact', 'sumNs', 'low', 'high', 'weights']),
    );
    expect(Object.keys(answer.suggestedRun)).toEqual(
      expect.arrayContaining(['text', 'path', 'dispatch', 'power', 'bytes', 'widthBefore', 'widthAfter']),
    );
  });

  test('the words name the estimator beside each figure', async () => {
    const { stdout } = await runCli('explain', 'map-sg-series-2021.csv', '--where', 'posted=2021-01-11');
    expect(stdout).toMatch(/per-page +4K to 32M +unweighted +468 ns/);
    expect(stdout).toMatch(/per-page +map-sg +32M +18\.2× +18\.6× +28K/);
    expect(stdout).toMatch(/445 ns +433 to 462 ns +within the noise/);
    expect(stdout).toMatch(/by\s+per-page,\s+without\s+power\s+calls/);
  });

  test('several files are answered one by one', async () => {
    const { stdout } = await runCli('explain', 'tegra-noncoherent-unmap-2024.csv', 'generic-pt-2025.csv', '--json');
    expect(JSON.parse(stdout).files.map((answer: { source: string }) => answer.source)).toEqual([
      'tegra-noncoherent-unmap-2024.csv',
      'generic-pt-2025.csv',
    ]);
  });

  test('a profile is written with source and confidence', async () => {
    const path = join(FOLDER, 'profile.json');
    const args = ['--where', 'posted=2021-01-11', '--fit-profile', path, '--machine', 'board', '--quiet'];
    expect((await runCli('explain', 'map-sg-series-2021.csv', ...args)).status).toBe(0);
    const profile = readProfile(readFileSync(path, 'utf8'), path);
    expect(profile.machine).toEqual({ name: 'board', kind: 'hardware' });
    expect(profile.ops.map?.units.page?.source).toBe('map-sg-series-2021.csv, posted=2021-01-11');
  });
});

describe('function_graph traces', () => {
  test('those of the captures are explained, packed or not', async () => {
    const packed = join(CAPTURES, 'x86-amdvi-612-blk', 'trace_fgraph.txt.gz');
    const { stdout, status } = await runCli('explain', packed, '--json');
    expect(status).toBe(0);
    const answer = JSON.parse(stdout);
    expect(answer).toMatchObject({
      schema: 'iommu.explain',
      version: 1,
      machine: { kind: 'emulated' },
      interrupts: 7,
      tracedKnown: true,
    });
    const plain = file('plain.txt', gunzipSync(readFileSync(packed)));
    const functions = join(CAPTURES, 'x86-amdvi-612-blk', 'fgraph_functions.txt');
    const other = JSON.parse((await runCli('explain', plain, '--functions', functions, '--json')).stdout);
    expect(other.operations).toEqual(answer.operations);
    expect(JSON.parse((await runCli('explain', plain, '--json')).stdout).tracedKnown).toBe(false);
  });

  test('a machine described as hardware is believed', async () => {
    file('metadata.json', '{"machine":"hardware"}');
    const plain = file('hardware.txt', '# tracer: function_graph\n 0)  a-1  |   1.000 us    |  iommu_map();\n');
    expect(JSON.parse((await runCli('explain', plain, '--json')).stdout).machine.kind).toBe('hardware');
  });
});

describe('wrong use and bad input', () => {
  test.each([
    [['explain'], 2, /file: expected a latency table, a function_graph trace or a timing text, got none/],
    [['explain', 'generic-pt-2025.csv', '--where', 'op'], 2, /expected column=value/],
    [
      ['explain', join(CAPTURES, 'x86-vtd-612-blk', 'trace_fgraph.txt.gz'), '--where', 'op=map'],
      2,
      /where: expected a latency table, whose rows it selects, got .* which is a trace/,
    ],
    [
      ['explain', join(CAPTURES, 'x86-vtd-612-blk', 'trace_fgraph.txt.gz'), '--fit-profile', 'x.json'],
      2,
      /from latency tables only/,
    ],
    [['explain', join(FOLDER, 'missing.csv')], 3, /missing\.csv/],
    [['explain', file('empty.csv', '')], 3, /the file is empty: expected a latency table/],
    [['explain', file('no-us.csv', 'op,pages\nmap,1\n')], 3, /expected a column us, got op, pages/],
    [['explain', file('bytes.bin', Uint8Array.of(1, 2, 3, 250, 0, 13))], 3, /NOT_RECOGNISED/],
    [['explain', join(CAPTURES, 'x86-vtd-612-blk', 'trace.txt.gz')], 3, /events without durations/],
    [['explain', 'kunpeng-map-pages-2021.csv', '--fit-profile', join(FOLDER, 'p.json')], 3, /select one with --where/],
  ])('%j', async (args, status, message) => {
    const run = await runCli(...args);
    expect(run.status).toBe(status);
    expect(run.error).toMatch(message);
  });
});

describe('timelines', () => {
  test.each(['arm64-smmuv3-612-blk-strict', 'x86-vtdfl-73-blk'])('of %s nest, and hold every call', async (name) => {
    const path = join(FOLDER, `${name}.perfetto-trace`);
    const trace = join(CAPTURES, name, 'trace_fgraph.txt.gz');
    expect((await runCli('explain', trace, '-o', path)).status).toBe(0);
    const tracks = readPerfetto(readFileSync(path));
    const slices = tracks.flatMap((track) => track.slices);
    const answer = JSON.parse((await runCli('explain', trace, '--json')).stdout);
    const calls = answer.operations.flatMap((one: { layers: { calls: number }[] }) =>
      one.layers.map((layer) => layer.calls),
    );
    expect(slices).toHaveLength(calls.reduce((sum: number, of: number) => sum + of, 0));
    expect(slices.every((slice) => slice.to !== null && slice.to >= slice.from)).toBe(true);
    expect(new Set(tracks.filter((track) => track.slices.length > 0).map((track) => track.name))).toContain('DMA API');
  });

  test('of a table are refused', async () => {
    const run = await runCli('explain', 'generic-pt-2025.csv', '-o', join(FOLDER, 'x.perfetto-trace'));
    expect([run.status, run.error]).toEqual([
      2,
      expect.stringContaining('expected a trace, of which a timeline is made, got generic-pt-2025.csv'),
    ]);
  });
});

describe('pages', () => {
  test('of a table show latency, ranges and findings, and hold the answer', async () => {
    const path = join(FOLDER, 'table.html');
    expect((await runCli('explain', 'map-sg-series-2021.csv', '-o', path)).status).toBe(0);
    const page = readFileSync(path, 'utf8');
    for (const text of [
      'Time of a list against its size',
      'Range of each unit',
      'below the noise',
      'published',
      'iommu.explain',
    ]) {
      expect(page).toContain(text);
    }
  });

  test('of an emulated trace say so', async () => {
    const path = join(FOLDER, 'graph.html');
    await runCli('explain', join(CAPTURES, 'x86-vtd-612-blk', 'trace_fgraph.txt.gz'), '-o', path);
    const page = readFileSync(path, 'utf8');
    expect(page).toContain('Mean self time of one call by layer: map');
    expect(page).toContain('emulated, no claim about hardware');
    expect(page).toMatch(/Not traced: [^.]*runtime power/);
  });
});
