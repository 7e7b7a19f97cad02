import { describe, expect, test } from 'vitest';
import { seeded } from '../../src/bench/random.ts';
import {
  BUGS,
  type BugName,
  numbersScenario,
  queueScenario,
  replay,
  runRandom,
  SCENARIOS,
  type Shipped,
  type Steps,
  searchAll,
  tableScenario,
} from '../../src/interleave/index.ts';

/** Searched by `npm run interleave` only: a quarter of a million states. */
const LONG = ['queue-three'];

function scenarioOf(name: string): Shipped {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

const SMALL = SCENARIOS.filter(({ name, size }) => size === 'small' && !LONG.includes(name));
const LARGE = SCENARIOS.filter(({ size }) => size === 'large');

describe('as they are', () => {
  test.each(SMALL)('$name: no interleaving breaks a rule', ({ make }) => {
    const { complete, violation } = searchAll(make());
    expect({ complete, violation }).toEqual({ complete: true, violation: undefined });
  });

  test.each(LARGE)('$name: no random schedule breaks a rule', ({ make }) => {
    for (let seed = 1; seed <= 8; seed++)
      expect({ seed, ...runRandom(make(), seeded(seed)).violation }).toEqual({ seed });
  });

  test.each(['queue-two', 'queue-two-msi', 'numbers'])(
    '%s: the loop heads join no states that go on differently',
    (name) => {
      const scenario = scenarioOf(name).make();
      const threads = scenario.threads.map((thread) => ({ ...thread, run: () => withoutPlaces(thread.run()) }));
      const bare = searchAll({ ...scenario, threads });
      const joined = searchAll(scenario);
      expect(bare.schedules).toBe(joined.schedules);
      expect(bare.states).toBeGreaterThanOrEqual(joined.states);
    },
  );

  test('no scenario has the name of another', () => {
    expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
  });
});

/** The same thread without its loop heads, so that a search tells apart whatever came before. */
function* withoutPlaces(steps: Steps): Steps {
  for (let turn = steps.next(0); turn.done !== true; ) {
    const result = turn.value.kind === 'place' ? 0 : yield turn.value;
    turn = steps.next(result);
  }
}

/** What each defect does where it is met soonest. */
const FOUND: Readonly<Record<BugName, RegExp>> = {
  'exclusive-unlock-clears-waiters': /^producer \d starves: the lock was taken alone 3 times/,
  'split-loser-forgets-to-unmap':
    /^the device finds frame 0x101 for input page 1 after the call has returned, not nothing$/,
  'number-taken-before-the-lock': /^the waiter of \d goes on before it was consumed$/,
  'unmap-does-not-clean': /^the device finds frame 0x101 for input page 1 after the call has returned, not nothing$/,
  'no-barrier-before-valid': /^the SMMU consumes an entry that is not a whole command: 0x0 0x0$/,
  'no-shared-lock': /^deadlock/,
  'owner-skips-its-turn': /^deadlock/,
  'owner-skips-valid-bits': /^the SMMU consumes an entry that is not a whole command: 0x0 0x0$/,
  'valid-bits-without-wrap': /^deadlock/,
  'space-without-sync': /^producer 1 writes entry 0 before the command in it was consumed$/,
  'install-without-compare': /^the device finds nothing for input page 0 after the call has returned, not frame 0x100$/,
  'loser-keeps-its-page': /^at the end page 2 is lost: neither in the table nor free$/,
  'no-barrier-before-install': /^the device finds frame 0xdead for input page 0, not frame 0x100$/,
  'new-table-not-cleaned': /^the device finds frame 0xdead for input page 0, not frame 0x100$/,
  'second-writer-does-not-clean':
    /^the device finds nothing for input page 1 after the call has returned, not frame 0x101$/,
  'marked-before-cleaned': /^the device finds nothing for input page 1 after the call has returned, not frame 0x101$/,
};

const NAMES = Object.keys(BUGS) as BugName[];

describe('with a defect', () => {
  test.each(NAMES)('%s is found, and its schedule leads there again', (bug) => {
    const { make } = scenarioOf(BUGS[bug].scenario);
    const violation = searchAll(make(bug)).violation;
    expect(violation?.rule).toMatch(FOUND[bug]);
    const { rule, lines } = replay(make(bug), violation?.schedule ?? []);
    expect(rule).toBe(violation?.rule);
    expect(lines).toHaveLength(violation?.schedule.length ?? 0);
  });

  test.each(NAMES.filter((bug) => BUGS[bug].source !== undefined))(
    '%s, which Linux had, is met by random schedules',
    (bug) => {
      const { make } = scenarioOf(BUGS[bug].large);
      const seeds = Array.from({ length: 40 }, (_, seed) => seed);
      const first = seeds.find((seed) => runRandom(make(bug), seeded(seed)).violation !== undefined);
      expect(first).toBeDefined();
    },
  );

  test('a defect of another algorithm changes nothing', () => {
    const { make } = scenarioOf('table-install');
    expect(searchAll(make('no-shared-lock'))).toEqual(searchAll(make()));
  });

  test('the race of two that split a block, step by step', () => {
    const { make } = scenarioOf('table-split');
    const bug = 'split-loser-forgets-to-unmap';
    const { lines } = replay(make(bug), searchAll(make(bug)).violation?.schedule ?? []);
    expect(lines).toEqual([
      '   1  CPU 0     reads            table 0[0] 0x100001',
      '   2  CPU 0     writes           table 1[0] 0x0',
      '   3  CPU 0     writes           table 1[1] 0x101003',
      '   4  CPU 1     reads            table 0[0] 0x100001',
      '   5  CPU 0     compares, swaps  table 0[0] 0x100001 -> 0x1003',
      '   6  CPU 1     writes           table 2[0] 0x100003',
      '   7  CPU 1     writes           table 2[1] 0x0',
      '   8  CPU 1     compares, swaps  table 0[0] 0x1003 -> 0x1003',
      '   9  CPU 1     writes           returned 1[0] 0x1',
      '  10  access 1  has waited for   returned 1[0] 0x1',
      '  11  access 1  reads            table 0[0] 0x1003',
      '  12  access 1  reads            table 1[1] 0x101003',
    ]);
  });
});

describe('bad scenarios are refused', () => {
  const queue = { name: 'q', order: 'in-order', size: 4, producers: [[{ commands: 1, sync: true }]] } as const;
  const table = {
    name: 't',
    order: 'in-order',
    levels: 2,
    entries: 2,
    coherent: true,
    writers: [[{ input: 0 }]],
  } as const;

  test.each([
    ['size', () => queueScenario({ ...queue, size: 3 })],
    ['size', () => queueScenario({ ...queue, size: 128 })],
    ['producers', () => queueScenario({ ...queue, producers: [[{ commands: 4, sync: true }]] })],
    ['producers', () => queueScenario({ ...queue, producers: [[{ commands: 0, sync: false }]] })],
    ['producers', () => queueScenario({ ...queue, producers: [new Array(300).fill({ commands: 1, sync: false })] })],
    ['producers', () => queueScenario({ ...queue, producers: new Array(256).fill([]) })],
    ['levels', () => tableScenario({ ...table, levels: 4 })],
    ['entries', () => tableScenario({ ...table, entries: 1 })],
    ['writers', () => tableScenario({ ...table, writers: [[{ input: 4 }]] })],
    ['writers', () => tableScenario({ ...table, writers: [[{ input: 0 }], [{ input: 0, frame: 1 }]] })],
    ['cpus', () => numbersScenario({ name: 'n', order: 'in-order', cpus: 0, syncs: 1 })],
    ['syncs', () => numbersScenario({ name: 'n', order: 'in-order', cpus: 1, syncs: 0.5 })],
  ])('%s (%#)', (argument, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'BAD_OPTION', argument }));
  });
});
