/**
 * Calls that touch every kind of step: pages, blocks, lists, splits, tables that go, tables that grow. Each with what it needs
 * to find. For tests that let steps fail, or look at the tables after each.
 * @module
 */
import type { Domain } from '../../src/core/index.ts';
import type { Geometry } from '../../src/formats/index.ts';
import { iovaOf, pageSizesOf, RW } from '../../src/testing/setup.ts';

/** A call, and what is there before. */
export interface Scenario {
  readonly name: string;
  readonly kind: 'map' | 'unmap' | 'dirty';
  readonly prepare: (domain: Domain) => void;
  readonly call: (domain: Domain) => unknown;
  /** Input addresses whose translation it may change, as offsets from the region's base: start and end. */
  readonly range: readonly [from: number, end: number];
}

/** The output addresses of scenarios lie here, where every format reaches. */
const LOW = 0x1000_0000;

function mapScenarios(out: number, small: number, span: number): Scenario[] {
  const nothing = (): void => undefined;
  const list = [5, 3, 9, 1, 2].map((page) => ({ address: out + page * small, length: small }));
  const joined = [
    { address: out, length: 3 * small },
    { address: out + 3 * small, length: 2 * small },
  ];
  const before = span - 2 * small;
  return [
    {
      name: 'map a page',
      kind: 'map',
      prepare: nothing,
      call: (domain) => domain.map(iovaOf(domain, 0), out, small, RW),
      range: [0, small],
    },
    {
      name: 'map pages across a table boundary',
      kind: 'map',
      prepare: (domain) => void domain.map(iovaOf(domain, before - small), 0, small, RW),
      call: (domain) => domain.map(iovaOf(domain, before), out + small, 5 * small, RW),
      range: [before - small, before + 6 * small],
    },
    {
      name: 'map a scattered list',
      kind: 'map',
      prepare: nothing,
      call: (domain) => domain.mapSg(iovaOf(domain, before), list, RW),
      range: [before, before + 5 * small],
    },
    {
      name: 'map a contiguous list',
      kind: 'map',
      prepare: nothing,
      call: (domain) => domain.mapSg(iovaOf(domain, before), joined, RW),
      range: [before, before + 5 * small],
    },
    {
      name: 'unmap a page of two',
      kind: 'unmap',
      prepare: (domain) => void domain.map(iovaOf(domain, 0), out, 2 * small, RW),
      call: (domain) => domain.unmap(iovaOf(domain, 0), small),
      range: [0, 2 * small],
    },
    {
      name: 'unmap pages across a table boundary',
      kind: 'unmap',
      prepare: (domain) => void domain.mapSg(iovaOf(domain, before), list, RW),
      call: (domain) => domain.unmap(iovaOf(domain, before + small), 3 * small),
      range: [before, before + 5 * small],
    },
    {
      name: 'unmap with holes skipped',
      kind: 'unmap',
      prepare: (domain) => {
        for (const page of [1, 3]) domain.map(iovaOf(domain, before + page * small), out + page * small, small, RW);
      },
      call: (domain) => domain.unmap(iovaOf(domain, before), 5 * small, { holes: 'skip' }),
      range: [before, before + 5 * small],
    },
  ];
}

function blockScenarios(out: number, small: number, large: number, span: number): Scenario[] {
  return [
    {
      name: 'map blocks and pages',
      kind: 'map',
      prepare: () => undefined,
      call: (domain) => domain.map(iovaOf(domain, large - small), out - small, large + 2 * small, RW),
      range: [large - small, 2 * large + small],
    },
    {
      name: 'map a block over an empty table',
      kind: 'map',
      prepare: (domain) => {
        domain.map(iovaOf(domain, large), 0, small, RW);
        domain.unmap(iovaOf(domain, large), small);
      },
      call: (domain) => domain.map(iovaOf(domain, large), out, large + small, RW),
      range: [large, 2 * large + small],
    },
    {
      name: 'unmap a block',
      kind: 'unmap',
      prepare: (domain) => void domain.map(iovaOf(domain, 0), out, 2 * large, RW),
      call: (domain) => domain.unmap(iovaOf(domain, 0), large),
      range: [0, 2 * large],
    },
    {
      name: 'unmap out of the middle of blocks',
      kind: 'unmap',
      prepare: (domain) => void domain.map(iovaOf(domain, 0), out, 2 * large, RW),
      call: (domain) => domain.unmap(iovaOf(domain, large - small), 2 * small),
      range: [0, 2 * large],
    },
    {
      name: 'unmap tables and pages at once',
      kind: 'unmap',
      prepare: (domain) =>
        void domain.map(iovaOf(domain, span - small), out, 2 * span - (span - large) + 2 * small, RW),
      call: (domain) => domain.unmap(iovaOf(domain, span - small), span + 2 * small),
      range: [span - small, 2 * span + large + small],
    },
  ];
}

/** A tree whose root grows with what is mapped. */
function growthScenarios({ top, levels, ias }: Geometry, out: number, small: number): Scenario[] {
  const first = levels[top];
  if (top === 0 || first === undefined) return [];
  const at = Math.min(2 ** ias, 2 ** first.shift * first.entries * 4) - 4 * small;
  return [
    {
      name: 'map where the root must grow',
      kind: 'map',
      prepare: (domain) => void domain.map(iovaOf(domain, 0), out, small, RW),
      call: (domain) => domain.map(iovaOf(domain, at), out, 2 * small, RW),
      range: [at, at + 2 * small],
    },
  ];
}

/** What a device wrote to is read: in pages of last-level tables, and in larger leaves. */
function dirtyScenarios({ dirty }: Geometry, out: number, small: number): Scenario[] {
  if (dirty === undefined) return [];
  const pages = 600;
  return [
    {
      name: 'read dirty bits',
      kind: 'dirty',
      prepare: (domain) => {
        domain.map(iovaOf(domain, 0), out, pages * small, RW);
        domain.map(iovaOf(domain, 1024 * small), out + small, 20 * small, RW);
        for (const page of [3, 513, 599, 1024, 1026, 1043]) domain.setDirty(iovaOf(domain, page * small));
      },
      call: (domain) => domain.readDirty(iovaOf(domain, 0), 2048 * small),
      range: [0, 1044 * small],
    },
  ];
}

/**
 * The calls for a geometry.
 * @param out output addresses begin here
 */
export function scenariosFor(geometry: Geometry, out: number = LOW): Scenario[] {
  const [small = 0, ...blocks] = pageSizesOf(geometry);
  const large = blocks.find((size) => size >= 2 ** (geometry.levels.at(-2)?.shift ?? 0)) ?? blocks.at(-1);
  const last = geometry.levels.at(-1);
  const span = last === undefined ? 0 : 2 ** last.shift * last.entries;
  const scenarios = mapScenarios(out, small, span);
  if (large !== undefined && 4 * Math.max(large, span) <= 2 ** geometry.ias && out % large === 0) {
    scenarios.push(...blockScenarios(out, small, large, span));
  }
  return [...scenarios, ...growthScenarios(geometry, out, small), ...dirtyScenarios(geometry, out, small)];
}
