/**
 * Pages of different sizes meeting: blocks over empty and populated tables, blocks and contiguous pages unmapped in part.
 * @module
 */

import type { Domain } from '../../core/domain.ts';
import { expect } from '../expect.ts';
import { group, type Rule, rule } from '../rule.ts';
import { iovaOf, pageSizesOf, RW, refusal, type Setup, withDomain } from '../setup.ts';
import { snapshot } from '../snapshot.ts';

interface Part {
  readonly name: string;
  readonly from: number;
  readonly bytes: number;
}

/** What is taken out of a block of `large` bytes, in terms of a smaller size. */
function partsOf(large: number, small: number): Part[] {
  const parts: Part[] = [
    { name: 'head', from: 0, bytes: small },
    { name: 'middle', from: large / 2, bytes: small },
    { name: 'last but one', from: large - 2 * small, bytes: small },
    { name: 'tail', from: large - small, bytes: small },
    { name: 'all but the head', from: small, bytes: large - small },
    { name: 'all but the tail', from: 0, bytes: large - small },
    { name: 'both inner halves', from: large / 2 - small, bytes: 2 * small },
  ];
  return parts.filter((part) => part.from >= 0 && part.bytes < large && part.bytes > 0);
}

/** Where there are more sizes, not each is paired with each, but with the next one and with those of other levels. */
const MANY = 8;

function pairsOf(setup: Setup): (readonly [large: number, small: number])[] {
  const sizes = pageSizesOf(setup.format.configure(setup.configuration.request));
  const larger = (i: number): number[] =>
    sizes.slice(i + 1).filter((_, j) => sizes.length <= MANY || j === 0 || j % 9 === 8);
  return sizes.flatMap((small, i) => larger(i).map((large) => [large, small] as const));
}

/** Checks every smallest page around the edges of what was taken out of a block at `offset`. */
function expectTakenOut(domain: Domain, offset: number, pa: number, large: number, part: Part): void {
  const step = pageSizesOf(domain.geometry)[0] ?? 0;
  const edges = [0, part.from, part.from + part.bytes, large];
  for (const edge of edges.flatMap((at) => [at - step, at])) {
    if (edge < 0 || edge >= large) continue;
    const gone = edge >= part.from && edge < part.from + part.bytes;
    const address = iovaOf(domain, offset + edge) + 42n;
    expect(domain.translate(address), `${part.name} at ${edge}`).toBe(gone ? undefined : pa + edge + 42);
  }
  const left = domain.leaves().reduce((sum, leaf) => sum + leaf.size, 0);
  expect(left).toBe(large - part.bytes);
}

function takesOut(setup: Setup, large: number, small: number): void {
  for (const part of partsOf(large, small)) {
    withDomain(setup, {}, (domain) => {
      const offset = 2 ** domain.geometry.ias - large;
      const pa = 2 ** domain.geometry.oas - large;
      const iova = iovaOf(domain, offset);
      domain.map(iova, pa, large, RW);
      const { bytes, splits } = domain.unmap(iova + BigInt(part.from), part.bytes);
      expect(bytes).toBe(part.bytes);
      expect(splits).toBeGreaterThan(0);
      expectTakenOut(domain, offset, pa, large, part);
      expect(domain.unmap(iova, large, { holes: 'skip' }).bytes).toBe(large - part.bytes);
      expect(domain.leaves()).toEqual([]);
    });
  }
}

function refusesParts(setup: Setup, large: number, small: number): void {
  withDomain(setup, {}, (domain) => {
    const iova = iovaOf(domain, 0);
    domain.map(iova, 0, large, RW);
    const before = snapshot(domain);
    for (const part of partsOf(large, small)) {
      const error = refusal(() => domain.unmap(iova + BigInt(part.from), part.bytes, { partialBlocks: 'refuse' }));
      expect(error).toMatchObject({ code: 'PARTIAL_BLOCK', argument: 'iova', errnoName: 'EINVAL' });
    }
    expect(domain.unmap(iova, large, { partialBlocks: 'refuse' })).toEqual({ bytes: large, splits: 0 });
    domain.map(iova, 0, large, RW);
    expect(snapshot(domain)).toEqual(before);
  });
}

