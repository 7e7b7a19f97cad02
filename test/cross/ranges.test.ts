import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Domain } from '../../src/core/index.ts';
import { FORMATS } from '../../src/formats/index.ts';
import { Walker } from '../../src/hardware/index.ts';
import { CallMaker, type Draw, draws } from '../../src/testing/histories.ts';
import { IntervalMap } from '../../src/testing/interval-map.ts';
import { perform } from '../../src/testing/rules/histories.ts';
import { iovaOf, makeDomain, pageSizesOf, RW, refusal } from '../../src/testing/setup.ts';
import { reach } from './checks.ts';
import { plainConfigurations, presented, regimeOf } from './regimes.ts';

const SETUPS = FORMATS.flatMap((format) =>
  plainConfigurations(format).map((configuration) => ({
    name: `${format.id} ${configuration.name}`,
    format,
    configuration,
  })),
);

/** Maps what a history maps, each call where nothing is yet. */
function mapAll(domain: Domain, history: readonly Draw[]): number[] {
  const maker = new CallMaker(domain.geometry);
  const mapped = new IntervalMap();
  return history.flatMap((draw) => {
    const call = maker.make(draw, mapped);
    if (call === undefined || call.kind === 'unmap' || mapped.covered(BigInt(call.offset), BigInt(call.bytes)) > 0n)
      return [];
    perform(domain, call);
    mapped.add(BigInt(call.offset), BigInt(call.bytes), 0n);
    return [call.offset];
  });
}

describe.each(SETUPS)('$name', (setup) => {
  test('translating a range gives what the device finds page by page', () => {
    fc.assert(
      fc.property(draws, fc.nat({ max: 20 }), fc.integer({ min: 1, max: 700 }), (history, before, count) => {
        const domain = makeDomain(setup);
        const [small = 0] = pageSizesOf(domain.geometry);
        const starts = mapAll(domain, history).slice(0, 4);
        const walker = new Walker(domain.memory, regimeOf(domain));
        for (const start of starts) {
          const first = Math.max(0, start - before * small);
          const pages = Math.min(count, (2 ** domain.geometry.ias - first) / small);
          const wanted = Array.from({ length: pages }, (_, i) => {
            const found = reach(walker, presented(domain, iovaOf(domain, first + i * small)));
            return found.ok ? found.pa : -1;
          });
          expect([...domain.translateRange(iovaOf(domain, first), pages)]).toEqual(wanted);
        }
      }),
      { numRuns: 4 },
    );
  });
});

test('translating a range counts the same, whatever was walked before it', () => {
  const domain = new Domain();
  const other = new Domain({ memory: domain.memory });
  const work: readonly (() => unknown)[] = [
    () => domain.map(0, 0x5000, 600 * 4096, RW),
    () => domain.translateRange(0, 600),
    () => domain.translate(2 ** 40),
    () => other.map(0, 0, 4096, RW),
  ];
  const counts = work.map((before) => {
    before();
    const start = domain.meter.snapshot();
    domain.translateRange(0, 600);
    return domain.meter.since(start);
  });
  expect(counts).toEqual(counts.map(() => counts[0]));
});

test.each([-1, 0, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 40, 2 ** 52])(
  'a range of %d pages is refused by name',
  (count) => {
    expect(['EMPTY', 'OUT_OF_RANGE', 'BAD_OPTION', 'UNSAFE_NUMBER', 'NOT_A_NUMBER', 'UNALIGNED']).toContain(
      refusal(() => new Domain().translateRange(0, count)).code,
    );
  },
);

test('answers for which there is no room are refused by name', () => {
  const domain = new Domain({ format: 'riscv-sv57' });
  expect(refusal(() => domain.translateRange(0, 2 ** 40)).code).toBe('NO_MEMORY');
});
