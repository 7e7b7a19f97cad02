import { describe, expect, test } from 'vitest';
import { Domain } from '../../src/core/index.ts';
import { FORMATS } from '../../src/formats/index.ts';
import { type Regime, Walker } from '../../src/hardware/index.ts';
import { TableMemory } from '../../src/memory/index.ts';
import { iovaOf, makeDomain, pageSizesOf, RW } from '../../src/testing/setup.ts';
import { plainConfigurations, presented, regimeOf } from './regimes.ts';

const SETUPS = FORMATS.flatMap((format) =>
  plainConfigurations(format).map((configuration) => ({
    name: `${format.id} ${configuration.name}`,
    format,
    configuration,
  })),
);

/** Addresses of the entries that a walk to `iova` reads, root first. */
function entriesTo(domain: Domain, regime: Regime, iova: bigint): number[] {
  return new Walker(domain.memory, regime).walk(presented(domain, iova)).steps.map(({ entryAddress }) => entryAddress);
}

describe.each(SETUPS)('$name', (setup) => {
  test('a device finds no table of a freed domain', () => {
    const domain = makeDomain(setup);
    const [small = 0] = pageSizesOf(domain.geometry);
    const iova = iovaOf(domain, 0);
    domain.map(iova, 0, small, RW);
    const { memory } = domain;
    const regime = regimeOf(domain);
    const entries = entriesTo(domain, regime, iova);
    expect(entries).toHaveLength(domain.geometry.levels.length - domain.table.tree.top);
    domain.free();
    for (const at of entries) {
      expect(memory.stateAt(at)).toBe('free');
      expect([memory.read32(at), memory.view(at - (at % 1024), 1024)]).toEqual([undefined, undefined]);
    }
    expect(new Walker(memory, regime).translate(presented(domain, iova))).toMatchObject({
      ok: false,
      reason: 'table-outside-memory',
      class: 'external-abort',
    });
  });
});

describe('a table below an entry that was taken out', () => {
  const K4 = 4096;
  const M2 = 2 ** 21;

  function leafEntry(domain: Domain): number {
    return entriesTo(domain, regimeOf(domain), 0n).at(-1) ?? 0;
  }

  test.each(['safe', 'linux-6.1'] as const)('is free once a block lies over it, under %s', (semantics) => {
    const domain = new Domain({ semantics, memory: new TableMemory() });
    domain.map(0, 0x4000_0000, K4, RW);
    const entry = leafEntry(domain);
    domain.unmap(0, K4);
    expect(domain.memory.stateAt(entry)).toBe('live');
    domain.map(0, 0x4000_0000, M2, RW);
    expect([domain.memory.stateAt(entry), domain.memory.read64(entry)]).toEqual(['free', undefined]);
  });

  test('is free after a whole table was unmapped at once, under linux-6.1', () => {
    const domain = new Domain({ semantics: 'linux-6.1' });
    domain.map(0, 0x4000_1000, M2, RW);
    const entry = leafEntry(domain);
    domain.unmap(0, M2);
    expect([domain.memory.stateAt(entry), domain.memory.read64(entry)]).toEqual(['free', undefined]);
  });

  test('stays readable, and is no longer reached, while its invalidation is under way', () => {
    const domain = new Domain();
    domain.map(0, 0x4000_1000, M2, RW);
    const entry = leafEntry(domain);
    const offset = entry - (entry % K4) - domain.memory.base;
    domain.memory.queue(offset, K4);
    expect(domain.memory.stateAt(entry)).toBe('queued');
    expect(domain.memory.read64(entry)).toBeTypeOf('bigint');
    domain.memory.relink(offset, K4);
  });
});
