import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallBatch } from '../../src/trace/call-batch.ts';
import { createCall } from '../../src/trace/calls.ts';
import { RELATIVE_ERROR, Series, Sketch } from '../../src/trace/index.ts';
import { BUCKETS, bucketByLogarithm, bucketOf, GAMMA } from '../../src/trace/log-buckets.ts';
import { ReuseDistance } from '../../src/trace/reuse.ts';

function mapOf(domain: number, iova: number): CallBatch {
  const batch = new CallBatch();
  batch.add({ ...createCall(), kind: 'map', domain, iova }, 0);
  return batch;
}

describe('quantile sketch', () => {
  it('is within its stated error of a value of that rank, for any values', () => {
    const values = fc.array(fc.oneof(fc.nat(), fc.maxSafeNat(), fc.nat({ max: 20 })), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, share) => {
        const sketch = new Sketch();
        for (const value of list) sketch.add(value);
        const sorted = list.toSorted((a, b) => a - b);
        const exact = sorted[Math.floor(share * (list.length - 1))] ?? Number.NaN;
        expect(Math.abs(sketch.quantile(share) - exact)).toBeLessThanOrEqual(exact * RELATIVE_ERROR * 1.000001);
      }),
    );
  });

  it('keeps count, sum, minimum and maximum exactly, and ignores what is no size', () => {
    const sketch = new Sketch();
    for (const value of [4096, 0, 8192, Number.NaN, -1, Number.POSITIVE_INFINITY]) sketch.add(value);
    expect(sketch.summary()).toMatchObject({ count: 3, sum: 12_288, minimum: 0, maximum: 8192 });
  });

  it('finds the bucket that the logarithm gives, also just beside the bounds of buckets', () => {
    const beside = fc
      .tuple(fc.integer({ min: 1, max: BUCKETS - 3 }), fc.integer({ min: -40, max: 40 }))
      .map(([bucket, steps]) => GAMMA ** bucket * (1 + steps * 2 ** -40));
    const values = fc.oneof(fc.maxSafeNat(), fc.double({ min: 1, max: 2 ** 63, noNaN: true }), beside);
    fc.assert(
      fc.property(values, (value) => {
        expect(bucketOf(value)).toBe(bucketByLogarithm(value));
      }),
      { numRuns: 5000 },
    );
  });

  it('says that it has nothing', () => {
    expect(new Sketch().summary()).toMatchObject({ count: 0, median: Number.NaN, minimum: Number.NaN });
  });
});

describe('thinned series', () => {
  it('keeps every peak and the last value, in bounded room', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 500 }), (values) => {
        const series = new Series(8);
        for (const [time, value] of values.entries()) series.add(time, value);
        const points = series.points();
        expect(points.length).toBeLessThanOrEqual(8);
        expect(points[0]?.time).toBe(0);
        expect(Math.max(...points.map(({ maximum }) => maximum))).toBe(Math.max(...values));
        expect(Math.min(...points.map(({ minimum }) => minimum))).toBe(Math.min(...values));
        expect(points.at(-1)?.last).toBe(values.at(-1));
      }),
    );
  });
});

describe('a series of values that come late', () => {
  const changes = fc.array(fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 9 })), { minLength: 1, maxLength: 100 });

  function fill(series: Series, list: readonly (readonly [number, number])[]): number {
    let value = 0;
    for (const [time, change] of list) {
      value += change;
      series.add(time, value);
    }
    return value;
  }

  it('is what the same changes give in the order of their times', () => {
    fc.assert(
      fc.property(changes, (list) => {
        const late = new Series(128);
        const ordered = new Series(128);
        fill(late, list);
        fill(
          ordered,
          list.toSorted(([a], [b]) => a - b),
        );
        expect(late.points()).toEqual(ordered.points());
      }),
    );
  });

  it('stays in order, within its room and right at its end where it is thinned', () => {
    fc.assert(
      fc.property(changes, (list) => {
        const series = new Series(8);
        const value = fill(series, list);
        const points = series.points();
        const times = points.map(({ time }) => time);
        expect(points.length).toBeLessThanOrEqual(8);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        expect(times[0]).toBe(Math.min(...list.map(([time]) => time)));
        expect(points.at(-1)?.last).toBe(value);
        for (const { minimum, maximum, last } of points) expect(minimum <= last && last <= maximum).toBe(true);
      }),
    );
  });
});

describe('reuse distance', () => {
  it('counts the maps since an address was last mapped in its domain', () => {
    const reuse = new ReuseDistance();
    for (const iova of [0x1000, 0x2000, 0x1000, 0x1000]) reuse.take(mapOf(0, iova));
    reuse.take(mapOf(1, 0x1000));
    expect(reuse.distances.summary()).toMatchObject({ count: 2, minimum: 1, maximum: 2 });
    expect(reuse.fresh).toBe(3);
  });

  it('forgets what left the window', () => {
    const reuse = new ReuseDistance();
    const batch = new CallBatch();
    for (let map = 0; map < 65_538; map++) {
      batch.add({ ...createCall(), kind: 'map', iova: (map % 65_537) * 4096 }, 0);
      if (!batch.full && map < 65_537) continue;
      reuse.take(batch);
      batch.clear();
    }
    expect(reuse.fresh).toBe(65_538);
    expect(reuse.distances.count).toBe(0);
  });
});
