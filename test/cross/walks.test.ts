import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Domain, PATHS } from '../../src/core/index.ts';
import { IommuError } from '../../src/errors.ts';
import { FORMATS } from '../../src/formats/index.ts';
import { type Call, CallMaker, type Draw, draws } from '../../src/testing/histories.ts';
import { leavesOf } from '../../src/testing/rules/histories.ts';
import {
  expectNoLeak,
  iovaOf,
  kernelsOf,
  makeDomain,
  pageSizesOf,
  RW,
  type Setup,
  withDomain,
} from '../../src/testing/setup.ts';
import { expectAgreement } from './checks.ts';
import { plainConfigurations } from './regimes.ts';

const SETUPS = FORMATS.flatMap((format) =>
  plainConfigurations(format).map((configuration) => ({
    name: `${format.id} ${configuration.name}`,
    format,
    configuration,
  })),
);

/** Performs a call as far as it is allowed; `safe` may refuse it. */
function attempt(domain: Domain, call: Call): void {
  const iova = iovaOf(domain, call.offset);
  try {
    if (call.kind === 'unmap') domain.unmap(iova, call.bytes, { holes: call.skip ? 'skip' : 'refuse' });
    else if (call.kind === 'map') domain.map(iova, call.pa, call.bytes, RW);
    else domain.mapSg(iova, call.list, RW);
  } catch (error) {
    if (!(error instanceof IommuError && ['OVERLAP', 'NOT_MAPPED'].includes(error.code))) throw error;
  }
}

function agreesAfter(domain: Domain, history: readonly Draw[]): void {
  const maker = new CallMaker(domain.geometry);
  for (const [i, draw] of history.entries()) {
    const call = maker.make(draw, leavesOf(domain));
    if (call === undefined) continue;
    attempt(domain, call);
    if (i % 4 === 3) expectAgreement(domain);
  }
  expectAgreement(domain);
  expectNoLeak(domain);
}

/** Pairs of a larger page and the next smaller one of a setup. */
function pairsOf({ format, configuration }: Setup): (readonly [large: number, small: number])[] {
  const sizes = pageSizesOf(format.configure(configuration.request));
  return sizes.slice(1).map((large, i) => [large, sizes[i] ?? 0] as const);
}

describe.each(SETUPS)('$name: the device sees what the domain says', (setup) => {
  test('an empty domain translates nothing', () => {
    withDomain(setup, {}, expectAgreement);
  });

  const semanticsHere = ['safe', ...kernelsOf(setup)] as const;

  test.each(semanticsHere)('after any history under %s', { timeout: 300_000 }, (semantics) => {
    const paths = PATHS.filter((path) => semantics === 'safe' || path !== 'one-walk');
    fc.assert(
      fc.property(draws, fc.constantFrom(...paths), (history, path) => {
        agreesAfter(makeDomain(setup, { semantics, path }), history);
      }),
      { numRuns: 4 },
    );
  });

  test.each(semanticsHere)('after blocks are split, and written over empty tables, under %s', (semantics) => {
    for (const [large, small] of pairsOf(setup)) {
      withDomain(setup, { semantics }, (domain) => {
        const iova = iovaOf(domain, 0);
        domain.map(iova, large, large, RW);
        expectAgreement(domain);
        domain.unmap(iova + BigInt(large - small), small);
        expectAgreement(domain);
        domain.unmap(iova, large - small, semantics === 'safe' ? { holes: 'skip' } : {});
        expectAgreement(domain);
        domain.map(iova, 0, small, RW);
        domain.unmap(iova, small);
        domain.map(iova, 0, large, RW);
        expect(domain.leaves()).toHaveLength(semantics === 'safe' ? 1 : domain.leaves().length);
        expectAgreement(domain);
      });
    }
  });

  test('the highest page of the input range leads to the highest page of the output range', () => {
    withDomain(setup, {}, (domain) => {
      const [small = 0] = pageSizesOf(domain.geometry);
      const iova = iovaOf(domain, 2 ** domain.geometry.ias - small);
      domain.map(iova, 2 ** domain.geometry.oas - small, small, RW);
      expectAgreement(domain);
    });
  });
});
