/**
 * Random histories of calls: drawn as small numbers, turned into calls that fit a geometry and meet each other often.
 * @module
 */
import fc from 'fast-check';
import type { Geometry } from '../formats/contract.ts';
import type { IntervalMap } from './interval-map.ts';
import { pageSizesOf } from './setup.ts';

/** One element of a list: physical address and bytes. */
export interface Element {
  readonly address: number;
  readonly length: number;
}

/** A call with concrete arguments; input addresses are offsets into the range. */
export type Call =
  | { readonly kind: 'map'; readonly offset: number; readonly pa: number; readonly bytes: number }
  | { readonly kind: 'mapSg'; readonly offset: number; readonly list: readonly Element[]; readonly bytes: number }
  | { readonly kind: 'unmap'; readonly offset: number; readonly bytes: number; readonly skip: boolean };

type Unmap = Extract<Call, { kind: 'unmap' }>;

/** A look at what calls left, or a device's write. */
export type Look =
  | { readonly kind: 'translate'; readonly offset: number; readonly pages: number }
  | { readonly kind: 'write'; readonly offset: number; readonly pages: number }
  | { readonly kind: 'dirty'; readonly offset: number; readonly pages: number; readonly clear: boolean };

/** What a step of a long history may be; a remap is an unmap, and a map of the same range to another place. */
export type StepKind = Call['kind'] | 'remap' | Look['kind'];

/** A call before it meets a geometry. */
export interface Draw<Kind extends StepKind = Call['kind']> {
  readonly kind: Kind;
  readonly place: number;
  readonly shift: number;
  readonly size: number;
  readonly pages: number;
  readonly target: number;
  readonly flag: boolean;
  readonly pieces: readonly (readonly [page: number, pages: number, cut: boolean])[];
}

/** Smallest pages of the largest page that a list is made for, and a list whose pieces come again and again. */
const MOST_LISTED = 2 ** 13;
const MOST_REPEATED = 2 ** 7;

/** How often the pieces of a long list come. */
const TIMES = 6;

const nat = (max: number): fc.Arbitrary<number> => fc.nat({ max });

/** Histories before they meet a geometry, of calls of these kinds. */
function historiesOf<Kind extends StepKind>(kinds: readonly Kind[], maxLength: number): fc.Arbitrary<Draw<Kind>[]> {
  return fc.array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      place: nat(5),
      shift: nat(40),
      size: nat(7),
      pages: nat(39),
      target: nat(9),
      flag: fc.boolean(),
      pieces: fc.array(fc.tuple(nat(60), nat(4), fc.boolean()), { minLength: 1, maxLength: 12 }),
    }),
    { minLength: 1, maxLength, size: 'max' },
  );
}

/** A history before it meets a geometry. */
export const draws: fc.Arbitrary<Draw[]> = historiesOf(['map', 'map', 'mapSg', 'unmap', 'unmap'], 24);

/** A long history with everything that a domain offers. */
export const steps: fc.Arbitrary<Draw<StepKind>[]> = historiesOf(
  ['map', 'map', 'mapSg', 'unmap', 'unmap', 'remap', 'translate', 'write', 'dirty'],
  64,
);

/** Turns draws into calls. What is unmapped is chosen among what `mapped` says is there. */
export class CallMaker {
  readonly #end: number;
  readonly #middle: number;
  readonly #outputEnd: number;
  readonly #sizes: readonly number[];
  readonly #bases: readonly number[];

  constructor(geometry: Geometry) {
    this.#end = 2 ** geometry.ias;
    this.#middle = this.#end / 2;
    this.#outputEnd = 2 ** geometry.oas;
    this.#sizes = pageSizesOf(geometry);
    const edges = geometry.levels.map((level) => 2 ** level.shift * level.runEntries);
    const inner = edges.filter((edge) => edge > 8 * this.#small && edge < this.#end);
    this.#bases = [0, ...inner.map((edge) => edge - 8 * this.#small), this.#end - 64 * this.#small];
  }

  get #small(): number {
    return this.#sizes[0] ?? 0;
  }

  /** The call for a draw, or undefined where it fits nowhere. */
  make(draw: Draw, mapped: IntervalMap): Call | undefined {
    if (draw.kind === 'unmap') return this.#unmap(draw, mapped);
    return draw.kind === 'map' ? this.#map(draw) : this.#mapSg(draw);
  }

  /** An unmap and a map of the same range to another place; nothing where nothing is mapped. */
  remap(draw: Draw<StepKind>, mapped: IntervalMap): Call[] {
    const unmap = this.#unmap(draw, mapped);
    if (unmap === undefined) return [];
    const { offset, bytes } = unmap;
    const far = draw.flag || bytes > 512 * this.#small;
    const pa = far ? this.#linedUp(offset, bytes, draw.target) : this.#output(draw.target, bytes);
    return pa + bytes > this.#outputEnd ? [unmap] : [unmap, { kind: 'map', offset, pa, bytes }];
  }

