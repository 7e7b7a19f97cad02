/**
 * Two trees of tables compared entry by entry, wherever their tables lie.
 * @module
 */
import type { Domain } from '../../src/core/index.ts';
import type { Entry } from '../../src/formats/index.ts';
import { Difference, same } from './difference.ts';

/** Bytes of a table that the architecture knows. */
function tableBytes({ memory, table: { tree } }: Domain, depth: number, offset: number): Uint8Array {
  const { entries } = tree.levelAt(depth);
  return new Uint8Array(memory.wasm.buffer, offset, entries << tree.entryShift);
}

/** Entries that are not 0 in both tables. */
function usedEntries(a: Uint8Array, b: Uint8Array, entryShift: number): Set<number> {
  const used = new Set<number>();
  for (const { buffer, byteOffset, length } of [a, b]) {
    const words = new Uint32Array(buffer, byteOffset, length >> 2);
    for (let i = 0; i < words.length; i++) if (words[i] !== 0) used.add(i >> (entryShift - 2));
  }
  return used;
}

/** Compares a last-level table whole, another one entry by entry: pointers may differ in the address alone. */
class Comparison {
  readonly #ours: Domain;
  readonly #twin: Domain;
  readonly #name: string;

  constructor(name: string, ours: Domain, twin: Domain) {
    this.#name = name;
    this.#ours = ours;
    this.#twin = twin;
  }

  table(depth: number, ours: number, twin: number): void {
    const { tree } = this.#twin.table;
    const a = tableBytes(this.#ours, depth, ours);
    const b = tableBytes(this.#twin, depth, twin);
    const equal = Buffer.compare(a, b) === 0;
    if (depth === tree.last) {
      if (!equal) this.#differ(depth, ours, a, b);
      const inUse = this.#ours.memory.entriesIn(ours);
      same(
        () => `${this.#name}: entries in use at 0x${ours.toString(16)}`,
        inUse,
        usedEntries(a, a, tree.entryShift).size,
      );
      return;
    }
    const shift = tree.entryShift;
    const used = usedEntries(a, b, shift);
    for (const entry of used) this.#entry(depth, ours + (entry << shift), twin + (entry << shift));
  }

  #entry(depth: number, ours: number, twin: number): void {
    const one = this.#ours.table.tree;
    const two = this.#twin.table.tree;
    const isTable = two.isTable(depth, two.lo(twin));
    if (isTable !== one.isTable(depth, one.lo(ours))) this.#refuse(depth, ours, twin);
    const a = rest(this.#ours, depth, ours, isTable);
    const b = rest(this.#twin, depth, twin, isTable);
    if (a.lo !== b.lo || a.hi !== b.hi) this.#refuse(depth, ours, twin);
    if (isTable) this.table(depth + 1, one.tableAt(ours), two.tableAt(twin));
  }

  #refuse(depth: number, ours: number, twin: number): never {
    const bytes = 1 << this.#twin.table.tree.entryShift;
    const got = entryText(this.#ours, ours, bytes);
    throw new Difference(`${this.#name}: entry at depth ${depth}: ${got}, twin ${entryText(this.#twin, twin, bytes)}`);
  }

  #differ(depth: number, ours: number, a: Uint8Array, b: Uint8Array): never {
    const at = a.findIndex((byte, i) => byte !== b[i]);
    const where = `byte ${at} of the table at offset 0x${ours.toString(16)}`;
    throw new Difference(`${this.#name}: ${where}, depth ${depth}: ${a[at]}, twin ${b[at]}`);
  }
}

/** An entry; without what the address of the table makes of it, where it points to one. */
function rest({ geometry, memory, table: { tree } }: Domain, depth: number, at: number, isTable: boolean): Entry {
  const pointer = { lo: 0, hi: 0 };
  if (isTable) geometry.table(memory.base + tree.tableAt(at), pointer, depth);
  return { lo: tree.lo(at) ^ pointer.lo, hi: tree.hi(at) ^ pointer.hi };
}

function entryText({ memory }: Domain, offset: number, bytes: number): string {
  return Buffer.from(memory.wasm.buffer, offset, bytes).toString('hex');
}

/** Compares every table that roots reach. @throws Difference */
export function sameTables(name: string, ours: Domain, twin: Domain): void {
  const one = ours.table.tree;
  const two = twin.table.tree;
  if (one.top !== two.top || one.roots.length !== two.roots.length) {
    throw new Difference(`${name}: root at depth ${one.top}, twin ${two.top}`);
  }
  const comparison = new Comparison(name, ours, twin);
  for (const [i, root] of two.roots.entries()) comparison.table(two.top, one.roots[i] ?? 0, root);
}
