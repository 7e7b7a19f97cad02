/**
 * Memory that is put together word by word from what a text prints; words that it does not print stay unknown.
 * @module
 */
import { InputError } from '../../errors.ts';
import { type KnownPage, mergeExtents, PAGE } from '../pages.ts';
import type { Extent } from '../types.ts';

/** Pages that a text may lead to: 256 MiB. */
const MOST_PAGES = 1 << 16;
const WORDS = PAGE / 8;
/** Bits 51:12 of an entry: an address (VT-d 9.1 to 9.8, AMD 48882 2.2.2). */
const ADDRESS = 0x000f_ffff_ffff_f000n;
/** Made pages lie this far behind everything that the text names. */
const GAP = 1n << 20n;
/** Where made pages lie if nothing is free behind what the text names. */
const FALLBACK = 1n << 40n;
const END = 1n << 52n;

interface TextPage {
  readonly words: BigUint64Array;
  /** 1 for a word that is known; `undefined` where all are. */
  known: Uint8Array | undefined;
}

/** The address that an entry holds. */
export function addressOf(entry: bigint): bigint {
  return entry & ADDRESS;
}

function knownParts(known: Uint8Array): (readonly [number, number])[] {
  const parts: (readonly [number, number])[] = [];
  for (let at = 0; at < WORDS; at++) {
    if (known[at] === 0) continue;
    const from = at;
    while (at < WORDS && known[at] === 1) at++;
    parts.push([from * 8, at * 8]);
  }
  return parts;
}

/** Pages by address. */
export class TextPages {
  readonly #name: string;
  readonly #pages = new Map<number, TextPage>();
  #highest = 0n;
  #next: bigint | undefined;

  /** `name` of the file is for messages. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Notes that the text speaks of an address, so that no made page lies there. */
  mention(address: bigint): void {
    if (address > this.#highest) this.#highest = address;
  }

  /** Sets a word and the address in it is mentioned. @throws InputError `TOO_LARGE`. */
  set64(address: bigint, value: bigint): void {
    const page = this.#page(address);
    const word = Number(address & 0xfffn) >> 3;
    page.words[word] = value;
    if (page.known !== undefined) page.known[word] = 1;
    this.mention(addressOf(value));
  }

  /** The word at an address, `undefined` where it is not known. */
  get64(address: bigint): bigint | undefined {
    const page = this.#pages.get(Number(address & ~0xfffn));
    const word = Number(address & 0xfffn) >> 3;
    return page === undefined || page.known?.[word] === 0 ? undefined : page.words[word];
  }

  /** Makes all of a page known: what the text does not print of it is zero. @throws InputError `TOO_LARGE`. */
  complete(address: bigint): void {
    this.#page(address).known = undefined;
  }

  /** The address of a page that the text does not speak of. */
  allocate(): bigint {
    let at = this.#next ?? addressOf(this.#highest) + GAP;
    if (at + (BigInt(MOST_PAGES) << 12n) > END) at = FALLBACK;
    while (this.#pages.has(Number(at))) at += BigInt(PAGE);
    this.#next = at + BigInt(PAGE);
    return at;
  }

  /** The page at a page-aligned address. */
  at(address: number): KnownPage | undefined {
    const page = this.#pages.get(address);
    return page && { bytes: new Uint8Array(page.words.buffer), known: page.known && knownParts(page.known) };
  }

  /** All pages, touching ones joined. */
  extents(): Extent[] {
    const starts = [...this.#pages.keys()].sort((a, b) => a - b);
    return mergeExtents(starts.map((start) => ({ start, bytes: PAGE })));
  }

  #page(address: bigint): TextPage {
    const at = Number(address & ~0xfffn);
    this.mention(BigInt(at));
    let page = this.#pages.get(at);
    if (page === undefined) {
      if (this.#pages.size >= MOST_PAGES) {
        throw new InputError('TOO_LARGE', this.#name, `expected entries in at most ${MOST_PAGES} pages, got more`);
      }
      page = { words: new BigUint64Array(WORDS), known: new Uint8Array(WORDS) };
      this.#pages.set(at, page);
    }
    return page;
  }
}
