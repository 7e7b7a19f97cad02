/**
 * Random histories under the semantics of kernels, held against a slow twin of that kernel's rules.
 * @module
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Path } from '../../src/core/index.ts';
import type { Kernel } from '../../src/formats/index.ts';
import { type Call, CallMaker, type Draw, draws } from '../support/histories.ts';
import { IntervalMap } from '../support/interval-map.ts';
import { LinuxModel } from '../support/linux-model.ts';
import { expectNoLeak, iovaOf, kernelsOf, makeDomain, RW, type Setup } from '../support/setup.ts';
import { linuxRuns } from './choices.ts';
import { leavesOf } from './histories.ts';

/** What a call returns: bytes, or a negative errno. */
function modelled(model: LinuxModel, call: Call): number {
  const offset = BigInt(call.offset);
  if (call.kind === 'unmap') return Number(model.unmap(offset, BigInt(call.bytes)));
  if (call.kind === 'mapSg') {
    return model.mapSg(offset, linuxRuns(call.list.map(({ address, length }) => [address, length] as const)));
  }
  const errno = model.map(offset, BigInt(call.pa), BigInt(call.bytes));
  return errno === 0 ? call.bytes : errno;
}

function performed(domain: ReturnType<typeof makeDomain>, call: Call): number {
  const iova = iovaOf(domain, call.offset);
  if (call.kind === 'unmap') return domain.unmap(iova, call.bytes).bytes;
  const { errno, bytes } =
    call.kind === 'map' ? domain.map(iova, call.pa, call.bytes, RW) : domain.mapSg(iova, call.list, RW);
  return errno === 0 ? bytes : errno;
}

function followsModel(setup: Setup, semantics: Kernel, path: Path, history: readonly Draw[]): void {
  const domain = makeDomain(setup, { semantics, path });
  const model = new LinuxModel(domain.geometry, domain.table.rules);
  const maker = new CallMaker(domain.geometry);
  const mapped = new IntervalMap();
  for (const draw of history) {
    mapped.intervals = model.leaves();
    const call = maker.make(draw, mapped);
    if (call === undefined) continue;
    expect(performed(domain, call), JSON.stringify(call)).toBe(modelled(model, call));
  }
  expect(leavesOf(domain).intervals).toEqual(model.leaves());
  for (const { start, pa } of model.leaves().slice(0, 20)) {
    expect(domain.translate(domain.geometry.iovaBase + start + 42n)).toBe(Number(pa) + 42);
  }
  expectNoLeak(domain);
}

/** Rules of Linux's io-pgtable. */
export function linuxRules(setup: Setup): void {
  describe.each(kernelsOf(setup))('%s', (semantics) => {
    test.each(['map-pages', 'map-sg', 'per-page'] as const)(
      'calls over %s return and leave what that kernel does',
      (path) => {
        fc.assert(
          fc.property(draws, (history) => followsModel(setup, semantics, path, history)),
          { numRuns: 12 },
        );
      },
    );
  });
}
