/**
 * The device's side of a table: walks from the root, a load for each level, at any time.
 * @module
 */
import { awaitWord, type Cell, event, type Steps } from '../operations.ts';
import { addressOf, cellOf, indexAt, isBlock, span, type Table } from './table.ts';

/** Walks for one page as soon as `after` is set, or at any time without it, and tells what it found. */
export function* walkOnce(table: Table, input: number, after?: Cell): Steps {
  if (after !== undefined) yield* awaitWord(after, (set) => set === 1);
  yield* event('translates', input, yield* translate(table, input), after === undefined ? 0 : 1);
}

/** Frame of a page; 0 for a fault, which no page is mapped to. */
function* translate(table: Table, input: number): Steps<number> {
  let page = 0;
  for (let level = 0; ; level++) {
    const cell = cellOf(table, page, indexAt(table, input, level));
    const entry: number = yield { kind: table.coherent ? 'load' : 'load-memory', cell };
    yield* event('walks', page);
    if (entry === 0) return 0;
    if (level === table.levels - 1) return addressOf(entry);
    if (isBlock(entry)) return addressOf(entry) + (input % span(table, level));
    page = addressOf(entry);
    if (page >= table.pages) return addressOf(entry);
  }
}
