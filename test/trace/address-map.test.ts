import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CallBatch } from '../../src/trace/call-batch.ts';
import { createCall } from '../../src/trace/calls.ts';
import { AddressMap, type TraceCall } from '../../src/trace/index.ts';

const PAGE = 4096;

interface Step {
  readonly kind: 'map' | 'unmap';
  readonly page: number;
  readonly time: number;
}

function call({ kind, page, time }: Step): TraceCall {
  const covered = kind === 'unmap' ? PAGE : 0;
  return { ...createCall(), kind, iova: page * PAGE, size: PAGE, covered, time };
}

function take(map: AddressMap, ...calls: readonly TraceCall[]): void {
  const batch = new CallBatch();
  for (const one of calls) batch.add(one, 0);
  map.take(batch);
}

/** Maps and unmaps of single pages, each page mapped at most once at a time. */
const HISTORIES = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 2 ** 20 }), fc.integer({ min: 0, max: 10_000 })), {
    minLength: 1,
    maxLength: 200,
  })
  .map((picks) => {
    const live = new Set<number>();
    let time = 0;
    return picks.map(([page, later]): Step => {
      time += later;
      const kind = live.has(page) ? 'unmap' : 'map';
      if (kind === 'map') live.add(page);
      else live.delete(page);
      return { kind, page, time };
    });
  });

describe('the map of the address space over time', () => {
  test('is bounded, has a row for every page that was mapped, and never less than was mapped at once', () => {
    fc.assert(
      fc.property(HISTORIES, (steps) => {
        const map = new AddressMap();
        take(map, ...steps.map(call));
        const report = map.report();
        if (report === undefined) throw new Error('nothing mapped');
        expect(report.rows.length).toBeLessThanOrEqual(40);
        for (const { page } of steps) {
          const start = Math.floor((page * PAGE) / report.stretch) * report.stretch;
          expect(report.rows.some((row) => row.start === start)).toBe(true);
        }
        let live = 0;
        let peak = 0;
        for (const { kind } of steps) {
          live += kind === 'map' ? 1 : -1;
          peak = Math.max(peak, live);
        }
        const columns = report.rows[0]?.bytes.length ?? 0;
        const sums = Array.from({ length: columns }, (_, i) =>
          report.rows.reduce((sum, { bytes }) => sum + (bytes[i] ?? 0), 0),
        );
        expect(Math.max(...sums)).toBeGreaterThanOrEqual(peak * PAGE);
        expect(report.rows.every(({ bytes }) => bytes.every((one) => one >= 0 && one <= report.stretch))).toBe(true);
      }),
    );
  });

  test('keeps what stays mapped dark to the end', () => {
    const map = new AddressMap();
    take(map, call({ kind: 'map', page: 1, time: 0 }));
    take(map, call({ kind: 'map', page: 5000, time: 1e9 }));
    take(map, call({ kind: 'unmap', page: 5000, time: 2e9 }));
    const rows = map.report()?.rows ?? [];
    expect(rows[0]?.bytes.every((bytes) => bytes === PAGE)).toBe(true);
    expect(rows[1]?.bytes[0]).toBe(0);
    expect(Math.max(...(rows[1]?.bytes ?? []))).toBe(PAGE);
  });

  test('of more domains than it has rows for keeps a row for each', () => {
    const map = new AddressMap({ rows: 4 });
    const far = [0, 2 ** 20, 2 ** 30];
    for (const page of far) {
      for (let domain = 0; domain < 9; domain++) take(map, { ...call({ kind: 'map', page, time: page }), domain });
    }
    const rows = map.report()?.rows ?? [];
    expect(rows.map(({ domain }) => domain)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(rows.every(({ bytes }) => bytes.at(-1) === far.length * PAGE)).toBe(true);
  });

  test('of a terabyte in one list is made in bounded time', () => {
    const map = new AddressMap();
    take(map, { ...createCall(), kind: 'map', size: 2 ** 40 });
    expect(map.report()?.rows.reduce((sum, { bytes }) => sum + (bytes[0] ?? 0), 0)).toBe(2 ** 40);
  });
});
