import { expect, test } from 'vitest';
import { ClockLine, clockFacts, traceClock } from '../../src/record/clock.ts';

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

test('a log from boot on without such a line is of a machine whose sched_clock is the clock of the log', () => {
  expect(clockFacts('local', '[    0.0] Linux version 6.12.1 (gcc)\n').logOffsetNs).toBe(0);
});

test('an offset that nothing tells is unknown, not 0', () => {
  for (const [clock, log] of [
    ['mono', null],
    ['mono', '[    0.0] Linux version 6.12\n'],
    ['local', '[   98.5] DMAR: DRHD: handling fault status reg 2\n'],
    ['x86-tsc', LOG],
    [null, LOG],
  ] as const) {
    expect(clockFacts(clock, log)).toMatchObject({ trace: clock, logOffsetNs: null });
  }
});

test('metadata of a recording decides; without it the kernel’s first clock is assumed, and that is said', () => {
  expect(traceClock('{"clock":{"trace":"global","logOffsetNs":0}}', LOG)).toMatchObject({ logOffsetNs: 0 });
  expect(traceClock('{"clock":{"trace":"local","logOffsetNs":null}}', LOG).logOffsetNs).toBe(-1271133396);
  expect(traceClock('{"tracing":{"clock":"mono"}}', LOG)).toMatchObject({ trace: 'mono', logOffsetNs: -71356658 });
  expect(traceClock('{"clock":{"trace":"mono","logOffsetNs":null}}', null).logOffsetNs).toBeNull();
  for (const none of [null, '', 'x', '[]', 'null', '{}', '{"clock":7}', '{"clock":{"trace":1}}']) {
    const facts = traceClock(none, LOG);
    expect(facts).toMatchObject({ trace: null, logOffsetNs: -1271133396 });
    expect(facts.from).toContain('taken to have the clock local');
  }
});

test('the line is found wherever the log is cut', () => {
  const boot = new ClockLine();
  boot.push(new TextEncoder().encode('[    0.0] Linux version 6.12.1\n'));
  expect(clockFacts('local', boot.text).logOffsetNs).toBe(0);
  const bytes = new TextEncoder().encode(`${'x'.repeat(600)}\n${LOG}${'y'.repeat(600)}`);
  for (const size of [1, 7, 100, 4096]) {
    const line = new ClockLine();
    for (let at = 0; at < bytes.length; at += size) line.push(bytes.subarray(at, at + size));
    expect(clockFacts('mono', line.text).logOffsetNs).toBe(-71356658);
  }
});
