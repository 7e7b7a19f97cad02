import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BenchOptions, type BenchRow, effortFor, runBench } from '../../src/bench/bench.ts';
import { FLOOR_ENTRIES, Floor } from '../../src/bench/floor.ts';
import { Harness, type Job, type Measured } from '../../src/bench/harness.ts';
import { LAYOUTS, layOut } from '../../src/bench/layouts.ts';
import { OTHER_WORK_MS } from '../../src/bench/other-work.ts';
import { answerQuestion, QUESTION_CASES } from '../../src/bench/questions.ts';
import { PlainTables } from '../../src/bench/same-tables.ts';
import { spreadOf } from '../../src/bench/statistics.ts';
import { measureTimer } from '../../src/bench/timer.ts';
import { BENCH_OPS } from '../../src/bench/variants.ts';
import { DISPATCHES, PATHS } from '../../src/core/paths.ts';
import { armSmmu } from '../../src/drivers/arm-smmu/arm-smmu.ts';
import { TableMemory } from '../../src/memory/table-memory.ts';

const QUICK = { warmMs: 0, coldSamples: 1 };

/** A clock that moves by a step at each reading. */
function steppingClock(stepMs: number): () => number {
  let now = 0;
  return () => {
    now += stepMs;
    return now;
  };
}

/** What a clock moves by at each reading, so that one pass of the other work before a cold sample is enough. */
const STEP_MS = OTHER_WORK_MS;

/** A clock that looks fine while it is examined, and moves by {@link STEP_MS} a reading afterwards. */
function workingClock(): () => number {
  let now = 0;
  let readings = 0;
  return () => {
    now += readings++ < 4002 ? 0.001 : STEP_MS;
    return now;
  };
}

function options(changes: Partial<BenchOptions> = {}): BenchOptions {
  return {
    clock: workingClock(),
    format: 'arm-64-lpae-s1',
    granule: 4096,
    driver: armSmmu(),
    groups: LAYOUTS.map((layout) => [{ layout, bytes: 64 * 1024 }]),
    paths: PATHS,
    dispatches: DISPATCHES,
    ops: BENCH_OPS,
    runs: 3,
    effort: QUICK,
    ...changes,
  };
}

describe('statistics', () => {
  it('median, MAD and p99 are those of a sort', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 1 }), (samples) => {
        const { median, mad, p99 } = spreadOf(samples);
        const below = samples.filter((sample) => sample < median).length;
        const above = samples.filter((sample) => sample > median).length;
        expect(below).toBeLessThanOrEqual(samples.length / 2);
        expect(above).toBeLessThanOrEqual(samples.length / 2);
        expect(mad).toBe(spreadOf(samples.map((sample) => Math.abs(sample - median))).median);
        expect(samples.filter((sample) => sample <= p99).length).toBeGreaterThanOrEqual(samples.length * 0.99);
        expect(samples).toContain(p99);
      }),
    );
  });

  it('the step of a clock is found', () => {
    const fine = measureTimer(steppingClock(0.001));
    expect(fine.resolutionNs).toBeCloseTo(1000, 3);
    let readings = 0;
    const coarse = measureTimer(() => Math.floor(readings++ / 10) * 5);
    expect(coarse.resolutionNs).toBe(5e6);
    expect(coarse.readingNs).toBeCloseTo(5e5, -4);
    let ticks = 0;
    let turn = 0;
    const slow = measureTimer(() => {
      ticks += turn++ % 7 === 0 ? 10_300 : 10_100;
      return ticks / 1e6;
    });
    expect(slow.resolutionNs).toBeCloseTo(200, 3);
  });
});

