/**
 * Changes that are not yet clean: which of their pages were not asked for, and which were asked for and are not complete.
 * @module
 */
import { ANY, type Scope } from '../../hardware/command.ts';
import type { ConfigChange, InvalidationFinding, TableChange } from './types.ts';

/** Pages from `first` on, `end` exclusive. */
export interface PageRange {
  readonly first: number;
  readonly end: number;
}

/** Where a change must still be forgotten: in the unit's TLB, in one device's TLB, in the unit's kept configuration. */
export type Target = 'tlb' | 'device-tlb' | 'config';

/** What a command does for a change. */
export type Coverage =
  | 'covers'
  | 'elsewhere'
  | 'other-tag'
  | 'leaves-only'
  | 'other-level'
  | 'other-granule'
  | 'no-entry';

/** Words for a command that meets the pages of a change and does not cover it. */
export const NEAR: Readonly<Partial<Record<Coverage, string>>> = {
  'other-tag': 'it names another domain or address space',
  'leaves-only': 'it takes leaves only, and a table entry changed',
  'other-level': 'it names another level than that of the leaf',
  'other-granule': 'it names another granule than that of the tables',
  'no-entry': 'it does not take the entry of the stream itself',
};

/** What an {@link OpenChange} is made of. */
export interface Made {
  readonly number: number;
  readonly change?: TableChange;
  readonly config?: ConfigChange;
  readonly stream?: number;
  readonly unit?: number;
  /** Of a device's TLB: the same change in the unit's own. */
  readonly own?: OpenChange;
}

/** A change under way. */
export class OpenChange {
  readonly target: Target;
  readonly change: TableChange | undefined;
  readonly config: ConfigChange | undefined;
  /** StreamID of a device TLB. */
  readonly stream: number;
  /** Number of the event. */
  readonly at: number;
  /** Grows from change to change. */
  readonly number: number;
  /** The same change in the unit's own TLB, of one in a device's. */
  readonly own: OpenChange | undefined;
  /** Pages of the entries that it changes: first, and where they end. */
  readonly reach: readonly [first: number, end: number];
  /** Pages that no command covered yet. */
  unasked: PageRange[];
  /** Some pages were asked for, and others not: a command that was too short. */
  partly = false;
  /** Why a command that met its pages did not do. */
  near: Coverage | undefined;
  /** A command covered it before it was made. */
  early = false;
  /** Pages that go together by an invalidation of one of them. */
  readonly #unit: number;
  /** What was said when it was due. */
  finding: InvalidationFinding | undefined;
  #asked = false;

  constructor(target: Target, at: number, made: Made) {
    this.target = target;
    this.at = at;
    this.number = made.number;
    this.change = made.change;
    this.config = made.config;
    this.stream = made.stream ?? made.config?.stream ?? ANY;
    this.#unit = made.unit ?? 1;
    const { first, pages } = made.change ?? { first: 0, pages: 1 };
    this.unasked = [{ first, end: first + pages }];
    this.own = made.own;
    this.reach = [Math.floor(first / this.#unit) * this.#unit, Math.ceil((first + pages) / this.#unit) * this.#unit];
  }

  /** Everything was asked for. */
  get asked(): boolean {
    return this.unasked.length === 0;
  }

  /** Whether a scope covers it, or why it does not. */
  coverage(scope: Scope): Coverage {
    if (this.target === 'config') return configCoverage(scope, this.config);
    const { change } = this;
    if (change === undefined || !this.#meets(scope, change)) return 'elsewhere';
    if (this.target === 'device-tlb') {
      const ours = scope.stream === this.stream && (scope.substream === ANY || change.tag.space === scope.substream);
      return ours ? 'covers' : 'elsewhere';
    }
    return tlbCoverage(scope, change);
  }

  /** Marks the pages of a scope that covers it; returns how many were not asked for before. */
  ask(scope: Scope): number {
    let gained = 0;
    const left: PageRange[] = [];
    const [start, end] = this.#reach(scope);
    for (const range of this.unasked) {
      const [from, to] = this.target === 'config' ? [range.first, range.end] : clip(range, start, end);
      if (from >= to) {
        left.push(range);
        continue;
      }
      gained += to - from;
      if (range.first < from) left.push({ first: range.first, end: from });
      if (to < range.end) left.push({ first: to, end: range.end });
    }
    this.unasked = left;
    this.partly ||= gained > 0;
    this.#asked ||= gained > 0;
    return gained;
  }

  #meets(scope: Scope, { first, pages }: TableChange): boolean {
    const [start, end] = this.#reach(scope);
    return first < end && first + pages > start;
  }

  /** First page that a command takes, and where its pages end: whole entries. */
  #reach({ first, pages }: Scope): readonly [number, number] {
    if (pages === Number.POSITIVE_INFINITY) return [Number.NEGATIVE_INFINITY, pages];
    const unit = this.#unit;
    return [Math.floor(first / unit) * unit, Math.ceil((first + pages) / unit) * unit];
  }

  /** A completion: true where nothing is left to be done. */
  complete(): boolean {
    return this.#asked && this.asked;
  }

  /** Whether it concerns pages of a tag. */
  concerns(domain: number, space: number, stages: number, first: number, end: number): boolean {
    const { change } = this;
    if (change === undefined) return false;
    const { tag } = change;
    if (tag.domain !== domain || tag.space !== space || tag.stages !== stages) return false;
    return change.first < end && change.first + change.pages > first;
  }
}

function clip(range: PageRange, first: number, end: number): readonly [number, number] {
  return [Math.max(range.first, first), Math.min(range.end, end)];
}

function tlbCoverage(scope: Scope, { tag, before, level, granule }: TableChange): Coverage {
  const ours = (scope.domain === ANY || scope.domain === tag.domain) && (scope.stages & tag.stages) !== 0;
  if (!ours || (scope.space !== ANY && scope.space !== tag.space)) return 'other-tag';
  if (before === 'table' && !scope.walk) return 'leaves-only';
  if (scope.granule !== 0 && granule !== 0 && scope.granule !== granule) return 'other-granule';
  if (before === 'leaf' && scope.level !== ANY && level !== ANY && scope.level !== level) return 'other-level';
  return 'covers';
}

function configCoverage(scope: Scope, config: ConfigChange | undefined): Coverage {
  if (config === undefined) return 'elsewhere';
  const { stream, substream } = config;
  const inside = scope.stream === ANY || (stream >= scope.stream && stream < scope.stream + scope.streams);
  if (!inside) return 'elsewhere';
  if (substream === ANY) return scope.substream === ANY && scope.directory ? 'covers' : 'no-entry';
  return scope.substream === ANY || scope.substream === substream ? 'covers' : 'elsewhere';
}
