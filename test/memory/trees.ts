// Trees of small tables, as kernels walk them: drawn, written into a memory, and walked by their description alone.
import fc from 'fast-check';
import { WALK } from '../../src/memory/kernel-contract.ts';
import { words } from './twins.ts';

export const KIB = 1024;
export const FIRST = 32;
const TABLES = 24;
export const DEPTHS = 3;
export const PAGE_SHIFT = 12;
export const BASE = 0x80000000;

/** A tree whose tables are 1 KiB each: entries of 8 or 4 bytes, table entries marked by bit 0. */
export interface Tree {
  readonly wide: boolean;
  /** Entries that are set: table, index, kind, where it points to. */
  readonly set: readonly (readonly [number, number, 'table' | 'leaf' | 'marked', number])[];
}

export const MARK = 0x800000;

export function indexBits({ wide }: Tree): number {
  return wide ? 7 : 8;
}

export function shiftAt(tree: Tree, depth: number): number {
  return PAGE_SHIFT + indexBits(tree) * (DEPTHS - 1 - depth);
}

export function place(memory: WebAssembly.Memory, tree: Tree): void {
  const all = words(memory);
  all.set([BASE, 0xfffffc00, 0, tree.wide ? 3 : 2, 0, MARK, 0xfffff000, 0xffff, 0], WALK.tree / 4);
  for (let depth = 0; depth < DEPTHS; depth++) {
    const test = depth === DEPTHS - 1 ? [0, 1] : [1, 1];
    all.set([shiftAt(tree, depth), 2 ** indexBits(tree) - 1, ...test], WALK.levels / 4 + 4 * depth);
  }
  for (const [table, index, kind, to] of tree.set) {
    const word = ((FIRST + table) * KIB + index * (tree.wide ? 8 : 4)) / 4;
    const target = BASE + (FIRST + to) * KIB;
    all[word] = kind === 'leaf' ? 2 : target + 1;
    if (tree.wide) all[word + 1] = kind === 'marked' ? MARK : 0;
  }
}

export const trees: fc.Arbitrary<Tree> = fc.record({
  wide: fc.boolean(),
  set: fc.array(
    fc.tuple(
      fc.nat({ max: TABLES - 1 }),
      fc.nat({ max: 5 }),
      fc.constantFrom('table' as const, 'table' as const, 'marked' as const, 'leaf' as const),
      fc.nat({ max: TABLES - 1 }),
    ),
    { maxLength: 120 },
  ),
});

/** Small indices at every depth, so that walks meet the entries that are set. */
export const indices: fc.Arbitrary<[number, number, number]> = fc.tuple(
  fc.nat({ max: 5 }),
  fc.nat({ max: 5 }),
  fc.nat({ max: 5 }),
);

export function addressOf(tree: Tree, [first, second, third]: readonly [number, number, number], high: number): number {
  const low = first * 2 ** shiftAt(tree, 0) + second * 2 ** shiftAt(tree, 1) + third * 2 ** PAGE_SHIFT;
  return high * 2 ** 40 + low + 0x123;
}

/** The walk by the tree's description alone: table and depth. */
export function walked(tree: Tree, path: readonly number[], target: number): { table: number; depth: number } {
  let table = 0;
  for (let depth = 0; depth < target; depth++) {
    const entry = tree.set.findLast(([where, index]) => where === table && index === path[depth]);
    if (entry === undefined || entry[2] === 'leaf') return { table, depth };
    table = entry[3];
  }
  return { table, depth: target };
}

export const ROOT: number = FIRST * KIB;
