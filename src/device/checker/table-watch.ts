/**
 * Sees what became of a domain's tables: it keeps what each entry was when it last looked, and reports what changed since,
 * read from memory by the architecture's rules.
 * @module
 */
import type { PhysicalReader } from '../../bus.ts';
import type { DomainTables, TranslationTag } from '../../hardware/iommu.ts';
import { ATTR, type Descriptors, KIND, type Region } from '../../hardware/walk/regime.ts';
import type { EntryKind, TableChange } from './types.ts';

const PAGE = 4096;
/** Rights of an attribute word. */
const RIGHTS = 63;

/** One table as it was. */
interface Shadow {
  readonly address: number;
  readonly lo: Uint32Array;
  readonly hi: Uint32Array;
  /** Tables below, by index. */
  readonly below: Map<number, Shadow>;
}

/** Low and high half of an entry. */
type Words = readonly [lo: number, hi: number];

interface Place {
  readonly d: Descriptors;
  readonly depth: number;
  /** Page of 4 KiB that index 0 stands for. */
  readonly base: number;
}

/** A leaf that was where a table is now. */
interface Inherited {
  readonly output: number;
  readonly attributes: number;
  readonly level: number;
  readonly unit: number;
}

/** Watches one domain's tables. Tables that skip levels are not followed below. */
export class TableWatch {
  readonly tag: TranslationTag;
  readonly #reader: PhysicalReader;
  readonly #regions: readonly Region[];
  readonly #granule: number;
  readonly #sink: (change: TableChange) => void;
  readonly #roots: Map<Region, Shadow> = new Map();
  #run: TableChange | undefined;

  /** @param sink receives each run of changes; what is there at first is reported as new */
  constructor(reader: PhysicalReader, tables: DomainTables, tag: TranslationTag, sink: (change: TableChange) => void) {
    this.tag = tag;
    this.#reader = reader;
    this.#regions = tables.regime.regions.filter(({ refused }) => refused === undefined);
    this.#granule = tables.geometry.granule;
    this.#sink = sink;
  }

  /** Looks at the entries of a range of input addresses, in pages of 4 KiB. */
  scan(first: number, pages: number): void {
    for (const region of this.#regions) {
      const base = Number(BigInt.asUintN(64, region.base) >> 12n);
      const from = Math.max(first, base);
      const end = Math.min(first + pages, base + region.size / PAGE);
      if (from >= end) continue;
      const shadow = this.#roots.get(region) ?? emptyShadow(region.root, entriesOf(region.descriptors, 0));
      this.#roots.set(region, shadow);
      this.#table({ d: region.descriptors, depth: 0, base }, shadow, from, end);
    }
    this.#flush();
  }

  #table({ d, depth, base }: Place, shadow: Shadow, from: number, end: number): void {
    const level = d.levels[depth];
    if (level === undefined) return;
    const unit = Math.max(1, level.unit / PAGE);
    const last = Math.min(level.entries - 1, Math.floor((end - 1 - base) / unit));
    for (let i = Math.max(0, Math.floor((from - base) / unit)); i <= last; i++) {
      i = this.#firstOther(d, shadow, i, last);
      const at = shadow.address + i * d.entryBytes;
      const lo = this.#reader.read32(at) ?? 0;
      const hi = d.entryBytes === 8 ? (this.#reader.read32(at + 4) ?? 0) : 0;
      const place = { d, depth, base: base + i * unit };
      if (lo !== shadow.lo[i] || hi !== shadow.hi[i]) this.#changed(place, shadow, i, lo, hi);
      const below = shadow.below.get(i);
      if (below !== undefined) this.#table({ d, depth: depth + 1, base: place.base }, below, from, end);
    }
  }

