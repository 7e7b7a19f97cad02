import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { rangeAnswer, rangeRowsAnswer } from '../../src/answers/range.ts';
import { ReplayRun } from '../../src/answers/replay.ts';
import { CallLog } from '../../src/trace/call-log.ts';
import { spanOf } from '../../src/trace/call-view.ts';
import { createNames } from '../../src/trace/events.ts';
import { createTraceReader } from '../../src/trace/readers.ts';

const names = createNames();
const log = new CallLog();
const run = new ReplayRun({ names, clock: () => 0, watch: (call) => log.add(call) });
const reader = createTraceReader('ftrace', (event) => run.event(event), names);
reader.push(readFileSync(new URL('../captures/arm64-smmuv3-612-blk-strict/trace_boot.txt', import.meta.url)));
reader.end();
const whole = run.answer([reader.stats]);
const { first, last } = spanOf(log);
const END = last + 1;
const MIDDLE = first + (last - first) / 2;
const clock = (): number => 0;

function rowsOf(from: number, to: number) {
  const { rows } = rangeRowsAnswer({ log, from, to, clock }, {}).data;
  return new Map(rows.map((row) => [row.path, row]));
}

function rangeOf(from: number, to: number, limit = 1000) {
  return rangeAnswer({ log, names, domains: run.domains, from, to, start: first, limit });
}

describe('a range of a trace', () => {
  test('that is the whole trace counts what the replay counts', () => {
    const rows = rowsOf(first, END);
    for (const { path, counts, crossings, mappedBytes, tablePages } of whole.data.rows) {
      expect(rows.get(path)).toMatchObject({ counts, crossings, mappedBytes, tablePages });
    }
  });

  test('and the rest of it together count what the whole counts', () => {
    const [a, b] = [rowsOf(first, MIDDLE), rowsOf(MIDDLE, END)];
    for (const { path, crossings, mappedBytes } of whole.data.rows) {
      expect((a.get(path)?.crossings ?? 0) + (b.get(path)?.crossings ?? 0)).toBe(crossings);
      expect((a.get(path)?.mappedBytes ?? 0) + (b.get(path)?.mappedBytes ?? 0)).toBe(mappedBytes);
    }
    const [before, behind] = [rangeOf(first, MIDDLE).data, rangeOf(MIDDLE, END).data];
    expect(before.maps + behind.maps).toBe(whole.data.pairing.maps);
    expect(before.unmappedBytes + behind.unmappedBytes).toBe(whole.data.pairing.unmappedBytes);
    expect(before.maps).toBeGreaterThan(0);
  });

  test('lists at most as many calls as it is asked for, and says how many there are', () => {
    const { csv, data } = rangeOf(first, END, 5);
    expect(csv?.rows).toHaveLength(5);
    expect(csv?.total).toBe(data.maps + data.unmaps);
  });

  test('without a call is said to hold none', () => {
    expect(rangeOf(END, END + 1)).toMatchObject({ outcome: 'unusable', sections: [] });
  });

  test('takes only calls that touch the addresses', () => {
    const call = log.read(0);
    const addresses = { domain: call.domain, start: call.iova, end: call.iova + 1 };
    const { csv } = rangeAnswer({
      log,
      names,
      domains: run.domains,
      from: first,
      to: END,
      start: first,
      limit: 10_000,
      addresses,
    });
    expect(csv?.rows.length).toBeGreaterThan(0);
    expect(csv?.rows.length).toBeLessThan(log.count);
    const starts = csv?.rows.map((row) => Number(row[2])) ?? [];
    expect(starts.every((start) => start <= call.iova)).toBe(true);
  });

  test('asked again for leaks is answered without reading again', () => {
    const again = run.answer([reader.stats], { leaks: true });
    expect(again.sections.map(({ id }) => id)).toContain('leaks');
    expect(again.data.rows).toEqual(whole.data.rows);
  });
});
