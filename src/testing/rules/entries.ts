/**
 * Protection and registers: what was asked, what an entry holds, what the caller is told.
 * @module
 */

import { highHalf, lowHalf } from '../../address.ts';
import type { Entry, Geometry } from '../../formats/contract.ts';
import { PROT } from '../../formats/protection.ts';
import type { Kernel } from '../../formats/rules.ts';
import { forEachLeaf } from '../../pagetable/scan.ts';
import { expect } from '../expect.ts';
import { group, type Rule, rule } from '../rule.ts';
import { iovaOf, kernelsOf, makeDomain, pageSizesOf, type Setup, withDomain } from '../setup.ts';
import { snapshot } from '../snapshot.ts';

const ACCESS = PROT.READ | PROT.WRITE;
const PROTECTIONS: readonly number[] = Array.from({ length: 64 }, (_, prot) => prot).filter((p) => (p & ACCESS) !== 0);

/** Depth and slots of a page size, and its leaf bits for a protection as text. */
function leafText(geometry: Geometry, size: number, prot: number): string {
  const depth = geometry.levels.findIndex((_, i) => geometry.slots(i, size) > 0);
  const out: Entry = { lo: 0, hi: 0 };
  geometry.leaf(depth, geometry.slots(depth, size), prot, out);
  return `${out.hi >>> 0}:${out.lo >>> 0}`;
}

function grantsWhatEntriesHold(setup: Setup): void {
  const geometry = setup.format.configure(setup.configuration.request);
  for (const size of pageSizesOf(geometry)) {
    const entries = new Map<number, string>();
    for (const prot of PROTECTIONS) {
      const granted = geometry.granted(prot);
      const entry = leafText(geometry, size, prot);
      expect(granted & prot & ACCESS, `access asked with ${prot}`).toBe(prot & ACCESS);
      expect(leafText(geometry, size, granted), `entry of what ${prot} grants`).toBe(entry);
      expect(entries.get(granted) ?? entry, `entries that grant ${granted}`).toBe(entry);
      entries.set(granted, entry);
    }
    expect(new Set(entries.values()).size, 'grants that differ have entries that differ').toBe(entries.size);
  }
}

function tellsWhatIsGranted(setup: Setup): void {
  withDomain(setup, {}, (domain) => {
    const [size = 0] = pageSizesOf(domain.geometry);
    for (const prot of PROTECTIONS) {
      const { granted } = domain.map(iovaOf(domain, 0), 0, size, prot);
      expect(granted).toBe(domain.geometry.granted(prot));
      domain.unmap(iovaOf(domain, 0), size);
    }
  });
}

/** Attributes of every leaf that lies in what was one page of `large` bytes. */
function pieceTexts(setup: Setup, large: number, small: number, prot: number): Set<string> {
  const texts = new Set<string>();
  withDomain(setup, {}, (domain) => {
    domain.map(iovaOf(domain, 0), 0, large, prot);
    domain.unmap(iovaOf(domain, 0), small);
    forEachLeaf(domain.table.tree, (_iova, pa, size, lo, hi, depth) => {
      const address: Entry = { lo: 0, hi: 0 };
      domain.geometry.addAddress(lowHalf(pa), highHalf(pa), depth, address);
      expect(`${(hi & ~address.hi) >>> 0}:${(lo & ~address.lo) >>> 0}`).toBe(leafText(domain.geometry, size, prot));
      texts.add(`${size}`);
    });
  });
  return texts;
}

function piecesKeepAttributes(setup: Setup): void {
  const [small = 0, ...blocks] = pageSizesOf(setup.format.configure(setup.configuration.request));
  for (const large of blocks) {
    for (const prot of [1, 3, 5, 7, 11, 15, 19, 35, 39, 41]) {
      expect(pieceTexts(setup, large, small, prot).size).toBeGreaterThan(0);
    }
  }
}