  /** The first entry from `from` on that changed or led to a table, or the last one, where memory can be read at once. */
  #firstOther({ entryBytes }: Descriptors, { address, lo, hi, below }: Shadow, from: number, last: number): number {
    if (below.size > 0) return from;
    const words = this.#reader.view?.(address + from * entryBytes, (last - from + 1) * entryBytes);
    if (words === undefined) return from;
    const step = entryBytes / 4;
    for (let i = from, at = 0; i < last; i++, at += step) {
      if (words[at] !== lo[i] || (step === 2 && words[at + 1] !== hi[i])) return i;
    }
    return last;
  }

  #changed({ d, depth, base }: Place, shadow: Shadow, i: number, lo: number, hi: number): void {
    const [oldLo, oldHi] = [shadow.lo[i] ?? 0, shadow.hi[i] ?? 0];
    const [before, after] = [kindOf(d, oldLo, oldHi, depth), kindOf(d, lo, hi, depth)];
    shadow.lo[i] = lo;
    shadow.hi[i] = hi;
    const pages = Math.max(1, (d.levels[depth]?.unit ?? PAGE) / PAGE);
    const level = d.levels[depth]?.level ?? -1;
    const common = { tag: this.tag, first: base, pages, before, after, level, granule: this.#granule, unit: pages };
    const next = after === 'table' ? d.table(lo, hi, depth) : -1;
    const known = shadow.below.get(i);
    if (before === 'table' && known !== undefined && known.address !== next)
      this.#unlinked({ d, depth, base }, known, common);
    if (before === 'leaf' && after === 'table') {
      const child = this.#split({ d, depth, base }, common, [oldLo, oldHi], next);
      shadow.below.set(i, child);
    } else if (before === 'leaf') this.#leaf({ d, depth, base }, common, [oldLo, oldHi], [lo, hi]);
    else if (before === 'invalid' && after === 'leaf') this.#emit(common);
    if (before === 'table' && known?.address !== next) shadow.below.delete(i);
    if (after !== 'table' || shadow.below.has(i)) return;
    shadow.below.set(i, emptyShadow(next, entriesOf(d, depth + 1)));
  }

  #leaf({ d, depth, base }: Place, common: TableChange, old: Words, now: Words): void {
    const output = outputOf(d, old, depth, base);
    if (common.after !== 'leaf') {
      this.#emit({ ...common, output });
      return;
    }
    const [was, is] = [d.attributes(...old, depth, 0), d.attributes(...now, depth, 0)];
    const sameStart = outputOf(d, now, depth, base) === output;
    const same = sameStart && d.span(...old, depth) === d.span(...now, depth);
    const rights = (was ^ is) & RIGHTS;
    if (same && rights === 0 && (was | ATTR.contiguous) === (is | ATTR.contiguous)) return;
    const raised = same && (was & RIGHTS & ~is) === 0;
    const resized = sameStart && !same && rights === 0;
    this.#emit({ ...common, output, sameOutput: same, raised, ...(resized ? { resized } : {}) });
  }

  /** A leaf gave way to a table: pages that translate as before have not changed. */
  #split({ d, depth, base }: Place, common: TableChange, old: Words, address: number): Shadow {
    this.#emit({ ...common, sameOutput: true, resized: true });
    const { level, pages: unit } = common;
    const [output, attributes] = [outputOf(d, old, depth, base), d.attributes(...old, depth, 0)];
    return this.#inherit({ d, depth: depth + 1, base }, address, { output, attributes, level, unit });
  }

  #inherit({ d, depth, base }: Place, address: number, from: Inherited): Shadow {
    const shadow = emptyShadow(address, entriesOf(d, depth));
    const pages = Math.max(1, (d.levels[depth]?.unit ?? PAGE) / PAGE);
    for (let i = 0; i < shadow.lo.length; i++) {
      const lo = this.#reader.read32(address + i * d.entryBytes) ?? 0;
      const hi = d.entryBytes === 8 ? (this.#reader.read32(address + i * d.entryBytes + 4) ?? 0) : 0;
      shadow.lo[i] = lo;
      shadow.hi[i] = hi;
      const after = kindOf(d, lo, hi, depth);
      const here = { ...from, output: from.output + i * pages * PAGE };
      const first = base + i * pages;
      if (after === 'table') {
        shadow.below.set(i, this.#inherit({ d, depth: depth + 1, base: first }, d.table(lo, hi, depth), here));
      } else if (after === 'invalid' || !isAs({ d, depth, base: first }, [lo, hi], here))
        this.#emit(this.#piece(first, pages, after, here));
    }
    return shadow;
  }

  /** A part of a leaf that is no longer what the leaf was; the entry that may be kept is that of the leaf. */
  #piece(first: number, pages: number, after: EntryKind, { output, level, unit }: Inherited): TableChange {
    return { tag: this.tag, first, pages, before: 'leaf', after, level, granule: this.#granule, unit, output };
  }

  /** A table is no longer led to: everything below it is gone with it. */
  #unlinked({ d, depth, base }: Place, table: Shadow, common: TableChange): void {
    this.#below({ d, depth: depth + 1, base }, table);
    this.#emit({ ...common, table: table.address });
    this.#flush();
  }

  #below({ d, depth, base }: Place, shadow: Shadow): void {
    const level = d.levels[depth];
    if (level === undefined) return;
    const unit = Math.max(1, level.unit / PAGE);
    for (let i = 0; i < level.entries; i++) {
      const [lo, hi] = [shadow.lo[i] ?? 0, shadow.hi[i] ?? 0];
      const before = kindOf(d, lo, hi, depth);
      if (before === 'invalid') continue;
      const common = { tag: this.tag, first: base + i * unit, pages: unit, before, after: 'invalid' } as const;
      const shape = { ...common, level: level.level, granule: this.#granule, unit };
      const below = shadow.below.get(i);
      if (below !== undefined) this.#unlinked({ d, depth, base: base + i * unit }, below, shape);
      else if (before === 'leaf') this.#emit({ ...shape, output: outputOf(d, [lo, hi], depth, base + i * unit) });
    }
  }

  /** Joins a change to the one before where it goes on there. */
  #emit(change: TableChange): void {
    const run = this.#run;
    if (run !== undefined && goesOn(run, change)) this.#run = { ...run, pages: run.pages + change.pages };
    else {
      this.#flush();
      this.#run = change;
    }
  }

  #flush(): void {
    if (this.#run !== undefined) this.#sink(this.#run);
    this.#run = undefined;
  }
}

