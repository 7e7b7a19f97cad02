/**
 * Random histories under the semantics `safe`, held against the interval map.
 * @module
 */
import fc from 'fast-check';
import type { Domain } from '../../core/domain.ts';
import { DISPATCHES, PATHS } from '../../core/paths.ts';
import { offsetOfIova } from '../../formats/iova.ts';
import type { Kernel } from '../../formats/rules.ts';
import { expect } from '../expect.ts';
import { type Call, CallMaker, type Draw, draws, type Element } from '../histories.ts';
import { IntervalMap } from '../interval-map.ts';
import { group, type Rule, rule } from '../rule.ts';
import { expectNoLeak, iovaOf, kernelsOf, makeDomain, RW, refusal, type Setup } from '../setup.ts';
import { snapshot } from '../snapshot.ts';

/** Maps a list in one of its three forms: objects, arrays, or in the engine's own memory. */
function mapList(domain: Domain, iova: bigint, list: readonly Element[]): { bytes: number } {
  const form = list.length % 3;
  if (form === 0) return domain.mapSg(iova, list, RW);
  const addresses = list.map(({ address }) => address);
  const lengths = list.map(({ length }) => length);
  if (form === 1) return domain.mapSg(iova, { addresses, lengths }, RW);
  const placed = domain.memory.list(list.length);
  placed.addresses.set(addresses);
  placed.lengths.set(lengths);
  try {
    return domain.mapSg(iova, placed, RW);
  } finally {
    domain.memory.freeList(placed);
  }
}

/** Performs a call on a domain. */
export function perform(domain: Domain, call: Call): { bytes: number } {
  const iova = iovaOf(domain, call.offset);
  if (call.kind === 'map') return domain.map(iova, call.pa, call.bytes, RW);
  if (call.kind === 'mapSg') return mapList(domain, iova, call.list);
  return domain.unmap(iova, call.bytes, { holes: call.skip ? 'skip' : 'refuse' });
}

/** Whether `safe` does the call where this is mapped. */
export function isAllowed(oracle: IntervalMap, call: Call): boolean {
  const covered = oracle.covered(BigInt(call.offset), BigInt(call.bytes));
  if (call.kind === 'unmap') return call.skip || covered === BigInt(call.bytes);
  return covered === 0n;
}

/** Does a call on the interval map. */
export function record(oracle: IntervalMap, call: Call): void {
  const start = BigInt(call.offset);
  if (call.kind === 'unmap') oracle.remove(start, BigInt(call.bytes));
  else if (call.kind === 'map') oracle.add(start, BigInt(call.bytes), BigInt(call.pa));
  else recordList(oracle, start, call.list);
}

function recordList(oracle: IntervalMap, start: bigint, list: readonly Element[]): void {
  let at = start;
  for (const { address, length } of list.filter((element) => element.length > 0)) {
    oracle.add(at, BigInt(length), BigInt(address));
    at += BigInt(length);
  }
}

function expectTranslations(domain: Domain, oracle: IntervalMap, call: Call): void {
  const { offset, bytes } = call;
  for (const at of [offset - 1, offset, offset + bytes / 2, offset + bytes - 1, offset + bytes]) {
    if (at < 0 || at >= 2 ** domain.geometry.ias) continue;
    const expected = oracle.translate(BigInt(at));
    expect(domain.translate(iovaOf(domain, at))).toBe(expected === undefined ? undefined : Number(expected));
  }
}

/** Leaves of a domain as an interval map, by offset. */
export function leavesOf(domain: Domain): IntervalMap {
  const map = new IntervalMap();
  map.intervals = domain.leaves().map(({ iova, pa, size }) => {
    const start = offsetOfIova(domain.geometry, iova);
    return { start, end: start + BigInt(size), pa: BigInt(pa) };
  });
  return map;
}

