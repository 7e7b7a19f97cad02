/**
 * Changes that are not yet clean, found by what they concern: by tag and address, stream, or table. A lookup costs what it
 * finds, not what is open.
 * @module
 */
import { ANY, type Scope } from '../../hardware/command.ts';
import type { TranslationTag } from '../../hardware/iommu.ts';
import type { OpenChange } from './open.ts';

/** log2 of the pages of a cell, by size of change: 2 MiB, 1 GiB, 512 GiB, 256 TiB and all. */
const GRID: readonly number[] = [9, 18, 27, 36, 52];

/** Changes of one tag in one TLB, by page. */
class Pages {
  readonly all: Set<OpenChange> = new Set();
  readonly #grids: readonly Map<number, Set<OpenChange>>[] = GRID.map(() => new Map());

  add(open: OpenChange): void {
    this.all.add(open);
    const at = gridOf(open);
    const grid = this.#grids[at] as Map<number, Set<OpenChange>>;
    for (const cell of cellsOf(open, at)) {
      const held = grid.get(cell);
      if (held === undefined) grid.set(cell, new Set([open]));
      else held.add(open);
    }
  }

  remove(open: OpenChange): void {
    this.all.delete(open);
    const at = gridOf(open);
    const grid = this.#grids[at] as Map<number, Set<OpenChange>>;
    for (const cell of cellsOf(open, at)) {
      const held = grid.get(cell);
      held?.delete(open);
      if (held?.size === 0) grid.delete(cell);
    }
  }

  /** Adds those whose cells meet [first, end): a few more than meet it. */
  near(first: number, end: number, found: Set<OpenChange>): void {
    for (const [i, grid] of this.#grids.entries()) {
      const cells = 2 ** (GRID[i] as number);
      const [from, to] = [Math.floor(first / cells), Math.floor((end - 1) / cells)];
      if (to - from >= grid.size) {
        for (const [cell, held] of grid) if (cell >= from && cell <= to) addAll(held, found);
      } else for (let cell = from; cell <= to; cell++) addAll(grid.get(cell), found);
    }
  }
}

/** A TLB: the unit's own, or a device's. */
interface Cached {
  readonly tag: TranslationTag;
  readonly pages: Pages;
}

/** All open changes. */
export class OpenChanges {
  readonly #all: Set<OpenChange> = new Set();
  readonly #tlb: Map<string, Cached> = new Map();
  readonly #devices: Map<number, Map<string, Cached>> = new Map();
  readonly #config: Map<number, Set<OpenChange>> = new Map();
  readonly #tables: Map<number, Set<OpenChange>> = new Map();
  /** Those of which everything was asked for, and nothing completed yet. */
  readonly #asked: Set<OpenChange> = new Set();

  /** How many. */
  get size(): number {
    return this.#all.size;
  }

  /** All, oldest first. */
  get all(): Iterable<OpenChange> {
    return this.#all;
  }

  has(open: OpenChange): boolean {
    return this.#all.has(open);
  }

