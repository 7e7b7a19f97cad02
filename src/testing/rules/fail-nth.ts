/**
 * Allocation failing at call n, for all n: nothing changes under `safe`; `linux-6.1` leaves what that kernel leaves.
 * @module
 */

import type { MapResult } from '../../core/calls.ts';
import type { Domain } from '../../core/domain.ts';
import { PATHS } from '../../core/paths.ts';
import type { Kernel } from '../../formats/rules.ts';
import { TableMemory } from '../../memory/table-memory.ts';
import { expect } from '../expect.ts';
import { group, type Rule, rule } from '../rule.ts';
import { expectNoLeak, iovaOf, kernelsOf, makeDomain, pageSizesOf, RW, refusal, type Setup } from '../setup.ts';
import { snapshot } from '../snapshot.ts';

/** A call that allocates tables, after what it needs to find. */
interface Case<Result = unknown> {
  readonly name: string;
  readonly prepare: (domain: Domain) => void;
  readonly call: (domain: Domain) => Result;
}

const MOST_TABLES = 40;

/** Offsets that need tables of their own: neighbours across every inner boundary, and the end of the range. */
function scattered(domain: Domain): number[] {
  const { geometry } = domain;
  const small = pageSizesOf(geometry)[0] ?? 0;
  const edges = geometry.levels.map((level) => 2 ** level.shift * level.runEntries);
  return edges.filter((edge) => edge < 2 ** geometry.ias).map((edge) => edge - small);
}

function mapCases(setup: Setup): Case<MapResult>[] {
  const [small = 0] = pageSizesOf(setup.format.configure(setup.configuration.request));
  const across = (domain: Domain): number => scattered(domain)[0] ?? 0;
  const list = [5, 3, 9, 1].map((page) => ({ address: page * small, length: small }));
  return [
    {
      name: 'map across a table boundary',
      prepare: (domain) => void domain.map(iovaOf(domain, 0), 0, small, RW),
      call: (domain) => domain.map(iovaOf(domain, across(domain)), small, 2 * small, RW),
    },
    {
      name: 'mapSg across a table boundary',
      prepare: () => undefined,
      call: (domain) => domain.mapSg(iovaOf(domain, across(domain)), list, RW),
    },
  ];
}

function unmapCases(setup: Setup): Case[] {
  const [small = 0, ...blocks] = pageSizesOf(setup.format.configure(setup.configuration.request));
  const large = blocks.at(-1) ?? 0;
  if (4 * large > 2 ** setup.configuration.request.ias || blocks.length === 0) return [];
  return [
    {
      name: 'a block over an empty table, then pages that need a new one',
      prepare: (domain) => {
        domain.map(iovaOf(domain, large), 0, small, RW);
        domain.unmap(iovaOf(domain, large), small);
      },
      call: (domain) => domain.map(iovaOf(domain, large), 0, large + small, RW),
    },
    {
      name: 'unmap out of the middle of blocks',
      prepare: (domain) => void domain.map(iovaOf(domain, 0), 0, 2 * large, RW),
      call: (domain) => domain.unmap(iovaOf(domain, large - small), 2 * small),
    },
    {
      name: 'unmap inside one block',
      prepare: (domain) => void domain.map(iovaOf(domain, 0), 0, large, RW),
      call: (domain) => domain.unmap(iovaOf(domain, small), large - 2 * small),
    },
    {
      name: 'unmap with holes skipped',
      prepare: (domain) => void domain.map(iovaOf(domain, large), 0, large, RW),
      call: (domain) => domain.unmap(iovaOf(domain, 0), large + small, { holes: 'skip' }),
    },
  ];
}

/** Lets allocation fail ever later until the call succeeds; returns how often it failed. */
function failEach(memory: TableMemory, attempt: () => boolean): number {
  for (let n = 0; n < MOST_TABLES; n++) {
    memory.failAfter(n);
    if (attempt()) return n;
  }
  throw new Error(`still failing with ${MOST_TABLES} tables`);
}

