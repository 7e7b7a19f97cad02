/**
 * Random histories under the semantics of kernels, held against a slow twin of that kernel's rules.
 * @module
 */
import fc from 'fast-check';
import type { Path } from '../../core/paths.ts';
import type { Kernel } from '../../formats/rules.ts';
import { expect } from '../expect.ts';
import { type Call, CallMaker, type Draw, draws } from '../histories.ts';
import { IntervalMap } from '../interval-map.ts';
import { LinuxModel } from '../linux-model.ts';
import { type Rule, rule } from '../rule.ts';
import { expectNoLeak, iovaOf, kernelsOf, makeDomain, RW, type Setup } from '../setup.ts';
import { linuxRuns } from './choices.ts';
import { leavesOf } from './histories.ts';

/** What a call returns: bytes, or a negative errno. */
export function modelled(model: LinuxModel, call: Call): number {
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

const LINUX_PATHS = ['map-pages', 'map-sg', 'per-page'] as const;

/** Rules of Linux's io-pgtable. */
export function linuxRules(setup: Setup): Rule[] {
  const cases = kernelsOf(setup).flatMap((semantics) => LINUX_PATHS.map((path) => ({ semantics, path })));
  return cases.map(({ semantics, path }) =>
    rule(`${semantics}: calls over ${path} return and leave what that kernel does`, () =>
      fc.assert(
        fc.property(draws, (history) => followsModel(setup, semantics, path, history)),
        { numRuns: 12 },
      ),
    ),
  );
}
