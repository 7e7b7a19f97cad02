/**
 * What the engine remembers from call to call (the bits of the last leaf, the size of the last page, the tables of the last walk)
 * never changes an entry: a domain with a past writes what a new domain writes.
 * @module
 */
import fc from 'fast-check';
import type { Domain } from '../../core/domain.ts';
import { PATHS } from '../../core/paths.ts';
import { PROT } from '../../formats/protection.ts';
import type { Semantics } from '../../formats/rules.ts';
import { TableMemory } from '../../memory/table-memory.ts';
import { forEachLeaf } from '../../pagetable/scan.ts';
import { expect } from '../expect.ts';
import { type Rule, rule } from '../rule.ts';
import { iovaOf, makeDomain, pageSizesOf, type Setup, semanticsFor } from '../setup.ts';

const SLOTS = 48;
const PROTECTIONS = Array.from({ length: 64 }, (_, prot) => prot).filter(
  (prot) => (prot & (PROT.READ | PROT.WRITE)) !== 0,
);

/** One page: which of two domains maps it, which size it has, its protection, and what is unmapped before. */
interface Step {
  readonly other: boolean;
  readonly size: number;
  readonly prot: number;
  readonly pages: number;
  readonly unmap: number;
}

const steps = fc.array(
  fc.record({
    other: fc.boolean(),
    size: fc.nat({ max: 30 }),
    prot: fc.constantFrom(...PROTECTIONS),
    pages: fc.integer({ min: 1, max: 3 }),
    unmap: fc.nat({ max: 2 * SLOTS }),
  }),
  { minLength: 2, maxLength: SLOTS, size: 'max' },
);

/** The leaves of a range, with their entries. */
function leavesIn(domain: Domain, from: number, end: number): string[] {
  const leaves: string[] = [];
  forEachLeaf(domain.table.tree, (iova, pa, size, lo, hi, depth) => {
    if (iova >= from && iova < end) leaves.push([iova, pa, size, lo >>> 0, hi >>> 0, depth].join(' '));
  });
  return leaves;
}

/** Sizes of which {@link SLOTS} slots of four pages fit into the input and output range. */
function sizesThatFit(domain: Domain): number[] {
  const { ias, oas, signExtends } = domain.geometry;
  const bits = Math.min(signExtends ? ias - 1 : ias, oas);
  const [small = 0, ...larger] = pageSizesOf(domain.geometry);
  return [small, ...larger.filter((size) => size * 4 * SLOTS <= 2 ** bits)];
}

interface Mapped {
  readonly at: number;
  readonly bytes: number;
}

function holds(setup: Setup, semantics: Semantics, path: (typeof PATHS)[number], plan: readonly Step[]): void {
  const memory = new TableMemory({ base: memoryBase(setup) });
  const options = { semantics, path, memory } as const;
  const domains = [makeDomain(setup, options), makeDomain(setup, options)] as const;
  const sizes = sizesThatFit(domains[0]);
  const largest = sizes.at(-1) ?? 0;
  const mapped: (Mapped | undefined)[][] = [[], []];
  for (const [i, { other, size: pick, prot, pages, unmap }] of plan.entries()) {
    const which = other ? 1 : 0;
    const domain = domains[which];
    const gone = mapped[which]?.[unmap];
    if (gone !== undefined) {
      domain.unmap(iovaOf(domain, gone.at), gone.bytes);
      (mapped[which] ?? [])[unmap] = undefined;
    }
    const bytes = pages * (sizes[pick % sizes.length] ?? 0);
    const at = (i % SLOTS) * 4 * largest;
    if (at + bytes > 2 ** domain.geometry.ias) continue;
    domain.map(iovaOf(domain, at), at, bytes, prot);
    (mapped[which] ?? [])[i] = { at, bytes };
    const fresh = makeDomain(setup, { semantics, path });
    fresh.map(iovaOf(fresh, at), at, bytes, prot);
    expect(leavesIn(domain, at, at + bytes)).toEqual(leavesIn(fresh, at, at + bytes));
  }
}

function memoryBase({ format, configuration }: Setup): number {
  return format.configure(configuration.request).tableLimit > 0x100000000 ? 0x2_8000_0000 : 0x8000_0000;
}

/** Rules of what is remembered. */
export function rememberedRules(setup: Setup): Rule[] {
  return semanticsFor(setup).map((semantics) => {
    const paths = PATHS.filter((path) => semantics === 'safe' || path !== 'one-walk');
    return rule(`what is remembered changes no entry, under ${semantics}`, () =>
      fc.assert(
        fc.property(steps, fc.constantFrom(...paths), (plan, path) => holds(setup, semantics, path, plan)),
        { numRuns: 6 },
      ),
    );
  });
}
