/** Every driver of the registry through the same tests: what calls do is what they do without a device, and nothing leaks. */
import { describe, expect, it } from 'vitest';
import { Domain } from '../../src/core/index.ts';
import { DRIVERS, driverById, driversOf } from '../../src/drivers/index.ts';
import { FORMATS, formatById } from '../../src/formats/index.ts';
import { driverRules } from '../../src/testing/index.ts';
import { RW, refusal } from '../../src/testing/setup.ts';
import { runAsTests } from '../support/run-rules.ts';

/** A driver that takes every format is run on one. */
for (const kind of DRIVERS) {
  runAsTests(kind.id, driverRules(kind, kind.formats === undefined ? [formatById('x86-64')] : FORMATS));
}

describe.each(DRIVERS.map((kind) => [kind.id, kind] as const))('the registry, %s', (id, kind) => {
  it('finds it by its id and its formats, and knows its names', () => {
    expect(driverById(id)).toBe(kind);
    for (const format of kind.formats ?? FORMATS.map((each) => each.id)) {
      expect(driversOf(format)).toContain(kind);
      expect(formatById(format).id).toBe(format);
    }
  });
});

it('an id that no driver has is refused with those there are', () => {
  expect(refusal(() => driverById('gart')).message).toContain(DRIVERS.map(({ id }) => id).join(', '));
});

it('a table that waits for its invalidation is queued, and still there for a device', () => {
  for (const id of ['intel-vtd', 'amd-vi', 'riscv-iommu']) {
    const kind = driverById(id);
    const domain = new Domain({ format: kind.formats?.[0] ?? '', driver: kind.make() });
    domain.map(2 ** 32, 2 ** 33 + 4096, 2 ** 21, RW);
    const { memory } = domain;
    const live = memory.liveTables;
    domain.unmap(2 ** 32, 2 ** 21, { invalidation: 'later' });
    expect(memory.liveTables).toBe(live);
    const states = Array.from({ length: memory.byteLength / 4096 }, (_, i) => memory.stateAt(memory.base + 4096 * i));
    expect(states.filter((state) => state === 'queued').length).toBe(1);
    domain.flushAll();
    expect(memory.liveTables).toBe(live - 1);
  }
});