function roundTripsAddresses(setup: Setup): void {
  const geometry = setup.format.configure(setup.configuration.request);
  const out: Entry = { lo: 0, hi: 0 };
  for (const size of pageSizesOf(geometry)) {
    const depth = geometry.levels.findIndex((_, i) => geometry.slots(i, size) > 0);
    for (const pattern of [0, 0x1234_5678_9abc_d000, 2 ** geometry.oas - 1]) {
      const pa = (pattern % 2 ** geometry.oas) - ((pattern % 2 ** geometry.oas) % size);
      geometry.leaf(depth, geometry.slots(depth, size), ACCESS, out);
      geometry.addAddress(lowHalf(pa), highHalf(pa), depth, out);
      expect(geometry.address(out.lo >>> 0, out.hi >>> 0, depth)).toBe(pa);
      expect(geometry.leafSlots(out.lo, out.hi, depth)).toBe(geometry.slots(depth, size));
      const { tableMask, tableValue } = geometry.levels[depth] ?? { tableMask: 0, tableValue: 0 };
      expect((out.lo & tableMask) === tableValue, 'a leaf read as a table entry').toBe(false);
    }
  }
}

/** Bits 31:0 of the address in a table entry. */
function addressIn({ tableField, tableFieldShift }: Geometry, { lo, hi }: Entry): number {
  const field = lo & tableField;
  if (tableFieldShift >= 0) return (field << tableFieldShift) >>> 0;
  return ((field >>> -tableFieldShift) | (hi << (32 + tableFieldShift))) >>> 0;
}

function roundTripsTables(setup: Setup): void {
  const geometry = setup.format.configure(setup.configuration.request);
  const { allocBytes, tableMask, tableValue } = geometry.levels[1] ?? geometry.levels[0] ?? raise();
  const top = geometry.levels[0] ?? raise();
  const out: Entry = { lo: 0, hi: 0 };
  const entries = new Set<string>();
  let places = 0;
  for (const at of [allocBytes, 2 ** 31, geometry.tableLimit - allocBytes, 2 ** 32 + allocBytes]) {
    if (at + allocBytes > geometry.tableLimit || at >= 2 ** 52) continue;
    geometry.table(at, out, 0);
    expect(addressIn(geometry, out)).toBe(at % 2 ** 32);
    entries.add(`${out.hi}:${out.lo}`);
    places++;
    if (geometry.levels.length > 1) expect(out.lo & top.tableMask).toBe(top.tableValue);
  }
  expect(entries.size, 'tables that differ have entries that differ').toBe(places);
  expect(geometry.levels.at(-1)).toMatchObject({ tableMask: 0, tableValue: 1 });
  expect([tableMask, tableValue].every(Number.isInteger)).toBe(true);
}

function raise(): never {
  throw new Error('a geometry has at least one level');
}

function registersPointAtRoots(setup: Setup): void {
  withDomain(setup, {}, (domain) => {
    const { registers, geometry } = domain;
    const values = Object.entries(registers);
    expect(values.length).toBeGreaterThan(0);
    for (const [name, value] of values) {
      expect(value >= 0n && value < 1n << 64n, `${name} has 64 bits`).toBe(true);
    }
    const roots = domain.table.tree.roots.map((offset) => offset + domain.memory.base);
    expect(geometry.registers(roots, geometry.top)).toEqual(registers);
    const moved = geometry.registers(
      roots.map((root) => root + 0x10000),
      geometry.top,
    );
    expect(moved).toDiffer(registers);
  });
}

function ignoresUnknownFlags(setup: Setup, semantics: Kernel): void {
  const left = [63, -1, 63 + 256, 63 + 65536].map((prot) => {
    const domain = makeDomain(setup, { semantics });
    const [size = 0] = pageSizesOf(domain.geometry);
    expect(domain.map(iovaOf(domain, 0), 0, size, prot).errno).toBe(0);
    expect(domain.map(iovaOf(domain, size), size, 2 * size, prot).errno).toBe(0);
    return snapshot(domain);
  });
  expect(left).toEqual(left.map(() => left[0]));
}

/** Rules about entries and registers. */
export function entryRules(setup: Setup): Rule[] {
  const unknown = kernelsOf(setup).map((semantics) =>
    rule(`protection flags that nobody knows change no entry under ${semantics}`, () =>
      ignoresUnknownFlags(setup, semantics),
    ),
  );
  return group('entries', [
    rule('what is granted is what the entry holds, for every protection', () => grantsWhatEntriesHold(setup)),
    rule('a map call says what it granted', () => tellsWhatIsGranted(setup)),
    ...unknown,
    rule('pieces of a split keep every attribute', () => piecesKeepAttributes(setup)),
    rule('output addresses go into entries and come back', () => roundTripsAddresses(setup)),
    rule('table addresses go into entries and come back', () => roundTripsTables(setup)),
    rule('registers point at the roots', () => registersPointAtRoots(setup)),
  ]);
}