function expectRefused(domain: Domain, call: Call): void {
  const before = snapshot(domain);
  expect(refusal(() => perform(domain, call)).code).toBe(call.kind === 'unmap' ? 'NOT_MAPPED' : 'OVERLAP');
  expect(snapshot(domain)).toEqual(before);
}

function holdsHistory(setup: Setup, history: readonly Draw[]): void {
  const domain = makeDomain(setup);
  const oracle = new IntervalMap();
  const maker = new CallMaker(domain.geometry);
  for (const draw of history) {
    const call = maker.make(draw, oracle);
    if (call === undefined) continue;
    if (!isAllowed(oracle, call)) {
      expectRefused(domain, call);
      continue;
    }
    const before = oracle.size;
    record(oracle, call);
    const changed = oracle.size - before;
    expect(BigInt(perform(domain, call).bytes)).toBe(changed < 0n ? -changed : changed);
    expectTranslations(domain, oracle, call);
  }
  expect(leavesOf(domain).merged()).toEqual(oracle.merged());
  expectNoLeak(domain);
}

/** The calls of a history that are allowed one after the other; `holes`: also unmaps that skip holes. */
function allowedCalls(setup: Setup, history: readonly Draw[], holes: boolean): Call[] {
  const oracle = new IntervalMap();
  const maker = new CallMaker(setup.format.configure(setup.configuration.request));
  const calls: Call[] = [];
  for (const draw of history) {
    const made = maker.make(draw, oracle);
    const call = made?.kind === 'unmap' && !holes ? { ...made, skip: false } : made;
    if (call === undefined || !isAllowed(oracle, call)) continue;
    record(oracle, call);
    calls.push(call);
  }
  return calls;
}

type Results = readonly { readonly bytes: number }[];

function replay(domain: Domain, calls: readonly Call[]): { results: Results; bytes: ReturnType<typeof snapshot> } {
  const results = calls.map((call) => ({ bytes: perform(domain, call).bytes }));
  const bytes = snapshot(domain);
  expectNoLeak(domain);
  return { results, bytes };
}

function agreesOnPaths(setup: Setup, history: readonly Draw[]): void {
  const calls = allowedCalls(setup, history, true);
  const first = replay(makeDomain(setup), calls);
  expect(replay(makeDomain(setup), calls)).toEqual(first);
  for (const path of PATHS) {
    for (const dispatch of DISPATCHES) {
      expect(replay(makeDomain(setup, { path, dispatch }), calls), `${path} ${dispatch}`).toEqual(first);
    }
  }
}

function agreesOnLinuxPaths(setup: Setup, semantics: Kernel, history: readonly Draw[]): void {
  const calls = allowedCalls(setup, history, false);
  const options = { semantics };
  const first = replay(makeDomain(setup, options), calls);
  for (const path of PATHS.filter((each) => each !== 'one-walk')) {
    for (const dispatch of DISPATCHES) {
      expect(replay(makeDomain(setup, { ...options, path, dispatch }), calls), `${path} ${dispatch}`).toEqual(first);
    }
  }
}

function holdsForAll(numRuns: number, holds: (history: readonly Draw[]) => void): void {
  fc.assert(fc.property(draws, holds), { numRuns });
}

/** Rules that any history must hold. */
export function historyRules(setup: Setup): Rule[] {
  const kernels = kernelsOf(setup).map((semantics) =>
    rule(`all paths and dispatches leave equal bytes under ${semantics}`, () =>
      holdsForAll(6, (history) => agreesOnLinuxPaths(setup, semantics, history)),
    ),
  );
  return group('histories', [
    rule('calls do under safe what an interval map does, refusals change no byte, nothing leaks', () =>
      holdsForAll(40, (history) => holdsHistory(setup, history)),
    ),
    rule('all paths and dispatches, and a second run, leave equal bytes under safe', () =>
      holdsForAll(6, (history) => agreesOnPaths(setup, history)),
    ),
    ...kernels,
  ]);
}
