/**
 * Roots that grow: levels put on top of a tree where an address or a page size asks for them (AMD), and taken off again.
 * @module
 */
import { ENOMEM, ERANGE } from './errno.ts';
import type { TableTree } from './tree.ts';

/** Where the addresses end that a root at a depth translates. */
function reachAt(tree: TableTree, top: number): number {
  return top === 0 ? 2 ** tree.geometry.ias : tree.spanAt(top - 1);
}

/** Makes `top` the depth of the root. */
export function standAt(tree: TableTree, top: number): void {
  tree.top = top;
  tree.forgetPath();
  if (tree.geometry.top > 0) tree.reach = reachAt(tree, top);
  else if (tree.rules.inputRange === 'no root') tree.reach = tree.rootSpan * tree.roots.length;
}

function tellTop(tree: TableTree): void {
  const root = (tree.roots[0] as number) + tree.memory.base;
  tree.tlb.changeTop?.(root, tree.levelAt(tree.top).level);
}

/**
 * Puts levels on top until a root reaches the address `end` and pages at `depth`; all or nothing.
 * @returns 0, ERANGE (no level reaches it) or ENOMEM
 */
export function grow(tree: TableTree, end: number, depth: number): number {
  const made: number[] = [];
  const missing = (at: number): boolean => end > reachAt(tree, at) || depth < at;
  let { top } = tree;
  let errno = 0;
  for (; errno === 0 && missing(top); top--) {
    const table = top === 0 ? -1 : tree.pool.take(top - 1, true);
    if (table === -1) errno = top === 0 ? ERANGE : ENOMEM;
    else made.push(table);
  }
  if (errno !== 0) {
    for (const [i, table] of made.entries()) tree.removal.releaseTable(tree.top - 1 - i, table);
    return errno;
  }
  if (made.length === 0) return 0;
  putOn(tree, made);
  standAt(tree, top);
  tellTop(tree);
  return 0;
}

/** Puts levels on top, the lowest first; those that are not linked are freed where a clean throws. */
function putOn(tree: TableTree, made: readonly number[]): void {
  const { top } = tree;
  try {
    for (const table of made) {
      tree.link(table, tree.roots[0] as number, tree.top - 1);
      tree.roots[0] = table;
      tree.top--;
    }
  } catch (error) {
    for (let i = top - tree.top; i < made.length; i++) tree.removal.releaseTable(top - 1 - i, made[i] as number);
    throw error;
  }
}

/**
 * Takes the levels off again that a call put on, and tells the device: the root is back at depth `top`.
 * @param off receives depths and byte offsets of these levels by turns; a device may walk them until everything is invalidated
 */
export function shrink(tree: TableTree, top: number, off: number[]): void {
  if (top === tree.top) return;
  while (tree.top < top) {
    const root = tree.roots[0] as number;
    tree.roots[0] = tree.tableAt(root);
    off.push(tree.top, root);
    tree.top++;
  }
  standAt(tree, top);
  tellTop(tree);
}