  add(open: OpenChange): void {
    this.#all.add(open);
    const { change } = open;
    if (change === undefined) {
      addTo(this.#config, open.stream, open);
      return;
    }
    cachedOf(this.#tlbOf(open), change.tag).pages.add(open);
    if (change.table !== undefined) addTo(this.#tables, change.table, open);
  }

  /** Everything of a change was asked for: the next completion makes it clean. */
  asked(open: OpenChange): void {
    if (open.asked) this.#asked.add(open);
  }

  /** A completion: takes out what is clean by it. */
  complete(): OpenChange[] {
    const done = [...this.#asked].sort(byAge);
    this.#asked.clear();
    for (const open of done) this.#remove(open);
    return done;
  }

  /** Those that concern pages of a tag, of the unit's TLB and the devices'; oldest first. */
  concerning(tag: TranslationTag, first: number, end: number): OpenChange[] {
    const key = keyOf(tag);
    const found = new Set<OpenChange>();
    this.#tlb.get(key)?.pages.near(first, end, found);
    for (const tags of this.#devices.values()) tags.get(key)?.pages.near(first, end, found);
    return [...found].filter((open) => open.concerns(tag.domain, tag.space, tag.stages, first, end)).sort(byAge);
  }

  /** Those of the configuration of a stream. */
  ofStream(stream: number): Iterable<OpenChange> {
    return this.#config.get(stream) ?? [];
  }

  /** Those of an entry that led to a table. */
  ofTable(table: number): Iterable<OpenChange> {
    return this.#tables.get(table) ?? [];
  }

  /** Those of a command's target that it may cover: of the tags that it names; oldest first. */
  named(scope: Scope): OpenChange[] {
    return this.#met(scope, true);
  }

  /** Those of other tags, at the addresses of a command. */
  otherwise(scope: Scope): OpenChange[] {
    return this.#met(scope, false);
  }

  #met(scope: Scope, named: boolean): OpenChange[] {
    if (scope.kind === 'config') return named ? [...this.#configs(scope)].sort(byAge) : [];
    const tags = scope.kind === 'tlb' ? this.#tlb : this.#devices.get(scope.stream);
    const found = new Set<OpenChange>();
    for (const { tag, pages } of tags?.values() ?? []) {
      if ((scope.kind !== 'tlb' || names(scope, tag)) !== named) continue;
      if (scope.pages === Number.POSITIVE_INFINITY) addAll(pages.all, found);
      else pages.near(scope.first, scope.first + scope.pages, found);
    }
    return [...found].sort(byAge);
  }

  *#configs({ stream, streams }: Scope): Generator<OpenChange> {
    if (streams === 1) yield* this.ofStream(stream);
    else for (const held of this.#config.values()) yield* held;
  }

  #tlbOf(open: OpenChange): Map<string, Cached> {
    if (open.target === 'tlb') return this.#tlb;
    const known = this.#devices.get(open.stream);
    if (known !== undefined) return known;
    const made = new Map<string, Cached>();
    this.#devices.set(open.stream, made);
    return made;
  }

  #remove(open: OpenChange): void {
    this.#all.delete(open);
    const { change } = open;
    if (change === undefined) {
      this.#config.get(open.stream)?.delete(open);
      return;
    }
    this.#tlbOf(open).get(keyOf(change.tag))?.pages.remove(open);
    if (change.table === undefined) return;
    const held = this.#tables.get(change.table);
    held?.delete(open);
    if (held?.size === 0) this.#tables.delete(change.table);
  }
}

const byAge = (a: OpenChange, b: OpenChange): number => a.number - b.number;

const keyOf = ({ domain, space, stages }: TranslationTag): string => `${domain}/${space}/${stages}`;

function cachedOf(tags: Map<string, Cached>, tag: TranslationTag): Cached {
  const key = keyOf(tag);
  const known = tags.get(key);
  if (known !== undefined) return known;
  const made = { tag, pages: new Pages() };
  tags.set(key, made);
  return made;
}

function names({ domain, space, stages }: Scope, tag: TranslationTag): boolean {
  const inside = (domain === ANY || domain === tag.domain) && (stages & tag.stages) !== 0;
  return inside && (space === ANY || space === tag.space);
}

/** The grid whose cells are not smaller than a change: it lies in two cells at most. */
function gridOf({ reach: [first, end] }: OpenChange): number {
  const at = GRID.findIndex((log2) => end - first <= 2 ** log2);
  return at === -1 ? GRID.length - 1 : at;
}

function cellsOf({ reach: [first, end] }: OpenChange, grid: number): readonly number[] {
  const cells = 2 ** (GRID[grid] as number);
  const [from, to] = [Math.floor(first / cells), Math.floor((end - 1) / cells)];
  return from === to ? [from] : [from, to];
}

function addAll(held: Iterable<OpenChange> | undefined, found: Set<OpenChange>): void {
  for (const open of held ?? []) found.add(open);
}

function addTo(map: Map<number, Set<OpenChange>>, key: number, open: OpenChange): void {
  const held = map.get(key);
  if (held === undefined) map.set(key, new Set([open]));
  else held.add(open);
}