  /** A look around something that is mapped; undefined where nothing is. */
  look(draw: Draw<StepKind>, mapped: IntervalMap): Look | undefined {
    const found = this.#unmap(draw, mapped);
    if (found === undefined) return undefined;
    const { kind } = draw;
    if (kind === 'write') {
      return { kind, offset: found.offset, pages: Math.min(1 + (draw.pages % 8), found.bytes / this.#small) };
    }
    const half = found.offset < this.#middle ? 0 : this.#middle;
    const offset = Math.max(half, found.offset - draw.target * this.#small);
    const pages = Math.min(1 + found.bytes / this.#small, (half + this.#middle - offset) / this.#small);
    const most = Math.min(pages, draw.place % 2 === 0 ? 600 : 1 + draw.pages);
    return kind === 'dirty'
      ? { kind, offset, pages: most, clear: draw.flag }
      : { kind: 'translate', offset, pages: most };
  }

  #offset(draw: Draw<StepKind>, unit: number): number {
    const base = this.#bases[draw.place % this.#bases.length] ?? 0;
    return base - (base % unit) + draw.shift * unit;
  }

  #map(draw: Draw<StepKind>): Call | undefined {
    const size = this.#sizes[draw.size % this.#sizes.length] ?? 0;
    const unit = draw.flag ? size : this.#small;
    const offset = this.#offset(draw, unit);
    const bytes = unit * (1 + (draw.flag ? draw.pages % 4 : draw.pages));
    const pa = draw.flag ? this.#linedUp(offset, bytes, draw.target) : this.#output(draw.target, bytes);
    if (offset + bytes > this.#end || pa < 0 || pa + bytes > this.#outputEnd) return undefined;
    return { kind: 'map', offset, pa, bytes };
  }

  #linedUp(offset: number, bytes: number, target: number): number {
    const large = this.#sizes.at(-1) ?? 0;
    const wanted = this.#output(target, bytes);
    const pa = wanted - (wanted % large) + (offset % large);
    return pa + bytes <= this.#outputEnd ? pa : offset % large;
  }

  /** An output address of interest: near 0, around 2^32, 2^34 and 2^48, at the end. */
  #output(target: number, bytes: number): number {
    const small = this.#small;
    const near =
      [0, 2 ** 32 - 3 * small, 2 ** 48 - 2 * small, this.#outputEnd - bytes, 2 ** 34 - small][target % 5] ?? 0;
    const aligned = near - (near % small) + Math.floor(target / 5) * small;
    return aligned >= 0 && aligned + bytes <= this.#outputEnd ? aligned : target * small;
  }

  #mapSg(draw: Draw<StepKind>): Call | undefined {
    const offset = this.#offset(draw, this.#small);
    const list = draw.flag ? this.#linedUpList(draw, offset) : this.#scatteredList(draw);
    const bytes = list.reduce((sum, element) => sum + element.length, 0);
    const fits = list.every((e) => e.address + e.length <= this.#outputEnd);
    return bytes > 0 && fits && offset + bytes <= this.#end ? { kind: 'mapSg', offset, list, bytes } : undefined;
  }

  #scatteredList(draw: Draw<StepKind>): Element[] {
    const base = this.#output(draw.target, 70 * this.#small);
    const list: Element[] = [];
    for (const [page, pages, cut] of repeated(draw)) {
      const last = list.at(-1);
      const follows = last !== undefined && page % 2 === 0 && last.address + last.length < base + 60 * this.#small;
      const address = follows ? last.address + last.length : base + page * this.#small;
      list.push(...pieceOf(address, pages * this.#small, cut));
    }
    return list;
  }

  /** A list that holds larger pages behind and before small ones: it is lined up with the input, and rarely falls out of line. */
  #linedUpList(draw: Draw<StepKind>, offset: number): Element[] {
    const pieces = repeated(draw);
    const most = pieces.length > draw.pieces.length ? MOST_REPEATED : MOST_LISTED;
    const sizes = this.#sizes.filter((each) => each <= most * this.#small);
    const large = sizes[draw.size % sizes.length] ?? 0;
    let address = this.#linedUp(offset, 2 * pieces.length * large, draw.target);
    const list: Element[] = [];
    for (const [page, pages, cut] of pieces) {
      if (page % 5 === 1) address += large;
      if (page % 20 === 7) address += this.#small;
      const length = pages * this.#small + (page % 3 === 0 ? large : 0);
      list.push(...pieceOf(address, length, cut));
      address += length;
    }
    return list;
  }

  #unmap(draw: Draw<StepKind>, mapped: IntervalMap): Unmap | undefined {
    const ranges = mapped.merged();
    const range = ranges[draw.shift % Math.max(1, ranges.length)];
    if (range === undefined) return undefined;
    const pages = Number(range.end - range.start) / this.#small;
    const skipped = draw.place === 0 ? 0 : (draw.pages * draw.place * (1 + 37 * draw.size)) % pages;
    const offset = Number(range.start) + skipped * this.#small;
    const wanted = draw.size < 3 ? pages - skipped : 1 + ((draw.pages * draw.size) % 600);
    const bytes = Math.min(wanted * this.#small, this.#end - offset);
    return { kind: 'unmap', offset, bytes, skip: draw.flag };
  }
}

/**
 * The pieces of a list: once or several times, so that kernels take the list. One list of three has elements that end within a
 * page, which kernels do not take; one of five has pieces of one page each, which have a kernel of their own.
 */
function repeated({ pieces, size, shift }: Draw<StepKind>): Draw['pieces'] {
  const single = shift % 5 === 1;
  const cuts = shift % 3 === 0;
  const once = pieces.map(([page, pages, cut]) => [page, single ? 1 : pages, cut && cuts] as const);
  return size % 2 === 0 ? once : Array.from({ length: TIMES }, () => once).flat();
}

function pieceOf(address: number, length: number, cut: boolean): Element[] {
  if (!cut || length === 0) return [{ address, length }];
  const first = length / 2 + 123;
  return [
    { address, length: first },
    { address: address + first, length: length - first },
  ];
}
