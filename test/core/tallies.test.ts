// Whole calls are tallied: a meter is exact whenever and however it is read.
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Domain } from '../../src/core/index.ts';
import { armSmmu } from '../../src/drivers/index.ts';
import { TableMemory } from '../../src/memory/index.ts';
import { Meter } from '../../src/meter/index.ts';

const START = 2 ** 30;
const PAGE = 4096;

function domainOf(meter: Meter, memory = new TableMemory()): Domain {
  const domain = new Domain({ driver: armSmmu(), path: 'one-walk', meter, memory });
  domain.map(START, START, PAGE, 3);
  return domain;
}

function page(domain: Domain, index: number): void {
  domain.map(START + index * PAGE, START, PAGE, 3);
}

test('each count of a call can be read on its own, from a meter that was kept', () => {
  const meter = new Meter();
  const domain = domainOf(meter);
  const before = meter.snapshot();
  page(domain, 1);
  expect(meter.walks - before.walks).toBe(1);
  expect(meter.entryWrites - before.entryWrites).toBe(1);
  page(domain, 2);
  page(domain, 3);
  expect(meter.powerLocks - before.powerLocks).toBe(6);
  expect(meter.coreTurns - before.coreTurns).toBe(3);
  domain.translate(START);
  expect(meter.since(before)).toMatchObject({ walks: 3, entryWrites: 3, wmb: 3, tableReads: 13, driverCalls: 4 });
});

test('domains that share a meter, in one memory or in two, are counted together', () => {
  const meter = new Meter();
  const memory = new TableMemory();
  const domains = [domainOf(meter, memory), domainOf(meter, memory), domainOf(meter)];
  const before = meter.snapshot();
  for (const index of [1, 2]) for (const domain of domains) page(domain, index);
  expect(meter.since(before)).toMatchObject({ walks: 6, entryWrites: 6, coreTurns: 6, powerGets: 6 });
});

test('counts outlive their domain, and the calls before a reset are not counted after it', () => {
  const meter = new Meter();
  const domain = domainOf(meter);
  page(domain, 1);
  meter.reset();
  expect(Object.values(meter.snapshot()).every((count) => count === 0)).toBe(true);
  page(domain, 2);
  domain.unmap(START, PAGE);
  const { walks } = JSON.parse(JSON.stringify(meter)) as { walks: number };
  domain.free();
  expect(meter.walks).toBe(walks);
  expect(walks).toBe(2);
});

test('a count that is set is what it was set to, whatever was tallied before', () => {
  const meter = new Meter();
  const domain = domainOf(meter);
  page(domain, 1);
  meter.wmb = 2 ** 40;
  page(domain, 2);
  expect(meter.wmb).toBe(2 ** 40 + 1);
});

test('a meter that is printed shows what it counts', () => {
  const meter = new Meter();
  domainOf(meter);
  expect(inspect(meter)).toBe(inspect(meter.snapshot()));
  expect(inspect(meter)).toContain('walks: 1');
});
