/**
 * Each page size by itself: mapped, translated and unmapped at every kind of place.
 * @module
 */

import type { Domain } from '../../core/domain.ts';
import { expect } from '../expect.ts';
import { group, type Rule, rule } from '../rule.ts';
import { iovaOf, pageSizesOf, RW, type Setup, withDomain } from '../setup.ts';
import { snapshot } from '../snapshot.ts';

/** Offsets at which a page of this size can lie: ends of the range, both sides of every table boundary. */
function placesFor(domain: Domain, size: number): number[] {
  const { geometry } = domain;
  const end = 2 ** geometry.ias;
  const boundaries = geometry.levels.map((level) => 2 ** level.shift * level.runEntries);
  const spans = geometry.levels.map((level) => 2 ** level.shift);
  const edges = [...boundaries, ...spans].filter((edge) => edge % size === 0 && edge < end);
  const places = [0, size, end - size, ...edges, ...edges.map((edge) => edge - size)];
  return [...new Set(places)].filter((place) => place >= 0 && place + size <= end && place % size === 0);
}

/** Output addresses for a page of this size: lowest, highest, and around the places where encodings break. */
function outputsFor(domain: Domain, size: number): number[] {
  const end = 2 ** domain.geometry.oas;
  return [0, 2 ** 32 - size, 2 ** 32, 2 ** 33, 2 ** 34 + size, 2 ** 48, end - size].filter(
    (pa) => pa >= 0 && pa % size === 0 && pa + size <= end,
  );
}

function expectPage(domain: Domain, offset: number, pa: number, size: number): void {
  for (const inside of [0, 1, size / 2, size - 1]) {
    expect(domain.translate(iovaOf(domain, offset) + BigInt(inside))).toBe(pa + inside);
  }
}

function expectNothingAround(domain: Domain, offset: number, size: number): void {
  if (offset > 0) expect(domain.translate(iovaOf(domain, offset) - 1n)).toBeUndefined();
  if (offset + size < 2 ** domain.geometry.ias) {
    expect(domain.translate(iovaOf(domain, offset) + BigInt(size))).toBeUndefined();
  }
}

function mapsEverywhere(setup: Setup, size: number): void {
  withDomain(setup, {}, (domain) => {
    for (const offset of placesFor(domain, size)) {
      for (const pa of outputsFor(domain, size)) {
        const empty = domain.meter.entryWrites;
        const iova = iovaOf(domain, offset);
        expect(domain.map(iova, pa, size, RW)).toMatchObject({ bytes: size, errno: 0 });
        expect(domain.meter.entryWrites).toBeGreaterThan(empty);
        expectPage(domain, offset, pa, size);
        expectNothingAround(domain, offset, size);
        expect(domain.leaves()).toEqual([{ iova, pa, size }]);
        expect(domain.unmap(iova, size)).toEqual({ bytes: size, splits: 0 });
        expect(domain.translate(iova)).toBeUndefined();
        expect(domain.leaves()).toEqual([]);
      }
    }
  });
}

function fillsAcross(setup: Setup, boundary: number): void {
  withDomain(setup, {}, (domain) => {
    const size = pageSizesOf(domain.geometry)[0] ?? 0;
    const pages = 6;
    const offset = boundary - 3 * size;
    const iova = iovaOf(domain, offset);
    domain.map(iova, 7 * size, pages * size, RW);
    for (let page = 0; page < pages; page++) expectPage(domain, offset + page * size, (7 + page) * size, size);
    expectNothingAround(domain, offset, pages * size);
    expect(domain.unmap(iova, pages * size).bytes).toBe(pages * size);
    expect(domain.leaves()).toEqual([]);
  });
}

function innerBoundaries(setup: Setup): number[] {
  const { levels, ias } = setup.format.configure(setup.configuration.request);
  const edges = levels.flatMap((level) => [2 ** level.shift, 2 ** level.shift * level.runEntries]);
  const smallest = 2 ** (levels.at(-1)?.shift ?? 0);
  return [...new Set(edges)].filter((edge) => edge > 4 * smallest && edge + 4 * smallest < 2 ** ias);
}

function grantsTheRequest({ format, configuration: { request } }: Setup): void {
  const geometry = format.configure(request);
  expect(geometry.ias).toBe(request.ias);
  expect(geometry.oas).toBe(request.oas);
  const [top] = geometry.levels;
  const reach = 2 ** (top?.shift ?? 0) * (top?.entries ?? 0) * geometry.roots;
  expect(reach).toBeGreaterThanOrEqual(2 ** geometry.ias);
}

function decodesNeighbouringBits({ format, configuration }: Setup): void {
  const geometry = format.configure(configuration.request);
  for (const [depth, level] of geometry.levels.entries()) {
    const below = geometry.levels[depth + 1];
    if (below !== undefined) expect(below.entries * 2 ** below.shift).toBe(2 ** level.shift);
    expect(level.tableBytes).toBe(level.entries * geometry.entryBytes);
    expect(level.allocBytes).toBeGreaterThanOrEqual(level.tableBytes);
  }
}

function translatesNothing(setup: Setup): void {
  withDomain(setup, {}, (domain) => {
    const { geometry } = domain;
    const last = iovaOf(domain, 2 ** geometry.ias - 2 ** geometry.pageShift) + 42n;
    for (const iova of [iovaOf(domain, 0), iovaOf(domain, 42), iovaOf(domain, 2 ** (geometry.ias - 1)), last]) {
      expect(domain.translate(iova)).toBeUndefined();
    }
  });
}

function mapsAgainWithEqualBytes(setup: Setup): void {
  withDomain(setup, {}, (domain) => {
    const size = pageSizesOf(domain.geometry)[0] ?? 0;
    const iova = iovaOf(domain, 5 * size);
    domain.map(iova, 0, 3 * size, RW);
    const before = snapshot(domain);
    domain.unmap(iova, 3 * size);
    domain.map(iova, 0, 3 * size, RW);
    expect(snapshot(domain)).toEqual(before);
  });
}

/** Rules about single pages. */
export function pageRules(setup: Setup): Rule[] {
  const sizes = pageSizesOf(setup.format.configure(setup.configuration.request));
  return group('pages', [
    rule('the request is granted as its widths and levels say', () => grantsTheRequest(setup)),
    rule('levels decode neighbouring bits that do not overlap', () => decodesNeighbouringBits(setup)),
    rule('an empty domain translates nothing', () => translatesNothing(setup)),
    ...sizes.map((size) =>
      rule(`a page of ${size} bytes maps, reads back and unmaps at every kind of place`, () =>
        mapsEverywhere(setup, size),
      ),
    ),
    ...innerBoundaries(setup).map((boundary) =>
      rule(`a run crosses the table boundary at ${boundary}`, () => fillsAcross(setup, boundary)),
    ),
    rule('unmapping everything leaves the same bytes as mapping it again does', () => mapsAgainWithEqualBytes(setup)),
  ]);
}
