import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accusedBy, fitLine, outliersOf } from '../../src/cost/linear.ts';
import { nonNegativeLeastSquares } from '../../src/cost/nnls.ts';
import { studentQuantile } from '../../src/cost/student.ts';

const point = (pages: number, timeNs: number): { pages: number; timeNs: number; roundingNs: number } => ({
  pages,
  timeNs,
  roundingNs: 0,
});

describe("Student's t", () => {
  // Percentage points as published in tables of the distribution.
  test.each([
    [0.975, 1, 12.7062],
    [0.975, 2, 4.30265],
    [0.975, 5, 2.57058],
    [0.975, 30, 2.04227],
    [0.995, 3, 5.84091],
    [0.995, 10, 3.16927],
    [0.9995, 4, 8.6103],
    [0.95, 120, 1.65765],
  ])('quantile %f with %i degrees of freedom', (probability, freedom, value) => {
    expect(studentQuantile(probability, freedom)).toBeCloseTo(value, 3);
  });

  test('one degree of freedom is the Cauchy distribution, two have a closed form', () => {
    for (const p of [0.6, 0.9, 0.99, 0.9999]) {
      expect(studentQuantile(p, 1) / Math.tan(Math.PI * (p - 0.5))).toBeCloseTo(1, 9);
      expect(studentQuantile(p, 2) / ((2 * p - 1) / Math.sqrt(2 * p * (1 - p)))).toBeCloseTo(1, 9);
    }
  });
});

describe('lines', () => {
  test('both estimators find an exact line', () => {
    const points = [1, 16, 256, 512].map((pages) => point(pages, 1000 + 25 * pages));
    for (const estimator of ['unweighted least squares', 'relative least squares'] as const) {
      const line = fitLine(points, estimator);
      expect(line.fixedNs).toBeCloseTo(1000, 6);
      expect(line.perPageNs).toBeCloseTo(25, 9);
    }
  });

  test('a row far off is an outlier; an exact line has none', () => {
    const exact = [1, 2, 4, 8, 16, 32, 64].map((pages) => point(pages, 100 + 10 * pages));
    expect(outliersOf(exact)).toEqual(exact.map(() => false));
    const wobbly = exact.map((one, i) => point(one.pages, one.timeNs * (1 + 0.003 * (i % 3))));
    const broken = wobbly.map((one, i) => (i === 4 ? point(one.pages, one.timeNs / 2) : one));
    expect(outliersOf(broken).indexOf(true)).toBe(4);
    expect(outliersOf(broken).filter(Boolean)).toHaveLength(1);
  });

  test('a studentised residual equals the t of a dummy variable for that row', () => {
    const points = [3, 9, 20, 33, 41, 60].map((pages, i) =>
      point(pages, 50 + 7 * pages + ([3, -2, 4, -1, 2, -5][i] ?? 0)),
    );
    // With the row left out, t = (y − ŷ) / (s √(1 + x' (X'X)⁻¹ x)), s from the others.
    const residuals = points.map((one, at) => {
      const others = points.filter((_, i) => i !== at);
      const line = fitLine(others, 'unweighted least squares');
      const mean = others.reduce((sum, other) => sum + other.pages, 0) / others.length;
      const spread = others.reduce((sum, other) => sum + (other.pages - mean) ** 2, 0);
      const s2 =
        others.reduce((sum, other) => sum + (other.timeNs - line.fixedNs - line.perPageNs * other.pages) ** 2, 0) /
        (others.length - 2);
      const gap = one.timeNs - line.fixedNs - line.perPageNs * one.pages;
      return Math.abs(gap) / Math.sqrt(s2 * (1 + 1 / others.length + (one.pages - mean) ** 2 / spread));
    });
    const limit = studentQuantile(1 - 0.025 / 6, 3);
    expect(accusedBy(points, 'unweighted least squares')).toEqual(residuals.map((t) => t > limit));
  });
});

describe('non-negative least squares', () => {
  function residual(rows: readonly Float64Array[], x: Float64Array, b: Float64Array): Float64Array {
    return b.map((value, i) => value - (rows[i] as Float64Array).reduce((sum, a, j) => sum + a * (x[j] as number), 0));
  }

  const system = fc.integer({ min: 1, max: 6 }).chain((n) =>
    fc.record({
      rows: fc.array(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: n, maxLength: n }), {
        minLength: n,
        maxLength: 15,
      }),
      b: fc.array(fc.integer({ min: -50, max: 300 }), { minLength: 15, maxLength: 15 }),
    }),
  );

  test('the optimality conditions hold, dependent columns included', () => {
    fc.assert(
      fc.property(system, ({ rows: numbers, b: target }) => {
        const rows = numbers.map((row) => Float64Array.from([...row, row[0] ?? 0]));
        const b = Float64Array.from(target.slice(0, rows.length));
        const x = nonNegativeLeastSquares(rows, b);
        const left = residual(rows, x, b);
        const size = 1 + Math.hypot(...b) * Math.hypot(...rows.flatMap((row) => [...row]));
        for (const [j, xj] of x.entries()) {
          const gradient = rows.reduce((sum, row, i) => sum + (row[j] as number) * (left[i] as number), 0);
          expect(xj).toBeGreaterThanOrEqual(0);
          expect(gradient).toBeLessThanOrEqual(1e-6 * size);
          if (xj > 1e-9) expect(Math.abs(gradient)).toBeLessThanOrEqual(1e-6 * size);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('of equally good solutions, the one whose columns come first', () => {
    const rows = [Float64Array.of(1, 1), Float64Array.of(2, 2)];
    const b = Float64Array.of(3, 6);
    expect([...nonNegativeLeastSquares(rows, b, [0, 1])].map(Math.round)).toEqual([3, 0]);
    expect([...nonNegativeLeastSquares(rows, b, [1, 0])].map(Math.round)).toEqual([0, 3]);
  });
});
