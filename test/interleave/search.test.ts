import { describe, expect, test } from 'vitest';
import { seeded } from '../../src/bench/random.ts';
import {
  awaitWord,
  barrier,
  type Cell,
  event,
  Layout,
  load,
  type Order,
  place,
  type Rules,
  replay,
  runRandom,
  type Scenario,
  type Steps,
  searchAll,
  store,
  swap,
  update,
} from '../../src/interleave/index.ts';

/** Rules that refuse one end: what the threads' `saw` events remember, in the order of the threads. */
function refuses(...refused: readonly number[]): Rules {
  return {
    memory: refused.map(() => -1),
    event: (memory, { values: [value = 0] }, thread) => {
      memory[thread] = value;
      return undefined;
    },
    end: (memory) => (memory.join() === refused.join() ? `saw ${memory.join()}` : undefined),
  };
}

const NOTHING: Rules = { memory: [], event: () => undefined, end: () => undefined };

function scenario(order: Order, layout: Layout, rules: Rules, ...runs: readonly (() => Steps)[]): Scenario {
  const threads = runs.map((run, i) => ({ name: `T${i}`, run }));
  return { name: 'test', order, layout, threads, rules };
}

/** Stores to one word and loads another, with a barrier between if asked. */
function* writeThenRead(mine: Cell, other: Cell, fenced: boolean): Steps {
  yield* store(mine, 1);
  if (fenced) yield* barrier();
  yield* event('saw', yield* load(other));
}

function storeBuffering(order: Order, fenced: boolean): Scenario {
  const layout = new Layout();
  const [x, y] = [layout.cell('x'), layout.cell('y')];
  const rules = refuses(0, 0);
  return scenario(
    order,
    layout,
    rules,
    () => writeThenRead(x, y, fenced),
    () => writeThenRead(y, x, fenced),
  );
}

function messagePassing(order: Order, fenced: boolean): Scenario {
  const layout = new Layout();
  const [data, flag] = [layout.cell('data'), layout.cell('flag')];
  function* send(): Steps {
    yield* store(data, 1);
    if (fenced) yield* barrier();
    yield* store(flag, 1);
    yield* event('saw', 0);
  }
  function* receive(): Steps {
    yield* awaitWord(flag, (set) => set === 1);
    yield* event('saw', yield* load(data));
  }
  return scenario(order, layout, refuses(0, 0), send, receive);
}

function counters(add: (cell: Cell) => Steps, wanted: number): Scenario {
  const layout = new Layout();
  const cell = layout.cell('count');
  const rules: Rules = { ...NOTHING, end: (_, read) => (read(cell) === wanted ? undefined : `count ${read(cell)}`) };
  return scenario(
    'in-order',
    layout,
    rules,
    () => add(cell),
    () => add(cell),
  );
}

function* addByLoadAndStore(cell: Cell): Steps {
  yield* store(cell, (yield* load(cell)) + 1);
}

function* addAtOnce(cell: Cell): Steps {
  yield* update(cell, 'adds 1', (old) => old + 1);
}

function* addByCompareAndSwap(cell: Cell): Steps {
  for (;;) {
    const old = yield* load(cell);
    if ((yield* swap(cell, old, old + 1)) === old) return;
    yield* place('again');
  }
}

describe('the memory', () => {
  test.each([
    ['store buffering', storeBuffering],
    ['message passing', messagePassing],
  ])('%s: refused in order and behind barriers, seen when stores are reordered', (_, make) => {
    expect(searchAll(make('in-order', false)).violation).toBeUndefined();
    expect(searchAll(make('stores-reordered', true)).violation).toBeUndefined();
    expect(searchAll(make('stores-reordered', false)).violation?.rule).toBe('saw 0,0');
  });

  test('stores to one word stay in order', () => {
    const layout = new Layout();
    const cell = layout.cell('word');
    function* twice(): Steps {
      yield* store(cell, 1);
      yield* store(cell, 2);
    }
    const rules: Rules = { ...NOTHING, end: (_, read) => (read(cell) === 2 ? undefined : `ends with ${read(cell)}`) };
    expect(searchAll(scenario('stores-reordered', layout, rules, twice)).violation).toBeUndefined();
  });

  test('a thread sees its own store before others do', () => {
    const layout = new Layout();
    const cell = layout.cell('word');
    function* look(): Steps {
      yield* store(cell, 1);
      yield* event('saw', yield* load(cell));
    }
    expect(searchAll(scenario('stores-reordered', layout, refuses(0), look)).violation).toBeUndefined();
  });
});