describe('layouts', () => {
  it('no neighbours of a scattered list touch, equal seeds give equal lists, other seeds others', () => {
    const memory = new TableMemory();
    const of = (seed: number): number[] => [...layOut(memory, 'scattered', 2 ** 21, 4096, 48, seed).list.addresses];
    const one = of(7);
    expect(new Set(one).size).toBe(512);
    expect(one.every((address, i) => i === 0 || Math.abs(address - (one[i - 1] ?? 0)) !== 4096)).toBe(true);
    expect(one.toSorted((a, b) => a - b).every((a, i, all) => i === 0 || a - (all[i - 1] ?? 0) > 4096)).toBe(true);
    expect(of(7)).toEqual(one);
    expect(of(8)).not.toEqual(one);
  });

  it('the elements of every layout add up to its bytes and its sum of addresses', () => {
    const memory = new TableMemory();
    for (const layout of LAYOUTS) {
      const { list, bytes, pages, physicalSum } = layOut(memory, layout, 12 * 2 ** 20, 4096, 48, 1);
      let sum = 0;
      for (let i = 0; i < list.length; i++) {
        for (let at = 0; at < (list.lengths[i] ?? 0); at += 4096) sum += (list.addresses[i] ?? 0) + at;
      }
      expect([...list.lengths].reduce((total, length) => total + length, 0)).toBe(bytes);
      expect(pages).toBe(3072);
      expect(physicalSum).toBe(sum);
    }
  });
});

describe('the floor', () => {
  it('stores 8192 computed entries in the memory of the tables, and gives it back', () => {
    const memory = new TableMemory();
    const floor = new Floor(memory);
    const before = memory.liveBytes;
    floor.tune(steppingClock(1), 1);
    expect(floor.sample(steppingClock(1))).toBeCloseTo(1e6 / FLOOR_ENTRIES, 6);
    const start = memory.u32.indexOf(0x12345f47);
    const low = memory.u32.filter((_, i) => i >= start && (i - start) % 2 === 0 && i < start + 2 * FLOOR_ENTRIES);
    expect([...low]).toEqual(Array.from({ length: FLOOR_ENTRIES }, (_, i) => 0x12345f47 + i * 4096));
    floor.free();
    expect(memory.liveBytes).toBe(before - FLOOR_ENTRIES * 8);
  });
});

