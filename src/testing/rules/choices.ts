/**
 * Page-size choice against brute force, and list joining against a slow rule.
 * @module
 */
import fc from 'fast-check';
import { PageSizeChooser } from '../../pagetable/page-size.ts';
import { ListRuns } from '../../pagetable/runs.ts';
import { expect } from '../expect.ts';
import type { Run } from '../linux-model.ts';
import { group, type Rule, rule } from '../rule.ts';
import { pageSizesOf, type Setup } from '../setup.ts';

/** The biggest size that fits and divides both, and as many of it as fit before a larger one could take over. */
function bruteForce(
  sizes: readonly number[],
  iova: number,
  pa: number,
  bytes: number,
): { size: number; count: number } {
  const fits = (size: number, done: number): boolean =>
    done + size <= bytes && (iova + done) % size === 0 && (pa + done) % size === 0;
  const size = sizes.filter((each) => fits(each, 0)).at(-1) ?? 0;
  const larger = sizes.find((each) => each > size);
  let count = 1;
  while (fits(size, count * size) && !(larger !== undefined && fits(larger, count * size))) count++;
  return { size, count };
}

function choosesAsBruteForce(setup: Setup): void {
  const geometry = setup.format.configure(setup.configuration.request);
  const sizes = pageSizesOf(geometry);
  const [small = 0] = sizes;
  const chooser = new PageSizeChooser(sizes.reduce((sum, size) => sum + size, 0));
  const large = Math.min(sizes[1] ?? small, 4096 * small);
  const place = fc.tuple(fc.nat({ max: 6 }), fc.integer({ min: -20, max: 20 }), fc.constantFrom(...sizes));
  const at = ([blocks, pages, size]: readonly [number, number, number]): number =>
    Math.max(0, 2 ** 33 + blocks * size + pages * small);
  const bytes = fc.tuple(fc.nat({ max: 3 }), fc.integer({ min: 1, max: 40 }));
  fc.assert(
    fc.property(place, place, bytes, fc.boolean(), (i, p, [blocks, pages], same) => {
      const iova = at(i);
      const pa = same ? iova : at(p);
      const length = blocks * large + pages * small;
      chooser.choose(iova, pa, length);
      expect({ size: chooser.size, count: chooser.count }).toEqual(bruteForce(sizes, iova, pa, length));
    }),
    { numRuns: 150 },
  );
}

type List = readonly (readonly [address: number, length: number])[];

/** Elements of no bytes are nothing; the others join where one ends and the next begins. */
function safeRuns(list: List): Run[] {
  const runs: Run[] = [];
  for (const [start, bytes] of list.filter(([, length]) => length > 0)) {
    const last = runs.at(-1);
    if (last !== undefined && last.start + last.bytes === start)
      runs[runs.length - 1] = { ...last, bytes: last.bytes + bytes };
    else runs.push({ start, bytes });
  }
  return runs;
}

/**
 * Linux 6.1: an open run takes every element that begins at its end, also one of no bytes; an element elsewhere closes it.
 * After the last element that element is looked at again: only if it does not lie at the run's end is the run mapped.
 */
export function linuxRuns(list: List): Run[] {
  const runs: Run[] = [];
  let open: Run = { start: 0, bytes: 0 };
  for (const [address, length] of list) {
    if (open.bytes > 0 && address === open.start + open.bytes) open = { ...open, bytes: open.bytes + length };
    else {
      if (open.bytes > 0) runs.push(open);
      open = { start: address, bytes: length };
    }
  }
  const [last = 0] = list.at(-1) ?? [];
  if (open.bytes > 0 && last !== open.start + open.bytes) runs.push(open);
  return runs;
}

function engineRuns(list: List, linux: boolean): Run[] {
  const addresses = list.map(([address]) => address);
  const runs = new ListRuns({ addresses, lengths: list.map(([, length]) => length) }, linux);
  const all: Run[] = [];
  while (runs.next()) all.push({ start: runs.start, bytes: runs.bytes });
  return all;
}

/** Lists whose elements often touch. */
const lists: fc.Arbitrary<[number, number][]> = fc.array(
  fc.tuple(
    fc.nat({ max: 6 }).map((page) => page * 4096),
    fc.constantFrom(0, 0, 4096, 4096, 8192),
  ),
  { maxLength: 7, size: 'max' },
);

/** Rules about page sizes of this setup. */
export function choiceRules(setup: Setup): Rule[] {
  return group('choices', [rule('page-size choice equals brute force', () => choosesAsBruteForce(setup))]);
}

function joinsAs(slow: (list: List) => Run[], linux: boolean): void {
  fc.assert(
    fc.property(lists, (list) => {
      expect(engineRuns(list, linux)).toEqual(slow(list));
    }),
    { numRuns: 2000 },
  );
}

/** Rules about lists, which no format has a part in. */
export function listRules(): Rule[] {
  return [
    rule('lists join as the slow rule says, under safe', () => joinsAs(safeRuns, false)),
    rule('lists join as the slow rule says, under linux-6.1', () => joinsAs(linuxRuns, true)),
  ];
}
