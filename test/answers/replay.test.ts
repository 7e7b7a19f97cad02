import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { MachineNames } from '../../src/machine/index.ts';
import { answerToSvg, answerToText, chartsOf, type Table, tablesOf } from '../../src/report/index.ts';
import { dma, FOLDERS, line, replayCapture, replayTexts } from './helpers.ts';

const PAGE = 0x1000;
const STYLE = { width: 80, color: false, ascii: false, bytes: false, verbose: false, ruled: false };
const LEAKY = [line('map', 1, 0x1000, PAGE), line('map', 2, 0x9000, 2 * PAGE), line('unmap', 3, 0x9000, 2 * PAGE)];

function tableNamed(tables: readonly Table[], title: RegExp): Table | undefined {
  return tables.find((table) => title.test(table.title ?? ''));
}

describe('every capture', () => {
  test.each(FOLDERS)(
    '%s: the verdict and the paths stand in the first screen; no line is wider than asked',
    (folder) => {
      const answer = replayCapture(folder, { path: 'all' });
      const screen = answerToText(answer, STYLE).split('\n').slice(0, 24).join(' ');
      expect(screen).toContain(answer.verdict);
      if (answer.data.calls.map > 0) {
        expect(screen).toMatch(/Linux up to 5\.14/);
        expect(screen).toMatch(/one-walk +[\d,]+/);
        expect(answer.verdict).toMatch(/one-walk \(in no kernel\)/);
      } else expect(answer.verdict).toMatch(/bypass the IOMMU/);
      for (const width of [60, 80, 200]) {
        for (const verbose of [false, true]) {
          const lines = answerToText(answer, { ...STYLE, width, verbose, color: true }).split('\n');
          const wide = lines.map(stripVTControlCharacters).filter((text) => [...text].length > width);
          expect(wide).toEqual([]);
        }
      }
      expect(structuredClone(answer)).toEqual(answer);
      expect(answer.data.calls.lists).toBe(answer.data.pairing.maps);
    },
  );
});

describe('lists that the rule joined and their unmaps cut', () => {
  const texts = ['trace_boot.txt', 'trace_vfio.txt'].map((file) => readFileSync(`data/example/${file}`, 'utf8'));
  const { data, sections } = replayTexts(texts, { path: 'map-pages' });

  test('are counted as the tables of devices and tasks count them', () => {
    for (const parties of [data.devices, data.tasks]) {
      expect(parties.reduce((sum, { maps }) => sum + maps, 0)).toBe(data.calls.lists);
    }
    expect(data.needs.map(({ question }) => question)).toContain(
      `which device 1 of ${data.calls.lists} lists belong to`,
    );
  });

  test('stand in the picture at the time of their first line', () => {
    const chart = chartsOf({ sections }).find(({ title }) => title === 'Bytes mapped over time');
    if (chart?.kind !== 'line') throw new Error('no line');
    const times = chart.series[0]?.points.map(([time]) => time) ?? [];
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[0]).toBe(0);
    expect(data.live.series[0]).toMatchObject({ time: 4_786_499_000, last: 1 << 24 });
  });
});

test('a trace whose addresses and sizes are all multiples of 16K says that the granule may be 16K', () => {
  const notes = (folder: string, granule?: string): string =>
    replayCapture(folder, granule === undefined ? {} : { granule }).notes.join(' ');
  expect(notes('arm64-smmuv3-61216k-blk')).toContain('is a multiple of 16K');
  expect(notes('arm64-smmuv3-61216k-blk', '16K')).not.toContain('is a multiple of');
  expect(notes('arm64-smmuv3-612-blk-strict')).not.toContain('is a multiple of');
});

test('the table of paths keeps the path and its crossings in 60 columns', () => {
  const answer = replayCapture('x86-vtd-612-blk', { path: 'all', dispatch: 'all', granule: 'all' });
  const narrow = answerToText(answer, { ...STYLE, width: 60, verbose: true });
  for (const { path, crossings } of answer.data.rows) {
    expect(narrow).toMatch(new RegExp(`${path} .*${crossings.toLocaleString('en-US')}`));
  }
});

test('"what Linux does" is said of map-pages and per-page only, and rows name their driver', () => {
  const { data } = replayTexts(LEAKY, { path: 'all', format: 'arm-64-lpae-s1,apple-dart' });
  const kernels = Object.fromEntries(data.rows.map(({ path, kernel }) => [path, kernel]));
  expect(kernels).toEqual({
    'per-page': 'Linux up to 5.14',
    'map-pages': 'Linux since 5.15',
    'map-sg': null,
    'one-walk': null,
  });
  for (const { format, driver } of data.rows) expect(driver).toBe(format === 'apple-dart' ? 'bare' : 'arm-smmu');
});

