import fc from 'fast-check';
import loader, { type LegacyHighs } from 'highs';
import { describe, expect, test } from 'vitest';
import { Simplex } from '../../src/cost/simplex.ts';

// The package's types describe its CommonJS build; what is imported is the module build, whose default is the loader.
const highs = await (loader as unknown as () => Promise<LegacyHighs>)();

interface Programme {
  readonly rows: number[][];
  readonly bounds: number[];
  readonly cost: number[];
}

function ours({ rows, bounds, cost }: Programme): string | number {
  const set = new Simplex(
    rows.map((row) => Float64Array.from(row)),
    Float64Array.from(bounds),
  );
  if (!set.feasible) return 'Infeasible';
  const { value } = set.minimise(Float64Array.from(cost));
  return value === Number.NEGATIVE_INFINITY ? 'Unbounded' : value;
}

/** The programme in CPLEX LP format, solved by HiGHS. */
function reference({ rows, bounds, cost }: Programme): string | number {
  const sum = (row: readonly number[]): string =>
    row.map((c, j) => `${c < 0 ? '-' : '+'} ${Math.abs(c)} x${j}`).join(' ');
  const constraints = rows.map((row, i) => ` c${i}: ${sum(row)} <= ${bounds[i]}`);
  const free = cost.map((_, j) => ` 0 <= x${j}`);
  const model = ['Minimize', ` obj: ${sum(cost)}`, 'Subject To', ...constraints, 'Bounds', ...free, 'End'].join('\n');
  const solution = highs.solve(model, { presolve: 'off' });
  return solution.Status === 'Optimal' ? solution.ObjectiveValue : solution.Status;
}

/** The programme with every variable below a bound: it has an end wherever it has a beginning. */
function boxed({ rows, bounds, cost }: Programme, most: number): Programme {
  const box = cost.map((_, i) => cost.map((_, j) => (i === j ? 1 : 0)));
  return { rows: [...rows, ...box], bounds: [...bounds.slice(0, rows.length), ...box.map(() => most)], cost };
}

function expectSame(programme: Programme): void {
  const [mine, theirs] = [ours(programme), reference(programme)];
  if (typeof mine === 'number' && typeof theirs === 'number') {
    expect(Math.abs(mine - theirs)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(theirs)));
  } else expect(mine).toBe(theirs);
}

/** Systems as cost fits make them: counts over many orders of magnitude, times with noise, bounds on both sides. */
function costSystem(random: () => number, measurements: number, units: number, noise: number): Programme {
  const prices = Array.from({ length: units }, () => (random() < 0.3 ? 0 : 500 * random()));
  const rows: number[][] = [];
  const bounds: number[] = [];
  for (let i = 0; i < measurements; i += 1) {
    const pages = 2 ** Math.floor(14 * random());
    const counts = prices.map(() => [0, 1, pages, Math.ceil(pages / 512)][Math.floor(4 * random())] ?? 0);
    const time =
      counts.reduce((sum, count, j) => sum + count * (prices[j] ?? 0), 0) * (1 + noise * (random() - 0.5)) + 10;
    const tau = 0.02 * time + 5;
    rows.push(
      counts.map((count) => count / tau),
      counts.map((count) => -count / tau),
    );
    bounds.push(time / tau + 1, 1 - time / tau);
  }
  return { rows, bounds, cost: prices.map((_, j) => (j === Math.floor(units * random()) ? 1 : 0)) };
}

/** Unbounded programmes of which HiGHS says "Unknown". */
const UNKNOWN_TO_HIGHS: Programme[] = [
  {
    rows: [
      [-8, 0, -1],
      [-1, -2, -2],
    ],
    bounds: [1, 1],
    cost: [-4, -1, 0],
  },
  {
    rows: [
      [-2, -5, 0, 1],
      [-5, -1, -2, 4],
      [-6, 1, 4, 0],
      [0, 0, 5, -3],
      [1, -3, -2, 0],
      [-5, -3, 6, -6],
    ],
    bounds: [1, 2, 1, 6, 1, 3],
    cost: [0, 2, 0, -1],
  },
];

function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('against HiGHS', () => {
  test('random small programmes: optimal, infeasible and unbounded ones', () => {
    const number = fc.integer({ min: -9, max: 9 });
    const programme = fc.integer({ min: 1, max: 5 }).chain((n) =>
      fc.record({
        rows: fc.array(fc.array(number, { minLength: n, maxLength: n }), { minLength: 1, maxLength: 8 }),
        bounds: fc.array(number, { minLength: 8, maxLength: 8 }),
        cost: fc.array(number, { minLength: n, maxLength: n }),
      }),
    );
    fc.assert(
      fc.property(programme, (one) => {
        const [mine, theirs] = [ours(one), reference(one)];
        // Where a programme is both unbounded and hard to start, HiGHS may stop at "Primal infeasible or unbounded", or
        // come to no result at all.
        if (theirs === 'Unknown') expectSame(boxed(one, 1000));
        else if (typeof theirs === 'string' && theirs.includes(' or ')) expect(typeof mine).toBe('string');
        else expectSame(one);
      }),
      { numRuns: 400, examples: UNKNOWN_TO_HIGHS.map((one) => [one]) },
    );
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('ranges of cost systems, both ends (seed %i)', (seed) => {
    const random = generator(seed);
    const one = costSystem(random, 20 + Math.floor(60 * random()), 3 + Math.floor(15 * random()), 0.03);
    expectSame(one);
    expectSame({ ...one, cost: one.cost.map((c) => -c) });
  });

  test('200 measurements and 20 units', () => {
    const one = costSystem(generator(99), 200, 20, 0.03);
    for (let j = 0; j < 20; j += 1) {
      expectSame({ ...one, cost: one.cost.map((_, k) => (k === j ? 1 : 0)) });
      expectSame({ ...one, cost: one.cost.map((_, k) => (k === j ? -1 : 0)) });
    }
  });
});

test('programmes that cycle under the largest-coefficient rule come to an end', () => {
  // Beale's example, and Kuhn's.
  expect(
    ours({
      rows: [
        [0.25, -60, -0.04, 9],
        [0.5, -90, -0.02, 3],
        [0, 0, 1, 0],
      ],
      bounds: [0, 0, 1],
      cost: [-0.75, 150, -0.02, 6],
    }),
  ).toBeCloseTo(-0.05, 9);
  expect(
    ours({
      rows: [
        [-2, -9, 1, 9],
        [1 / 3, 1, -1 / 3, -2],
        [2, 3, -1, -12],
      ],
      bounds: [0, 0, 2],
      cost: [-2, -3, 1, 12],
    }),
  ).toBe(-2);
});

test('many objectives over one set give what each gives alone', () => {
  const one = costSystem(generator(7), 60, 12, 0.02);
  const set = new Simplex(
    one.rows.map((row) => Float64Array.from(row)),
    Float64Array.from(one.bounds),
  );
  for (let j = 0; j < 12; j += 1) {
    const cost = one.cost.map((_, k) => (k === j ? -1 : 0));
    const alone = ours({ ...one, cost });
    expect(set.minimise(Float64Array.from(cost)).value).toBeCloseTo(alone as number, 6);
  }
});