function coversEmptyTable(setup: Setup, large: number, small: number): void {
  withDomain(setup, {}, (domain) => {
    const iova = iovaOf(domain, 0);
    domain.map(iova, 0, small, RW);
    domain.unmap(iova, small);
    const tables = domain.memory.liveTables;
    domain.map(iova, large, large, RW);
    expect(domain.leaves()).toEqual([{ iova, pa: large, size: large }]);
    expect(domain.memory.liveTables).toBeLessThanOrEqual(tables);
    expect(domain.translate(iova + BigInt(large - 1))).toBe(2 * large - 1);
  });
}

function refusesPopulatedTable(setup: Setup, large: number, small: number): void {
  withDomain(setup, {}, (domain) => {
    for (const from of [0, large / 2, large - small]) {
      domain.map(iovaOf(domain, from), from, small, RW);
      const before = snapshot(domain);
      const error = refusal(() => domain.map(iovaOf(domain, 0), 0, large, RW));
      expect(error).toMatchObject({ code: 'OVERLAP', argument: 'iova', errno: -17, errnoName: 'EEXIST' });
      expect(error.fields['at']).toBe(`0x${iovaOf(domain, from).toString(16)}`);
      expect(snapshot(domain)).toEqual(before);
      domain.unmap(iovaOf(domain, from), small);
    }
  });
}

function unmapsAcrossLeaves(setup: Setup, large: number, small: number): void {
  withDomain(setup, {}, (domain) => {
    const iova = iovaOf(domain, 0);
    domain.map(iova, 0, 2 * large, RW);
    const from = large - 2 * small;
    const bytes = 4 * small;
    expect(domain.unmap(iova + BigInt(from), bytes).bytes).toBe(bytes);
    for (const at of [from - small, from, from + bytes - small, from + bytes]) {
      if (at < 0 || at >= 2 * large) continue;
      const gone = at >= from && at < from + bytes;
      expect(domain.translate(iova + BigInt(at))).toBe(gone ? undefined : at);
    }
    expect(domain.leaves().reduce((sum, leaf) => sum + leaf.size, 0)).toBe(2 * large - bytes);
  });
}

function unmapsEachPiece(setup: Setup, large: number, small: number): void {
  const pieces = large / small;
  const chosen = pieces <= 16 ? Array.from({ length: pieces }, (_, i) => i) : [0, 1, 15, 16, 17, 255, 256, pieces - 1];
  for (const piece of chosen.filter((i) => i < pieces)) {
    withDomain(setup, {}, (domain) => {
      const iova = iovaOf(domain, 0);
      domain.map(iova, large, large, RW);
      expect(domain.unmap(iova + BigInt(piece * small), small).bytes).toBe(small);
      expectTakenOut(domain, 0, large, large, { name: `piece ${piece}`, from: piece * small, bytes: small });
    });
  }
}

/** Rules about pages of different sizes. */
export function blockRules(setup: Setup): Rule[] {
  const pairs = pairsOf(setup);
  const fitsTwice = pairs.filter(([large]) => 2 * large <= 2 ** setup.configuration.request.ias);
  return group('blocks', [
    ...pairs.map(([large, small]) =>
      rule(`out of ${large} bytes, ${small} and more are taken; the rest keeps its address`, () =>
        takesOut(setup, large, small),
      ),
    ),
    ...pairs.map(([large, small]) =>
      rule(`out of ${large} bytes, each piece of ${small} can go`, () => unmapsEachPiece(setup, large, small)),
    ),
    ...fitsTwice.map(([large, small]) =>
      rule(`an unmap across two blocks of ${large} splits both at ${small}`, () =>
        unmapsAcrossLeaves(setup, large, small),
      ),
    ),
    ...pairs.map(([large, small]) =>
      rule(`a split of ${large} at ${small} is refused by option, nothing changes`, () =>
        refusesParts(setup, large, small),
      ),
    ),
    ...pairs.map(([large, small]) =>
      rule(`a block of ${large} replaces tables left empty by ${small}, which are freed`, () =>
        coversEmptyTable(setup, large, small),
      ),
    ),
    ...pairs.map(([large, small]) =>
      rule(`a block of ${large} over a mapping of ${small} is refused, nothing changes`, () =>
        refusesPopulatedTable(setup, large, small),
      ),
    ),
  ]);
}