describe('what is still mapped', () => {
  test('is listed, the oldest first, with address, task, time and age; it is a finding only where it was asked for', () => {
    const texts = [...LEAKY, line('map', 4, 0x20000, PAGE, 'cp-7')];
    const plain = replayTexts(texts);
    expect(plain.outcome).toBe('fine');
    expect(plain.verdict).toContain('2 lists, the oldest at 0x1000 (4K');
    const asked = replayTexts(texts, { leaks: true });
    expect(asked.outcome).toBe('findings');
    expect(asked.verdict).toContain('2 lists are never unmapped in this trace (8K)');
    expect(asked.data.stillMapped).toMatchObject([
      { iova: '0x1000', bytes: '0x1000', task: 'dd', pid: 1, device: null, mappedAtNs: 1e9, ageNs: 3e9 },
      { iova: '0x20000', bytes: '0x1000', task: 'cp', pid: 7, device: null, mappedAtNs: 4e9, ageNs: 0 },
    ]);
    expect(asked.sections[0]?.id).toBe('leaks');
  });

  test('is counted exactly where it is listed up to a limit', () => {
    const texts = Array.from({ length: 30 }, (_, i) => line('map', i, 0x10000 * (i + 1), PAGE));
    const { data, sections } = replayTexts(texts, { leaks: true, limit: 4 });
    expect(data.live.leaks).toBe(30);
    expect(data.stillMapped).toHaveLength(4);
    const table = tableNamed(tablesOf({ sections }), /Still mapped/);
    expect([table?.rows.length, table?.total]).toEqual([4, 30]);
  });

  test('is nothing where every list is unmapped', () => {
    const answer = replayTexts([line('map', 1, 0, PAGE), line('unmap', 2, 0, PAGE)], { leaks: true });
    expect(answer).toMatchObject({ outcome: 'fine', verdict: expect.stringContaining('Every list') as string });
  });
});

describe('double maps', () => {
  test('in one domain are said to lack an unmap, with both mappings', () => {
    const device = '0000:00:02.0';
    const texts = [1, 2].flatMap((second) => [
      line('map', second, 0x5000, PAGE, `dd-${second}`),
      dma('map', second, device, 0x5000, PAGE, `dd-${second}`),
    ]);
    const { data, outcome, verdict } = replayTexts(texts, { doubleMaps: true });
    expect(outcome).toBe('findings');
    expect(verdict).toContain('1 map was of an address already mapped: 1 in the same domain');
    expect(data.doubleMaps).toMatchObject([
      {
        kind: 'same domain',
        iova: '0x5000',
        device,
        pid: 2,
        mappedAtNs: 2e9,
        over: { iova: '0x5000', device, pid: 1, mappedAtNs: 1e9 },
      },
    ]);
  });

  test('that no event names are taken for another domain', () => {
    const texts = [line('map', 1, 0x5000, PAGE), line('map', 2, 0x7000, PAGE), line('map', 3, 0x5000, PAGE)];
    const { data, verdict } = replayTexts(texts, { doubleMaps: true });
    expect(verdict).toContain('1 probably in another domain');
    expect(data.doubleMaps).toMatchObject([{ kind: 'another domain', mappedAtNs: 3e9, over: { mappedAtNs: 1e9 } }]);
  });

  test.each(FOLDERS)('%s: as many are listed as are counted', (folder) => {
    const { data } = replayCapture(folder, { doubleMaps: true, limit: 1_000_000 });
    expect(data.doubleMaps).toHaveLength(data.live.doubleMaps);
    expect(data.live.doubleMaps).toBeLessThanOrEqual(data.track.mapsOverLive + data.track.mapsToNextLayer);
  });
});

describe('what cannot be replayed', () => {
  test('an until that matches no mark is refused with the marks there are', () => {
    const mark = '  sh-1 [000] .....  1.500000: tracing_mark_write: begin of work\n';
    expect(() => replayTexts([...LEAKY.slice(0, 1), mark], { until: 'pause' })).toThrow(
      /^until: expected text of a mark of the trace \(it has 'begin of work'\), got 'pause'/,
    );
    expect(replayTexts([LEAKY[0] ?? '', mark, LEAKY[1] ?? ''], { until: 'begin' }).data.calls.lists).toBe(1);
  });

  test('a trace without iommu and dma events is unusable', () => {
    const mark = '  sh-1 [000] .....  1.500000: tracing_mark_write: begin\n';
    for (const text of ['# tracer: nop\n', mark]) {
      expect(replayTexts([text])).toMatchObject({
        outcome: 'unusable',
        verdict: expect.stringMatching(/none of them|no iommu/) as string,
      });
    }
  });

  test('devices with dma events and no map are named', () => {
    const bypass = dma('map', 2, '0000:00:03.0', 0x5000, PAGE, 'ls-9');
    const named = [line('map', 1, 0x1000, PAGE), dma('map', 1, '0000:00:02.0', 0x1000, PAGE)];
    const { verdict, data } = replayTexts([...named, bypass]);
    expect(verdict).toContain('0000:00:03.0 seems to bypass the IOMMU');
    expect(data.untranslated).toEqual([{ device: '0000:00:03.0', dmaEvents: 1 }]);
    const itself = dma('map', 2, '9050000.smmuv3', 0x5000, PAGE, 'ls-9');
    expect(replayTexts([...named, itself]).data.untranslated).toEqual([]);
  });
});

