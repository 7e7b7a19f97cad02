/**
 * All table bytes of a domain, for "byte for byte as before".
 * @module
 */
import type { Domain } from '../core/domain.ts';

/** Each table's words that are not zero, by physical address, and the number of live tables of the memory. */
export type Snapshot = Readonly<Record<string, string | number>>;

/** Words that are not zero as `index=value`, both in hex. */
function textOf(words: Uint32Array): string {
  let text = '';
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? 0;
    if (word !== 0) text += `${i.toString(16)}=${word.toString(16)} `;
  }
  return text;
}

/** Takes a snapshot of every table that the roots reach. */
export function snapshot(domain: Domain): Snapshot {
  const { tree } = domain.table;
  const tables: Record<string, string | number> = { live: domain.memory.liveTables };
  const visit = (depth: number, table: number): void => {
    const { allocBytes, entries } = tree.levelAt(depth);
    const words = new Uint32Array(domain.memory.wasm.buffer, table, allocBytes / 4);
    tables[(domain.memory.base + table).toString(16)] = textOf(words);
    if (depth === tree.last) return;
    for (let i = 0; i < entries; i++) {
      const at = table + (i << tree.entryShift);
      if (tree.isTable(depth, tree.lo(at))) visit(depth + 1, tree.tableAt(at));
    }
  };
  for (const root of tree.roots) visit(tree.top, root);
  return tables;
}
