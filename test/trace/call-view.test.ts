import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AddressMap } from '../../src/trace/address-map.ts';
import { CallBatch } from '../../src/trace/call-batch.ts';
import { CallLog } from '../../src/trace/call-log.ts';
import { spanOf, viewCalls } from '../../src/trace/call-view.ts';
import { createCall, type TraceCall } from '../../src/trace/calls.ts';
import { createFields } from '../../src/trace/live.ts';

const PAGE = 4096;

function mapOf(time: number, page: number, pages: number, domain = 0): TraceCall {
  const elements = { pa: new Float64Array([page * 8 * PAGE]), length: new Float64Array([pages * PAGE]) };
  return { ...createCall(), kind: 'map', time, iova: page * PAGE, size: pages * PAGE, count: 1, domain, ...elements };
}

function unmapOf(time: number, map: TraceCall): TraceCall {
  const { iova, size, domain } = map;
  return { ...createCall(), time, iova, size, domain, covered: size, was: { ...createFields(), time: map.time } };
}

/** Maps of distinct pages of two domains, each with an unmap later or never, in the order of time. */
const HISTORIES = fc
  .uniqueArray(
    fc.record({
      page: fc.integer({ min: 1, max: 500 }),
      pages: fc.integer({ min: 1, max: 4 }),
      domain: fc.integer({ min: 0, max: 1 }),
      time: fc.integer({ min: 0, max: 5000 }),
      lives: fc.option(fc.integer({ min: 1, max: 5000 })),
    }),
    { selector: ({ page }) => page, minLength: 1, maxLength: 60 },
  )
  .map((all) =>
    all
      .flatMap(({ page, pages, domain, time, lives }) => {
        const map = mapOf(time, page * 8, pages, domain);
        return lives === null ? [map] : [map, unmapOf(time + lives, map)];
      })
      .toSorted((a, b) => a.time - b.time),
  );

function logOf(calls: readonly TraceCall[]): CallLog {
  const log = new CallLog();
  for (const call of calls) log.add(call);
  return log;
}

/** Bytes live at a time, after all calls up to it, within addresses of a domain. */
function liveAt(calls: readonly TraceCall[], time: number, domain: number | undefined): number {
  const before = calls.filter((call) => call.time <= time && (domain === undefined || call.domain === domain));
  return before.reduce((sum, call) => sum + (call.kind === 'unmap' ? -call.covered : call.size), 0);
}

describe('the log of calls', () => {
  test('gives back every call as it was taken', () => {
    fc.assert(
      fc.property(HISTORIES, (calls) => {
        const log = logOf(calls);
        expect(log.count).toBe(calls.length);
        for (const [i, call] of calls.entries()) {
          const { pa, length, was, ...rest } = log.read(i);
          expect(rest).toMatchObject({ kind: call.kind, time: call.time, iova: call.iova, covered: call.covered });
          expect([...pa, ...length]).toEqual([
            ...call.pa.subarray(0, call.count),
            ...call.length.subarray(0, call.count),
          ]);
          expect(was?.time).toBe(call.was?.time);
        }
      }),
    );
  });

  test('keeps the first calls where there are too many, and counts the others', () => {
    const log = new CallLog(3, 2);
    const first = mapOf(1, 1, 1);
    for (const call of [first, unmapOf(2, first), mapOf(3, 2, 1), mapOf(4, 3, 1), unmapOf(5, first)]) log.add(call);
    expect([log.count, log.dropped]).toEqual([3, 2]);
  });

  test('grows', () => {
    const log = new CallLog();
    for (let i = 0; i < 10_000; i++) log.add(mapOf(i, i, 1));
    expect(log.read(9999)).toMatchObject({ time: 9999, iova: 9999 * PAGE, size: PAGE });
    expect(spanOf(log)).toEqual({ first: 0, last: 9999 });
  });
});

describe('a window of the calls', () => {
  test('has the bytes that were live, and every call in one column', () => {
    fc.assert(
      fc.property(
        HISTORIES,
        fc.integer({ min: 0, max: 4000 }),
        fc.integer({ min: 1, max: 4000 }),
        (calls, from, width) => {
          const to = from + width;
          const view = viewCalls(logOf(calls), { from, to, columns: 8 });
          const within = calls.filter(({ time }) => time >= from && time < to);
          const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
          expect(sum(view.maps) + sum(view.unmaps)).toBe(within.length);
          const times = [from, ...within.map(({ time }) => time)];
          const peaks = times.map((time) => liveAt(calls, time, undefined));
          expect(Math.max(...view.live)).toBeGreaterThanOrEqual(Math.max(...peaks));
          expect(view.live.at(-1)).toBeGreaterThanOrEqual(liveAt(calls, to - 1, undefined));
        },
      ),
    );
  });

  test('shows what was mapped before it and still is, and nothing that was unmapped before', () => {
    const [kept, gone] = [mapOf(0, 16, 1), mapOf(0, 400, 1)];
    const log = logOf([kept, gone, unmapOf(10, gone), mapOf(130, 32, 1)]);
    const { addresses, live } = viewCalls(log, { from: 100, to: 200, columns: 4 });
    expect(live).toEqual([PAGE, 2 * PAGE, 2 * PAGE, 2 * PAGE]);
    expect(addresses?.stretch).toBe(PAGE);
    expect(addresses?.rows).toEqual([
      { domain: 0, start: 16 * PAGE, bytes: [PAGE, PAGE, PAGE, PAGE] },
      { domain: 0, start: 32 * PAGE, bytes: [0, PAGE, PAGE, PAGE] },
    ]);
  });

  test('zooms to a single page of one domain', () => {
    const big = mapOf(10, 0, 256);
    const log = logOf([big, mapOf(20, 0, 256, 1), unmapOf(60, big)]);
    const page = { domain: 0, start: 7 * PAGE, end: 8 * PAGE };
    const view = viewCalls(log, { from: 0, to: 100, columns: 10, addresses: page });
    expect(view.live).toEqual([0, PAGE, PAGE, PAGE, PAGE, PAGE, PAGE, 0, 0, 0]);
    expect(view.maps.reduce((a, b) => a + b)).toBe(1);
    expect(view.addresses?.rows.map(({ domain, start }) => [domain, start])).toEqual([[0, 7 * PAGE]]);
  });
});

test('a map of addresses with fixed times covers all of them', () => {
  const map = new AddressMap({ columns: 4, from: 100, to: 500, stretch: PAGE });
  const batch = new CallBatch();
  batch.add(mapOf(150, 1, 1), 0);
  map.take(batch);
  expect(map.report()).toMatchObject({ from: 100, to: 500, rows: [{ bytes: [PAGE, PAGE, PAGE, PAGE] }] });
});