describe('rows', () => {
  const result = runBench(options());

  it('every layout, path, dispatch and operation has one, without warnings', () => {
    const keys = result.rows.map(({ op, layout, path, dispatch }) => `${op} ${layout} ${path} ${dispatch}`);
    expect(new Set(keys).size).toBe(LAYOUTS.length * PATHS.length * DISPATCHES.length * BENCH_OPS.length);
    expect(keys.length).toBe(new Set(keys).size);
    expect(result.warnings).toEqual([]);
  });

  it('a clock that steps once a reading gives the same time to all', () => {
    for (const row of result.rows) {
      expect(row.batch).toBe(1);
      // One reading of the clock, a microsecond while it was examined, is taken off.
      expect(row.medianNs).toBeCloseTo(STEP_MS * 1e6 - 1000, 3);
      // All of it is reading the clock, which is taken off
      expect(row.coldNs).toBe(0);
      expect(row.hotNs).toBeCloseTo(row.op === 'translate' ? row.nsPerPage : row.medianNs, 6);
      expect([row.samples, row.coldSamples]).toEqual([3, 1]);
      expect(row.nsPerPage).toBeCloseTo(row.medianNs / 16, 6);
      expect(row.madNs).toBeCloseTo(0, 6);
      expect(row.ratioToPerPage).toBeCloseTo(1, 6);
    }
    expect(result.floor.nsPerEntry).toBeCloseTo((STEP_MS * 1e6) / FLOOR_ENTRIES, 6);
  });

  it('counts are those of the paths', () => {
    const calls = (path: string, layout: string, dispatch = 'indirect'): number | undefined =>
      result.rows.find(
        (row) => row.op === 'map' && row.path === path && row.layout === layout && row.dispatch === dispatch,
      )?.counts.driverCalls;
    expect(calls('per-page', 'scattered')).toBe(16);
    expect(calls('map-pages', 'scattered')).toBe(16);
    expect(calls('map-pages', 'contiguous-elements')).toBe(1);
    expect(calls('map-sg', 'scattered')).toBe(1);
    expect(calls('one-walk', 'scattered')).toBe(1);
    expect(calls('per-page', 'scattered', 'direct')).toBe(0);
  });

  it('only what was asked for is measured: without per-page no ratio to it', () => {
    const asked = { paths: ['one-walk'], ops: ['unmap'], dispatches: ['direct'] } as const;
    const { rows } = runBench(options({ ...asked, groups: [[{ layout: 'aligned', bytes: 4096 }]] }));
    expect(rows).toMatchObject([{ op: 'unmap', path: 'one-walk', dispatch: 'direct', ratioToPerPage: null }]);
  });

  it('where tables are present, only those that an unmap frees whole are made anew', () => {
    const made = (bytes: number, tables: 'new' | 'present'): number[] =>
      runBench(
        options({
          tables,
          groups: [[{ layout: 'aligned', bytes }]],
          paths: ['one-walk'],
          dispatches: ['direct'],
          ops: ['map-run'],
        }),
      ).rows.map(({ counts }) => counts.tablesAllocated);
    expect(made(4096, 'new')).toEqual([3]);
    expect(made(4096, 'present')).toEqual([0]);
    expect(made(2 ** 25, 'new')).toEqual([2]);
    expect(made(2 ** 25, 'present')).toEqual([0]);
  });

  it('map-run is left out where memory does not lie in one piece', () => {
    const { rows } = runBench(options({ ops: ['map-run'], paths: ['map-pages'], dispatches: ['direct'] }));
    expect(rows.map(({ layout }) => layout)).toEqual(['contiguous', 'aligned']);
  });

  it('after mixed use the tables and counts are the same', () => {
    const asked = { paths: ['one-walk'], dispatches: ['indirect'] } as const;
    const counts = (mixed: boolean): unknown => runBench(options({ ...asked, mixed })).rows.map((row) => row.counts);
    expect(counts(true)).toEqual(counts(false));
  });

  it('a clock too coarse for the shortest sample is told', () => {
    let readings = 0;
    const clock = (): number => Math.floor(readings++ / 40);
    const effort = { ...QUICK, coldSamples: 0 };
    const { warnings } = runBench(options({ clock, effort, groups: [[{ layout: 'aligned', bytes: 4096 }]] }));
    expect(warnings.some((warning) => warning.includes('too coarse'))).toBe(true);
  });

  it('equal seeds give equal counts', () => {
    expect(runBench(options()).rows.map((row) => row.counts)).toEqual(result.rows.map((row) => row.counts));
  });
});

/** A job that notes what is done with it. */
function noted(single: boolean): { job: Job; log: string[] } {
  const log: string[] = [];
  const job: Job = {
    most: 4,
    prepare: (times) => void log.push(`prepare ${times}`),
    work: (times) => void log.push(`work ${times}`),
    finish: (times) => void log.push(`finish ${times}`),
    end: () => undefined,
    ...(single ? { single: () => void log.push('single') } : {}),
  };
  return { job, log };
}

describe('the harness', () => {
  function measured(single: boolean, samples: number, coldSamples: number): { log: string[]; result: Measured } {
    const clock = steppingClock(STEP_MS);
    // a sample lasts fifty steps of the clock at least: four times the work
    const harness = new Harness(clock, { resolutionNs: STEP_MS * 8e4, readingNs: 0 }, new TableMemory());
    const { job, log } = noted(single);
    return { log, result: harness.measure(job, { samples, coldSamples, warmMs: 0 }) };
  }

  it('readies, does and finishes each sample, hot ones several times and cold ones once', () => {
    const { log, result } = measured(false, 2, 1);
    const steps = (times: number): string[] => [`prepare ${times}`, `work ${times}`, `finish ${times}`];
    expect(log.slice(-9)).toEqual([...steps(4), ...steps(4), ...steps(1)]);
    expect([result.batch, result.samples, result.coldSamples]).toEqual([4, 2, 1]);
    expect(result.hot.median).toBeCloseTo(STEP_MS * 250_000, 6);
    expect(result.coldReadingNs).toBeCloseTo(STEP_MS * 1e6, 6);
    expect(result.cold?.median).toBe(0);
  });

  it('times the single call of a job cold, where it has one', () => {
    expect(measured(true, 2, 1).log.slice(-3)).toEqual(['prepare 1', 'single', 'finish 1']);
  });

  it('says that nothing was timed cold where no cold sample was asked for', () => {
    expect(measured(false, 2, 0).result.cold).toBeUndefined();
  });

  it('a row alone is warmed up for a second, and many rows share half a minute', () => {
    expect(effortFor(1, 301)).toEqual({ samples: 301, warmMs: 1000, coldSamples: 41 });
    expect(effortFor(672, 41)).toEqual({ samples: 41, warmMs: 45, coldSamples: 9 });
    expect(effortFor(1, 3).coldSamples).toBe(3);
  });
});

