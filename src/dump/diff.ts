/**
 * What changed between two decodings: ranges added, removed and changed, domain by domain.
 * @module
 */
import { hex } from '../address.ts';
import { type Decoding, type DomainMappings, rangeMemoryType, rangePerms } from './decode.ts';
import { LISTED } from './listed.ts';

/** One side of a range. */
export interface RangeSide {
  readonly pa: number;
  readonly perms: string;
  readonly memoryType: string;
  readonly leafBytes: number;
}

/** A range of input addresses that differs, or of which one dump or both do not hold the tables. */
export interface RangeChange {
  readonly kind: 'added' | 'removed' | 'changed' | 'unknown';
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

  /** Adds what is mapped on both sides from an address on; `known` is false where a side's tables are missing. */
  add(from: bigint, end: bigint, before: RangeSide | undefined, after: RangeSide | undefined, known: boolean): void {
    if (known && (before === undefined ? after === undefined : after !== undefined && equal(before, after))) return;
    const kind = !known ? 'unknown' : before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
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

interface Span {
  readonly from: bigint;
  readonly end: bigint;
}

/** One of the ascending lists that a sweep goes through. */
class Track<S extends Span> {
  readonly #spans: readonly S[];
  #next = 0;

  constructor(spans: readonly S[]) {
    this.#spans = spans;
  }

  /** The span that holds the address. */
  at(address: bigint): S | undefined {
    const span = this.#spans[this.#next];
    return span !== undefined && span.from <= address ? span : undefined;
  }

  /** The next address at which a span begins or ends, from `address` on. */
  edge(address: bigint): bigint | undefined {
    const span = this.#spans[this.#next];
    return span === undefined || span.from > address ? span?.from : span.end;
  }

  /** Leaves behind what ends at or below the address. */
  pass(address: bigint): void {
    for (let span = this.#spans[this.#next]; span !== undefined && span.end <= address; ) {
      span = this.#spans[++this.#next];
    }
  }
}

/** Compares two ascending lists of segments in one pass over both, and over what is unknown. */
function sweep(a: readonly Segment[], b: readonly Segment[], unknown: readonly Span[], out: Changes): void {
  const [left, right, missing] = [new Track(a), new Track(b), new Track(unknown)];
  const tracks = [left, right, missing];
  for (let at = 0n; ; ) {
    const edges = tracks.map((track) => track.edge(at)).filter((edge) => edge !== undefined);
    if (edges.length === 0) return;
    const end = least(edges);
    const [before, after] = [left.at(at), right.at(at)];
    out.add(at, end, before && sideAt(before, at), after && sideAt(after, at), missing.at(at) === undefined);
    at = end;
    for (const track of tracks) track.pass(at);
  }
}

/** Spans in ascending order, overlaps joined. */
function joined(spans: readonly Span[]): Span[] {
  const sorted = [...spans].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  const out: { from: bigint; end: bigint }[] = [];
  for (const { from, end } of sorted) {
    const last = out.at(-1);
    if (last === undefined || from > last.end) out.push({ from, end });
    else if (end > last.end) last.end = end;
  }
  return out;
}

const EVERYTHING: Span = { from: 0n, end: 1n << 64n };

/**
 * What is not known of a domain: the parts of its tables that the dump does not hold; all of it where the domain is not
 * found and device structures are missing that may lead to it.
 */
function unknownSpans(decoding: Decoding, domain: DomainMappings | undefined): Span[] {
  if (domain === undefined) return decoding.unknown.some((part) => part.domain === undefined) ? [EVERYTHING] : [];
  return decoding.unknown
    .filter((part) => part.domain === domain.id)
    .map(({ iova, bytes }) => ({ from: iova, end: iova + BigInt(bytes) }));
}

/** What two domains have in common that belong together for certain: a stream and the root. */
function sameKeys({ streams, root }: DomainMappings): string[] {
  return streams.map((stream) => `${stream}/${root}`);
}

/** What two domains have in common that probably belong together: a stream, or the root. */
function likeKeys({ streams, root }: DomainMappings): string[] {
  return [...streams.map((stream) => `stream ${stream}`), `root ${root}`];
}

/** Domains by the keys of a function, each given out once, the first of their order first. Time is linear in the keys. */
class Unpaired {
  readonly #taken: Set<number>;
  readonly #byKey = new Map<string, number[]>();

  /** @param taken - numbers of the domains that were given out, which several may share */
  constructor(domains: readonly DomainMappings[], keysOf: (domain: DomainMappings) => string[], taken: Set<number>) {
    this.#taken = taken;
    for (let number = domains.length - 1; number >= 0; number--) {
      for (const key of keysOf(domains[number] as DomainMappings)) {
        const found = this.#byKey.get(key);
        if (found === undefined) this.#byKey.set(key, [number]);
        else found.push(number);
      }
    }
  }

  /** Takes the number of the first domain with one of the keys. */
  take(keys: readonly string[]): number | undefined {
    const first = keys.reduce((least, key) => Math.min(least, this.#first(key)), Number.POSITIVE_INFINITY);
    if (first === Number.POSITIVE_INFINITY) return undefined;
    this.#taken.add(first);
    return first;
  }

  #first(key: string): number {
    const numbers = this.#byKey.get(key) ?? [];
    while (numbers.length > 0 && this.#taken.has(numbers.at(-1) as number)) numbers.pop();
    return numbers.at(-1) ?? Number.POSITIVE_INFINITY;
  }
}

/** Domains of two decodings that belong together: by a stream and the root, else by either of them. */
function pairs(a: Decoding, b: Decoding): [DomainMappings | undefined, DomainMappings | undefined][] {
  const taken = new Set<number>();
  const same = new Unpaired(b.domains, sameKeys, taken);
  const like = new Unpaired(b.domains, likeKeys, taken);
  const certain = a.domains.map((domain) => same.take(sameKeys(domain)));
  const only = a.domains.length === 1 && b.domains.length === 1;
  const matched = a.domains.map((domain, i): [DomainMappings, DomainMappings | undefined] => {
    const number = only ? 0 : (certain[i] ?? like.take(likeKeys(domain)));
    return [domain, number === undefined ? undefined : b.domains[number]];
  });
  if (only) return matched;
  const rest = b.domains.filter((_, number) => !taken.has(number));
  return [...matched, ...rest.map((domain): [undefined, DomainMappings] => [undefined, domain])];
}

/** Device structures that a dump does not hold: domains behind them are in neither list. */
function missingStructures(decoding: Decoding): RangeChange[] {
  return decoding.unknown
    .filter(({ domain }) => domain === undefined)
    .map(({ iova, bytes, why }) => ({
      kind: 'unknown',
      domain: why,
      iova,
      bytes,
      before: undefined,
      after: undefined,
    }));
}

/** Every range that differs between two decodings, or of which either does not hold the tables. */
export function diffDecodings(a: Decoding, b: Decoding): RangeChange[] {
  const missing = [...missingStructures(a), ...missingStructures(b)];
  const changes = pairs(a, b).flatMap(([before, after]) => {
    const names = [...new Set([before?.id, after?.id])].filter((name) => name !== undefined);
    const out = new Changes(names.join(' → '));
    const unknown = joined([...unknownSpans(a, before), ...unknownSpans(b, after)]);
    sweep(segments(before), segments(after), unknown, out);
    return out.list;
  });
  return [...changes, ...missing];
}

function sideJson(side: RangeSide | undefined): object | undefined {
  return side && { ...side, pa: hex(side.pa), leafBytes: hex(side.leafBytes) };
}

/** The data of the answer `iommu.diff`: at most `limit` ranges of each kind; `counts` count all. */
export function diffData(changes: readonly RangeChange[], limit: number = LISTED): object {
  const of = (kind: RangeChange['kind']) => changes.filter((change) => change.kind === kind);
  const rows = (kind: RangeChange['kind']) =>
    of(kind)
      .slice(0, limit)
      .map(({ domain, iova, bytes, before, after }) => ({
        domain,
        iova: hex(iova),
        bytes: hex(bytes),
        ...(before === undefined ? {} : { before: sideJson(before) }),
        ...(after === undefined ? {} : { after: sideJson(after) }),
      }));
  const kinds = ['added', 'removed', 'changed', 'unknown'] as const;
  const counts = Object.fromEntries(kinds.map((kind) => [kind, of(kind).length]));
  return { counts, ...Object.fromEntries(kinds.map((kind) => [kind, rows(kind)])) };
}