describe('memory', () => {
  test('of a granule of 64K: what is mapped for what was asked', () => {
    const { data } = replayTexts([line('map', 1, 0x1000, PAGE), line('map', 2, 0x5000, PAGE)], { granule: '4K,64K' });
    const sizes = data.rows.map(({ granule, askedBytes, mappedBytes }) => [granule, askedBytes, mappedBytes]);
    expect(sizes.toSorted()).toEqual([
      ['4K', 0x2000, 0x2000],
      ['64K', 0x2000, 0x20000],
    ]);
    for (const { tablePages, tableBytes, granule } of data.rows) {
      if (granule === '4K') expect(tableBytes).toBe(tablePages * PAGE);
      else expect(tableBytes).toBeGreaterThan(tablePages * PAGE);
    }
  });
});

describe('pictures', () => {
  test('show the numbers of the table', () => {
    const answer = replayCapture('x86-vtd-612-blk', { path: 'all' });
    const chart = chartsOf(answer).find(({ title }) => title.startsWith('Which path?'));
    if (chart?.kind !== 'bar') throw new Error('no bars');
    const table = tableNamed(tablesOf(answer), /Crossings by path/);
    for (const { name, values } of chart.series) {
      const column = table?.columns.findIndex(({ title }) => title === name) ?? -1;
      expect(table?.rows.map((row) => row[column])).toEqual(values);
    }
    expect(table?.rows.map(([path]) => path)).toEqual(chart.categories);
  });

  test('ask one question each, with full labels', () => {
    const { sections } = replayTexts(LEAKY, { path: 'all', dispatch: 'all', granule: 'all', tlb: 'all' });
    const bars = chartsOf({ sections }).filter(({ title }) => title.includes('?'));
    expect(bars.map(({ title }) => title.split('?')[0])).toEqual([
      'Which path',
      'Which dispatch',
      'Which granule',
      'Strict or lazy invalidation',
    ]);
    for (const bar of bars) expect(bar.kind === 'bar' && bar.categories.length).toBeLessThanOrEqual(4);
  });

  test('of the address space have a row for each stretch that was mapped', () => {
    const answer = replayTexts([
      line('map', 1, 0x1000, PAGE),
      line('map', 2, 0x10000000, PAGE),
      line('unmap', 3, 0x1000, PAGE),
    ]);
    const chart = chartsOf(answer).find(({ kind }) => kind === 'heat');
    if (chart?.kind !== 'heat') throw new Error('no map');
    expect(chart.rows.map(({ name }) => name.split(' ').at(-1))).toEqual(['0x0', '0x10000000']);
    const [low, high] = chart.rows.map(({ values }) => [values[0], values.at(-1)]);
    expect([low, high]).toEqual([
      [PAGE, PAGE],
      [0, PAGE],
    ]);
    const svg = answerToSvg(answer) ?? '';
    expect(svg).toContain('Input addresses over time');
    expect(svg).toContain('0x10000000');
  });
});

test('names of devices and memory come from the files of the machine', () => {
  const machine = new MachineNames({
    pci: '02:00.0 Ethernet controller [0200]: Intel Corporation 82574L [8086:10d3]\n\tKernel driver in use: e1000e\n',
    groups: 'group 3 type DMA devices 0000:02:00.0  reserved: 0x0000000008000000 0x00000000080fffff msi;\n',
  });
  const texts = [
    line('map', 1, 0x8000000, PAGE),
    line('map', 2, 0x1000, PAGE, 'dd-2'),
    dma('map', 2, '0000:02:00.0', 0x1000, PAGE, 'dd-2'),
  ];
  const { verdict, data } = replayTexts(texts, { machine });
  expect(verdict).toContain('4K for 0000:02:00.0 (e1000e)');
  expect(data.devices.find(({ name }) => name === '0000:02:00.0')?.about).toBe('e1000e, Ethernet controller, group 3');
  expect(data.stillMapped[0]).toMatchObject({ iova: '0x8000000', use: 'MSI doorbell' });
});

test('a replay names the memory that is still mapped', () => {
  const iomem = '80000000-8fffffff : System RAM\n  80000000-80000fff : 0000:00:03.0\n';
  const machine = new MachineNames({ iomem });
  const { data } = replayTexts([line('map', 1, 0x5000, PAGE), line('map', 2, 0x9000, PAGE)], { machine });
  expect(data.stillMapped.map(({ use }) => use)).toEqual(['0000:00:03.0', '0000:00:03.0']);
});
