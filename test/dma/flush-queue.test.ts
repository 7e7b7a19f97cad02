import { expect, test } from 'vitest';
import { FlushQueue, QUEUE_TIMEOUT_NS } from '../../src/dma/flush-queue.ts';

interface Log {
  readonly flushes: [time: number, early: boolean][];
  readonly released: [cpu: number, pfn: number][];
}

function make(cpus: number, slots?: number): { queue: FlushQueue; log: Log } {
  const log: Log = { flushes: [], released: [] };
  const queue = new FlushQueue(slots === undefined ? { cpus } : { cpus, slots }, {
    flush: (time, early) => log.flushes.push([time, early]),
    release: (cpu, pfn) => log.released.push([cpu, pfn]),
  });
  return { queue, log };
}

test('255 unmaps fit in a ring; the 256th flushes first', () => {
  const { queue, log } = make(1);
  for (let i = 0; i < 255; i++) queue.add(0, 0, i + 1, 1);
  expect(log.flushes).toEqual([]);
  expect(queue.waiting).toBe(255);
  queue.add(0, 5, 1000, 1);
  expect(log.flushes).toEqual([[5, true]]);
  expect(log.released).toHaveLength(255);
  expect(queue.waiting).toBe(1);
});

test('the timer starts with the first entry, fires once, and frees the rings of all CPUs on its own', () => {
  const { queue, log } = make(2);
  queue.add(1, 100, 7, 1);
  queue.add(0, 200, 8, 2);
  queue.advance(100 + QUEUE_TIMEOUT_NS - 1);
  expect(log.flushes).toEqual([]);
  queue.advance(5 * QUEUE_TIMEOUT_NS);
  expect(log.flushes).toEqual([[100 + QUEUE_TIMEOUT_NS, false]]);
  expect(log.released).toEqual([
    [1, 8],
    [1, 7],
  ]);
  queue.advance(9 * QUEUE_TIMEOUT_NS);
  expect(log.flushes).toHaveLength(1);
});

test('a flush that one CPU had to make frees the entries of another at its next unmap', () => {
  const { queue, log } = make(2, 4);
  queue.add(1, 0, 50, 1);
  for (let i = 0; i < 4; i++) queue.add(0, i, i + 1, 1);
  expect(log.flushes).toHaveLength(1);
  expect(log.released.map(([, pfn]) => pfn)).toEqual([1, 2, 3]);
  queue.add(1, 9, 51, 1);
  expect(log.released.at(-1)).toEqual([1, 50]);
});

test('what a queue is made of is checked', () => {
  const hooks = { flush: () => undefined, release: () => undefined };
  expect(() => new FlushQueue({ cpus: 1, slots: 100 }, hooks)).toThrow('slots: expected a power of two');
  expect(() => new FlushQueue({ cpus: 1, timeoutNs: 0 }, hooks)).toThrow('timeoutNs: expected more than 0');
  expect(() => make(1).queue.add(3, 0, 1, 1)).toThrow('cpu: expected a CPU from 0 to 0, got 3');
});