function changesNothing(setup: Setup, { prepare, call }: Case): void {
  for (const path of PATHS) {
    const domain = makeDomain(setup, { path });
    prepare(domain);
    const before = snapshot(domain);
    const failures = failEach(domain.memory, () => {
      try {
        call(domain);
        return true;
      } catch (error) {
        expect(error).toMatchObject({ code: 'NO_MEMORY', argument: 'memory', errno: -12, errnoName: 'ENOMEM' });
        expect(snapshot(domain)).toEqual(before);
        return false;
      }
    });
    expect(failures).toBeGreaterThan(0);
    domain.memory.failAfter(-1);
    expectNoLeak(domain);
  }
}

/** Linux takes back the leaves of a map and keeps its tables; an unmap stops at the block that it cannot split. */
function leavesWhatLinuxLeaves(setup: Setup, semantics: Kernel, { prepare, call }: Case<MapResult>): void {
  const domain = makeDomain(setup, { semantics });
  prepare(domain);
  const before = domain.leaves();
  const tables = domain.memory.liveTables;
  failEach(domain.memory, () => {
    const { errno, bytes } = call(domain);
    if (errno === 0) return true;
    expect({ errno, bytes }).toEqual({ errno: -12, bytes: 0 });
    expect(domain.leaves()).toEqual(before);
    expect(domain.memory.liveTables).toBeGreaterThanOrEqual(tables);
    return false;
  });
  expect(domain.leaves().length).toBeGreaterThan(before.length);
  domain.memory.failAfter(-1);
  expectNoLeak(domain);
}

function splitsOnlyWithMemory(setup: Setup, semantics: Kernel, large: number, small: number): void {
  const domain = makeDomain(setup, { semantics });
  const iova = iovaOf(domain, 0);
  domain.map(iova, 0, large, RW);
  const slots = domain.leaves().length;
  domain.memory.failAfter(0);
  const { bytes } = domain.unmap(iova, small);
  const contiguous = bytes === small;
  if (!contiguous) {
    expect(bytes).toBe(0);
    expect(domain.leaves().reduce((sum, leaf) => sum + leaf.size, 0)).toBe(large);
  }
  expect(domain.leaves().length).toBeGreaterThanOrEqual(slots);
  domain.memory.failAfter(-1);
  expectNoLeak(domain);
}

function rootsFail(setup: Setup): void {
  const { roots } = setup.format.configure(setup.configuration.request);
  const memory = new TableMemory();
  for (let n = 0; n < roots; n++) {
    memory.failAfter(n);
    expect(refusal(() => makeDomain(setup, { memory }))).toMatchObject({ code: 'NO_MEMORY', errno: -12 });
    expect(memory.liveTables).toBe(0);
  }
  memory.failAfter(roots);
  expectNoLeak(makeDomain(setup, { memory }));
}

function kernelRules(setup: Setup, semantics: Kernel): Rule[] {
  const [small = 0, ...blocks] = pageSizesOf(setup.format.configure(setup.configuration.request));
  const maps = mapCases(setup).map((each) =>
    rule(`${each.name}: leaves are rolled back, tables stay`, () => leavesWhatLinuxLeaves(setup, semantics, each)),
  );
  const splits = blocks.map((large) =>
    rule(`a page of ${large} bytes that cannot be split stays whole`, () =>
      splitsOnlyWithMemory(setup, semantics, large, small),
    ),
  );
  return group(semantics, [...maps, ...splits]);
}

/** Rules about running out of memory. */
export function failNthRules(setup: Setup): Rule[] {
  const safe = [...mapCases(setup), ...unmapCases(setup)].map((each) =>
    rule(`safe: ${each.name}: nothing changes`, () => changesNothing(setup, each)),
  );
  return group('allocation fails at call n', [
    rule('of a domain: nothing is left behind', () => rootsFail(setup)),
    ...safe,
    ...kernelsOf(setup).flatMap((semantics) => kernelRules(setup, semantics)),
  ]);
}
