import { expect, test } from 'vitest';
import { clockFacts } from '../../src/record/clock.ts';

/** As Linux 6.12 printed it in a guest whose log says 71 ms less than its monotonic clock. */
const LOG = '[    5.1] sched_clock: Marking stable (4756236838, -71356658)->(5956013576, -1271133396)\n';

test('the trace clock global is the clock of the log', () => {
  expect(clockFacts('global', null)).toMatchObject({ trace: 'global', logOffsetNs: 0 });
  expect(clockFacts('global', LOG)).toMatchObject({ logOffsetNs: 0 });
});

test('the offsets of mono and local are read from the log', () => {
  expect(clockFacts('mono', LOG).logOffsetNs).toBe(-71356658);
  expect(clockFacts('local', LOG).logOffsetNs).toBe(-1271133396);
});

test('an offset that nothing tells is unknown, not 0', () => {
  for (const [clock, log] of [
    ['mono', null],
    ['local', '[    0.0] Linux version 6.12\n'],
    ['x86-tsc', LOG],
    [null, LOG],
  ] as const) {
    expect(clockFacts(clock, log)).toMatchObject({ trace: clock, logOffsetNs: null });
  }
});