describe('the search', () => {
  test.each([1, 2, 3, 4, 5])(
    'two threads of %i steps have as many schedules as there are ways to merge them',
    (steps) => {
      const layout = new Layout();
      const cells = [layout.cell('a'), layout.cell('b')];
      function* run(cell: Cell): Steps {
        for (let i = 1; i <= steps; i++) yield* store(cell, i);
      }
      const found = searchAll(scenario('in-order', layout, NOTHING, ...cells.map((cell) => () => run(cell))));
      const ways = [2n, 6n, 20n, 70n, 252n][steps - 1];
      expect(found).toEqual({
        states: (steps + 1) ** 2,
        steps: 2 * steps * (steps + 1),
        complete: true,
        schedules: ways,
      });
    },
  );

  test('an update that is not atomic is lost, with a shortest schedule', () => {
    const lost = searchAll(counters(addByLoadAndStore, 2));
    expect(lost.violation).toEqual({ rule: 'count 1', schedule: expect.any(Array) });
    expect(lost.violation?.schedule).toHaveLength(4);
    expect(searchAll(counters(addAtOnce, 2)).violation).toBeUndefined();
    expect(searchAll(counters(addByCompareAndSwap, 2))).toMatchObject({ complete: true });
    expect(searchAll(counters(addByCompareAndSwap, 2)).violation).toBeUndefined();
  });

  test('threads that wait for each other are a deadlock', () => {
    const layout = new Layout();
    const cells = [layout.cell('a'), layout.cell('b')] as const;
    function* wait(own: Cell, other: Cell): Steps {
      yield* awaitWord(other, (set) => set === 1);
      yield* store(own, 1);
    }
    const both = scenario(
      'in-order',
      layout,
      NOTHING,
      () => wait(...cells),
      () => wait(cells[1], cells[0]),
    );
    expect(searchAll(both).violation).toEqual({ rule: 'deadlock: every thread waits', schedule: [] });
    expect(runRandom(both, seeded(1)).violation?.rule).toBe('deadlock: every thread waits');
  });

  test('threads that turn in circles without end are found', () => {
    const layout = new Layout();
    const cell = layout.cell('never');
    function* spin(): Steps {
      while ((yield* load(cell)) === 0) yield* place('spin');
    }
    const rule = 'from here on no schedule lets every thread finish';
    expect(searchAll(scenario('in-order', layout, NOTHING, spin)).violation?.rule).toBe(rule);
    const stopped = runRandom(scenario('in-order', layout, NOTHING, spin), seeded(1), { maxSteps: 50 });
    expect(stopped.violation?.rule).toBe('not finished after 50 steps');
  });

  test('a search that gives up says so', () => {
    const found = searchAll(storeBuffering('in-order', false), { maxStates: 3 });
    expect(found).toMatchObject({ complete: false, schedules: null });
    expect(found.violation).toBeUndefined();
  });
});

describe('a schedule', () => {
  const found = searchAll(counters(addByLoadAndStore, 2)).violation;

  test('runs again, a line for each step', () => {
    const { rule, lines } = replay(counters(addByLoadAndStore, 2), [0, 1, 0, 0]);
    expect(rule).toBe('count 1');
    expect(lines).toEqual([
      '   1  T0     reads            count 0x0',
      '   2  T1     reads            count 0x0',
      '   3  T0     writes           count 0x1',
      '   4  T1     writes           count 0x1',
    ]);
  });

  test('found by a search leads to the same end', () => {
    expect(replay(counters(addByLoadAndStore, 2), found?.schedule ?? []).rule).toBe('count 1');
  });

  test('that names no choice is refused', () => {
    expect(() => replay(counters(addAtOnce, 2), [0, 5])).toThrow(
      expect.objectContaining({
        code: 'BAD_OPTION',
        message: expect.stringContaining('expected a choice below 1 at step 2, got 5'),
      }),
    );
  });

  test('of equal seeds is equal', () => {
    const runs = [7, 7, 8].map((seed) => runRandom(counters(addByLoadAndStore, 3), seeded(seed)).violation?.schedule);
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).toHaveLength(4);
  });
});
