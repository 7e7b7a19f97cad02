/**
 * What changed between two decodings: ranges added, removed and changed, domain by domain.
 * @module
 */
import { hex } from '../address.ts';
import { type Decoding, type DomainMappings, rangeMemoryType, rangePerms } from './decode.ts';

/** One side of a range. */
export interface RangeSide {
  readonly pa: number;
  readonly perms: string;
  readonly memoryType: string;
  readonly leafBytes: number;
}

/** A range of input addresses that differs. */
export interface RangeChange {
  readonly kind: 'added' | 'removed' | 'changed';
  /** Domain in the first and in the second dump. */
  readonly domain: string;
  readonly iova: bigint;
  readonly bytes: number;
  readonly before: RangeSide | undefined;
  readonly after: RangeSide | undefined;
}

interface Segment extends RangeSide {
  readonly from: bigint;
  readonly end: bigint;
}

function segments(domain: DomainMappings | undefined): Segment[] {
  if (domain === undefined) return [];
  return domain.ranges.map((range) => ({
    from: range.iova,
    end: range.iova + BigInt(range.bytes),
    pa: range.pa,
    perms: rangePerms(range),
    memoryType: rangeMemoryType(domain, range),
    leafBytes: range.leafBytes,
  }));
}

/** A segment's side at an address inside it. */
function sideAt(segment: Segment, at: bigint): RangeSide {
  const { perms, memoryType, leafBytes } = segment;
  return { pa: segment.pa + Number(at - segment.from), perms, memoryType, leafBytes };
}

function equal(a: RangeSide, b: RangeSide): boolean {
  return a.pa === b.pa && a.perms === b.perms && a.memoryType === b.memoryType && a.leafBytes === b.leafBytes;
}

/** True if `next` goes on where a side of `bytes` ends. */
function continues(side: RangeSide | undefined, next: RangeSide | undefined, bytes: number): boolean {
  if (side === undefined || next === undefined) return side === next;
  return equal({ ...side, pa: side.pa + bytes }, next);
}

/** Collects changes, merging neighbours that go on in the same way. */
class Changes {
  readonly list: RangeChange[] = [];
  readonly #domain: string;

  constructor(domain: string) {
    this.#domain = domain;
  }

  add(from: bigint, end: bigint, before: RangeSide | undefined, after: RangeSide | undefined): void {
    if (before !== undefined && after !== undefined && equal(before, after)) return;
    const kind = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
    const bytes = Number(end - from);
    const last = this.list.at(-1);
    const joins =
      last !== undefined &&
      last.kind === kind &&
      last.iova + BigInt(last.bytes) === from &&
      continues(last.before, before, last.bytes) &&
      continues(last.after, after, last.bytes);
    if (joins) this.list[this.list.length - 1] = { ...last, bytes: last.bytes + bytes };
    else this.list.push({ kind, domain: this.#domain, iova: from, bytes, before, after });
  }
}

/** The smallest of at least one address. */
function least(values: readonly bigint[]): bigint {
  let smallest = values[0] ?? 0n;
  for (const value of values) if (value < smallest) smallest = value;
  return smallest;
}

/** Compares two ascending lists of segments in one pass over both. */
function sweep(a: readonly Segment[], b: readonly Segment[], out: Changes): void {
  let i = 0;
  let j = 0;
  let at = 0n;
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    const starts = [left, right].filter((s) => s !== undefined).map((s) => (s.from > at ? s.from : at));
    at = least(starts);
    const before = left !== undefined && left.from <= at ? left : undefined;
    const after = right !== undefined && right.from <= at ? right : undefined;
    const ends = [
      before?.end,
      after?.end,
      before === undefined ? left?.from : undefined,
      after === undefined ? right?.from : undefined,
    ];
    const end = least(ends.filter((value) => value !== undefined));
    out.add(at, end, before && sideAt(before, at), after && sideAt(after, at));
    at = end;
    if (left !== undefined && left.end <= at) i++;
    if (right !== undefined && right.end <= at) j++;
  }
}

/** Domains of two decodings that belong together: by a stream they share, else by root. */
function pairs(a: Decoding, b: Decoding): [DomainMappings | undefined, DomainMappings | undefined][] {
  const rest = [...b.domains];
  const matched: [DomainMappings | undefined, DomainMappings | undefined][] = a.domains.map((domain) => {
    const shares = (other: DomainMappings) => other.streams.some((stream) => domain.streams.includes(stream));
    const only = a.domains.length === 1 && b.domains.length === 1;
    const index = rest.findIndex((other) => shares(other) || other.root === domain.root || only);
    return [domain, index < 0 ? undefined : rest.splice(index, 1)[0]];
  });
  return [...matched, ...rest.map((domain): [undefined, DomainMappings] => [undefined, domain])];
}

/** Every range that differs between two decodings. */
export function diffDecodings(a: Decoding, b: Decoding): RangeChange[] {
  return pairs(a, b).flatMap(([before, after]) => {
    const names = [...new Set([before?.id, after?.id])].filter((name) => name !== undefined);
    const out = new Changes(names.join(' → '));
    sweep(segments(before), segments(after), out);
    return out.list;
  });
}

function sideJson(side: RangeSide | undefined): object | undefined {
  return side && { ...side, pa: hex(side.pa), leafBytes: hex(side.leafBytes) };
}

/** The answer of `iommu diff --json`. */
export function diffJson(changes: readonly RangeChange[]): object {
  const rows = (kind: RangeChange['kind']) =>
    changes
      .filter((change) => change.kind === kind)
      .map(({ domain, iova, bytes, before, after }) => ({
        domain,
        iova: hex(iova),
        bytes: hex(bytes),
        ...(before === undefined ? {} : { before: sideJson(before) }),
        ...(after === undefined ? {} : { after: sideJson(after) }),
      }));
  return { schema: 'iommu.diff', version: 1, added: rows('added'), removed: rows('removed'), changed: rows('changed') };
}
