/**
 * Dirty bits read as a bitmap, held against a map of what was written: any history, any range, any page of a bit.
 * @module
 */
import fc from 'fast-check';
import type { Domain } from '../../core/domain.ts';
import { offsetOfIova } from '../../formats/iova.ts';
import { TableMemory } from '../../memory/table-memory.ts';
import { expect } from '../expect.ts';
import { type Call, CallMaker, type Draw, draws } from '../histories.ts';
import { IntervalMap } from '../interval-map.ts';
import { group, type Rule, rule } from '../rule.ts';
import { iovaOf, pageSizesOf, RW, refusal, type Setup, withDomain } from '../setup.ts';
import { snapshot } from '../snapshot.ts';

/** Writes of a device and reads of ranges, before they meet a domain. */
interface Step {
  readonly write: boolean;
  readonly leaf: number;
  readonly within: number;
  readonly pages: number;
  readonly scale: number;
  readonly clear: boolean;
}

const nat = (max: number): fc.Arbitrary<number> => fc.nat({ max });
const steps = fc.array(
  fc.record({
    write: fc.boolean(),
    leaf: nat(999),
    within: nat(999),
    pages: nat(40),
    scale: nat(2),
    clear: fc.boolean(),
  }),
  { minLength: 6, maxLength: 30, size: 'max' },
);

interface Leaf {
  readonly start: number;
  readonly size: number;
  dirty: boolean;
}

/** Maps what a history maps where nothing is in the way; returns the leaves. */
function mapAll(domain: Domain, history: readonly Draw[]): Leaf[] {
  const maker = new CallMaker(domain.geometry);
  for (const draw of history) {
    const call = maker.make({ ...draw, kind: 'map' }, new IntervalMap());
    if (call?.kind === 'map' && isFree(domain, call)) domain.map(iovaOf(domain, call.offset), call.pa, call.bytes, RW);
  }
  return domain
    .leaves()
    .map(({ iova, size }) => ({ start: Number(offsetOfIova(domain.geometry, iova)), size, dirty: false }));
}

function isFree(domain: Domain, { offset, bytes }: Call): boolean {
  return domain.leaves().every(({ iova, size }) => {
    const start = Number(offsetOfIova(domain.geometry, iova));
    return start + size <= offset || start >= offset + bytes;
  });
}

/** The pages of a range that some dirty leaf meets. */
function dirtyPages(leaves: readonly Leaf[], from: number, pages: number, page: number): boolean[] {
  const meets = (leaf: Leaf, at: number): boolean =>
    leaf.dirty && leaf.start < at + page && at < leaf.start + leaf.size;
  return Array.from({ length: pages }, (_, i) => leaves.some((leaf) => meets(leaf, from + i * page)));
}

function bitsOf(bitmap: Uint8Array, pages: number): boolean[] {
  return Array.from({ length: pages }, (_, i) => (((bitmap[i >>> 3] ?? 0) >>> (i & 7)) & 1) === 1);
}

/** A range around some leaf that lies in one half of the input range. */
function rangeOf(domain: Domain, leaf: Leaf, { within, pages: wanted, scale }: Step, small: number) {
  const page = small * 2 ** (3 * scale);
  const half = 2 ** (domain.geometry.ias - (domain.geometry.signExtends ? 1 : 0));
  const low = leaf.start - (leaf.start % half);
  const at = Math.min(Math.max(low, leaf.start + (within % 20) * small - 8 * page), low + half - page);
  const from = at - (at % page);
  const pages = Math.min(1 + wanted * (within % 30), (from - (from % half) + half - from) / page);
  return { from, page, pages };
}

function read(domain: Domain, leaves: readonly Leaf[], leaf: Leaf, step: Step, small: number): void {
  const { from, page, pages } = rangeOf(domain, leaf, step, small);
  const touched = leaves.filter(
    ({ dirty, start, size }) => dirty && start < from + pages * page && from < start + size,
  );
  const wanted = dirtyPages(leaves, from, pages, page);
  const inside = touched.reduce(
    (sum, { start, size }) => sum + Math.min(start + size, from + pages * page) - Math.max(start, from),
    0,
  );
  const before = snapshot(domain);
  const found = domain.readDirty(iovaOf(domain, from), pages * page, { page, clear: step.clear });
  expect(bitsOf(found.bitmap, pages)).toEqual(wanted);
  expect(found).toMatchObject({ page, pages, leaves: touched.length, bytes: inside, errno: 0 });
  if (!step.clear) expect(snapshot(domain)).toEqual(before);
  else for (const each of touched) each.dirty = false;
}

function write(domain: Domain, leaf: Leaf, within: number, small: number): void {
  leaf.dirty = true;
  expect(domain.setDirty(iovaOf(domain, leaf.start + ((within * small) % leaf.size)))).toBe(true);
}

function holds(setup: Setup, history: readonly Draw[], plan: readonly Step[], plainKernels: boolean): void {
  withDomain(setup, { memory: new TableMemory({ base: 0x2_8000_0000, plainKernels }) }, (domain) => {
    const [small = 0] = pageSizesOf(domain.geometry);
    const leaves = mapAll(domain, history);
    if (leaves.length === 0) return;
    for (const { start, size } of leaves) domain.readDirty(iovaOf(domain, start), size);
    const born = snapshot(domain);
    for (const step of plan) {
      const leaf = leaves[step.leaf % leaves.length] as Leaf;
      if (step.write) write(domain, leaf, step.within, small);
      else read(domain, leaves, leaf, step, small);
    }
    for (const { start, size } of leaves) domain.readDirty(iovaOf(domain, start), size);
    expect(snapshot(domain)).toEqual(born);
  });
}

function refusesByName(setup: Setup): void {
  withDomain(setup, {}, (domain) => {
    const { geometry } = domain;
    for (const call of [() => domain.readDirty(iovaOf(domain, 0), 2 ** geometry.pageShift), () => domain.setDirty(0)]) {
      expect(refusal(call)).toMatchObject({ code: 'UNSUPPORTED', argument: 'format' });
      expect(refusal(call).message).toContain(`got ${geometry.format}`);
    }
  });
}

function holdsWhatWasWritten(setup: Setup, plainKernels: boolean): void {
  fc.assert(
    fc.property(draws, steps, (history, plan) => holds(setup, history, plan, plainKernels)),
    { numRuns: plainKernels ? 10 : 30 },
  );
}

/** Rules of dirty tracking. */
export function dirtyRules(setup: Setup): Rule[] {
  const { dirty } = setup.format.configure(setup.configuration.request);
  if (dirty === undefined) {
    return group('dirty bits', [rule('a read is refused by the name of the format', () => refusesByName(setup))]);
  }
  const kernels = [false, true].map((plain) =>
    rule(`a bitmap holds what was written, and nothing else (plain kernels: ${plain})`, () =>
      holdsWhatWasWritten(setup, plain),
    ),
  );
  return group('dirty bits', kernels);
}