describe('tables', () => {
  it.each(LAYOUTS)('every path and dispatch leaves the tables of per-page: %s', (layout) => {
    const subject = { format: 'arm-64-lpae-s1', granule: 4096 };
    const plain = new PlainTables(subject, { layout, bytes: 6 * 2 ** 20, oas: 48, seed: 3 });
    for (const path of PATHS) {
      for (const dispatch of DISPATCHES) expect(plain.difference({ path, dispatch })).toBeUndefined();
    }
  });
});

describe('questions', () => {
  const [first] = runBench(options({ groups: [[{ layout: 'aligned', bytes: 4096 }]], ops: ['map'] })).rows;

  function row(changes: Partial<BenchRow>, counts: Partial<BenchRow['counts']>): BenchRow {
    if (first === undefined) throw new Error('no row');
    return { ...first, op: 'map', madNs: 10, ...changes, counts: { ...first.counts, ...counts } };
  }

  it('both questions count what the reviewer said', () => {
    for (const [question, calls] of [
      ['lined-up', 16],
      ['list-loop', 8192],
    ] as const) {
      const { rows } = runBench(
        options({
          groups: [[...QUESTION_CASES[question]]],
          ops: ['map'],
          paths: ['per-page'],
          dispatches: ['indirect'],
        }),
      );
      const [answer] = answerQuestion(question, { rows, runs: 3 });
      expect(answer?.rows.map((one) => one.counts.driverCalls)).toEqual([calls, calls]);
      expect(answer?.sameDriverCalls).toBe(true);
      expect(answer?.text).toContain(`both `);
    }
  });

  it('a large aligned map takes walks one level shorter and fewer tables', () => {
    const { rows } = runBench(
      options({
        groups: [[...QUESTION_CASES['lined-up']]],
        ops: ['map'],
        paths: ['per-page'],
        dispatches: ['indirect'],
      }),
    );
    const [large, small] = rows;
    expect((large?.counts.tablesAllocated ?? 0) + 1).toBe(small?.counts.tablesAllocated);
    expect((large?.counts.tableReads ?? 0) / 16).toBeLessThan((small?.counts.tableReads ?? 0) / 16);
  });

  it('the sentence follows the numbers, not the other way round', () => {
    const [one, other] = QUESTION_CASES['list-loop'];
    const answers = (second: number, calls: number): string | undefined =>
      answerQuestion('list-loop', {
        runs: 100,
        rows: [
          row({ ...one, pages: 8192, medianNs: 1e6 }, { driverCalls: 8192 }),
          row({ ...other, pages: 8192, medianNs: second }, { driverCalls: calls }),
        ],
      })[0]?.text;
    expect(answers(2e6, 8192)).toContain('both lead to 8192 calls');
    expect(answers(2e6, 8192)).toContain('+122.1 ns an element, 50.0 %');
    // Ten nanoseconds of MAD each, a hundred runs: three deviations of the difference are 7.9 ns.
    expect(answers(1e6 + 7, 8192)).toContain('no cost above the noise');
    expect(answers(1e6 + 9, 8192)).toContain('the loop over the list costs');
    expect(answers(5e5, 8192)).toContain('is not known from this run: the list was faster (−61.0 ns an element');
    expect(answers(2e6, 17)).toContain('the list to 17');
  });
});