function goesOn(run: TableChange, next: TableChange): boolean {
  if (run.first + run.pages !== next.first || run.before !== next.before || run.after !== next.after) return false;
  if (run.level !== next.level || run.before === 'table' || run.raised !== next.raised) return false;
  if (run.unit !== next.unit) return false;
  if (run.sameOutput !== next.sameOutput || run.resized !== next.resized) return false;
  return run.output === undefined || run.output + run.pages * PAGE === next.output || next.after === 'invalid';
}

/** Whether a leaf translates as the larger one before it did. */
function isAs({ d, depth, base }: Place, words: Words, { output, attributes }: Inherited): boolean {
  return outputOf(d, words, depth, base) === output && ((d.attributes(...words, depth, 0) ^ attributes) & RIGHTS) === 0;
}

/** Output address of a leaf's entry at a page: the entries of a page that has several all hold the address of its first byte. */
function outputOf(d: Descriptors, words: Words, depth: number, page: number): number {
  return d.output(...words, depth) + ((page * PAGE) % d.span(...words, depth));
}

function kindOf(d: Descriptors, lo: number, hi: number, depth: number): EntryKind {
  if (lo === 0 && hi === 0) return 'invalid';
  const kind = d.kind(lo, hi, depth);
  return kind === KIND.leaf ? 'leaf' : kind === KIND.table ? 'table' : 'invalid';
}

function entriesOf(d: Descriptors, depth: number): number {
  return d.levels[depth]?.entries ?? 0;
}

function emptyShadow(address: number, entries: number): Shadow {
  return { address, lo: new Uint32Array(entries), hi: new Uint32Array(entries), below: new Map() };
}
