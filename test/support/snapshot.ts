/**
 * All table bytes of a domain, for "byte for byte as before".
 * @module
 */
import { createHash } from 'node:crypto';
import type { Domain } from '../../src/core/index.ts';

/** Digest of each table's bytes by physical address, and the number of live tables of the memory. */
export type Snapshot = Readonly<Record<string, string | number>>;

/** Takes a snapshot of every table that the roots reach. */
export function snapshot(domain: Domain): Snapshot {
  const { tree } = domain.table;
  const digests: Record<string, string | number> = { live: domain.memory.liveTables };
  const visit = (depth: number, table: number): void => {
    const { allocBytes, entries } = tree.levelAt(depth);
    const bytes = new Uint8Array(domain.memory.wasm.buffer, table, allocBytes);
    digests[(domain.memory.base + table).toString(16)] = createHash('sha1').update(bytes).digest('hex');
    if (depth === tree.last) return;
    for (let i = 0; i < entries; i++) {
      const at = table + (i << tree.entryShift);
      if (tree.isTable(depth, tree.lo(at))) visit(depth + 1, tree.tableAt(at));
    }
  };
  for (const root of tree.roots) visit(tree.top, root);
  return digests;
}
