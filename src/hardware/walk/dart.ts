/**
 * Apple DART tables: up to four roots, two (later three) levels of pages of 4 KiB or 16 KiB. Apple publishes no
 * specification; facts from Linux's apple-dart and io-pgtable-dart.
 * @module
 */
import { pow2 } from '../../address.ts';
import {
  type AddressBits,
  ATTR,
  addressBitsOf,
  type Descriptors,
  KIND,
  kindOf,
  type Level,
  type Regime,
  TYPE_SHIFT,
} from './regime.ts';
import { faultClass, type Reason } from './types.ts';

const VALID = 1;
const TOO_LARGE = kindOf('output-too-large');
const MISALIGNED = kindOf('misaligned-block');

interface Encoding {
  readonly noWrite: number;
  readonly noRead: number;
  /** SP_DIS: the whole page is meant whatever the sub-page fields say. */
  readonly wholePage: number;
  readonly noCache: number;
  readonly addressLow: number;
  readonly addressHigh: number;
  readonly scale: number;
}

/** Entries of T8020 and T6000 DARTs. */
const ENCODINGS: Readonly<Record<1 | 2, Encoding>> = {
  1: { noWrite: 1 << 7, noRead: 1 << 8, wholePage: 2, noCache: 0, addressLow: 0xffff_f000, addressHigh: 0xf, scale: 1 },
  2: { noWrite: 4, noRead: 8, wholePage: 0, noCache: 2, addressLow: 0xffff_fc00, addressHigh: 0x3f, scale: 16 },
};

/** What a stream's TTBRs and the unit's parameters say. */
export interface DartConfig {
  readonly roots: readonly number[];
  /** Encoding of entries: 1 (36 output bits) or 2 (42). */
  readonly encoding: 1 | 2;
  readonly granule: 4096 | 16384;
  readonly ias?: number;
  readonly oas?: number;
  /** Levels below the roots: 2 unless given. */
  readonly levels?: 2 | 3;
}

class DartDescriptors implements Descriptors {
  readonly family: string;
  readonly stage = 1;
  readonly entryBytes = 8;
  readonly levels: readonly Level[];
  readonly #e: Encoding;
  readonly #granule: number;
  readonly #limit: number;
  readonly #addressBits: readonly AddressBits[];

  constructor(config: DartConfig, count: number) {
    this.family = `dart${config.encoding}`;
    this.#e = ENCODINGS[config.encoding];
    this.#granule = config.granule;
    this.#limit = pow2(config.oas ?? (config.encoding === 1 ? 36 : 42));
    const bits = Math.log2(config.granule) - 3;
    this.levels = Array.from({ length: count }, (_, depth) => ({
      level: depth + 1,
      unit: config.granule * pow2(bits * (count - 1 - depth)),
      entries: pow2(bits),
    }));
    const { addressLow: lo, addressHigh: hi, scale } = this.#e;
    this.#addressBits = addressBitsOf(this.levels, { lo, hi }, this.#limit, scale);
  }

  kind(lo: number, hi: number, depth: number): number {
    if ((lo & VALID) === 0) return KIND.invalid;
    const address = this.table(lo, hi);
    if (address >= this.#limit) return TOO_LARGE;
    if (address % this.#granule !== 0) return MISALIGNED;
    return depth === this.levels.length - 1 ? KIND.leaf : KIND.table;
  }

  table(lo: number, hi: number): number {
    return ((hi & this.#e.addressHigh) * pow2(32) + ((lo & this.#e.addressLow) >>> 0)) * this.#e.scale;
  }

  output(lo: number, hi: number): number {
    return this.table(lo, hi);
  }

  addressBits(depth: number): AddressBits | undefined {
    return this.#addressBits[depth];
  }

  span(): number {
    return this.#granule;
  }

  inherit(_lo: number, _hi: number, denied: number): number {
    return denied;
  }

  attributes(lo: number): number {
    const bits = (lo & this.#e.noRead ? 0 : ATTR.read) | (lo & this.#e.noWrite ? 0 : ATTR.write);
    return bits | (bits << 3) | (lo & this.#e.noCache ? 1 << TYPE_SHIFT : 0);
  }

  memoryType(code: number): string {
    return code === 1 ? 'not cached' : 'cached';
  }

  fields(lo: number, hi: number, depth: number): Record<string, string | number> {
    if (this.kind(lo, hi, depth) === KIND.table) return {};
    const bits = { NO_READ: lo & this.#e.noRead ? 1 : 0, NO_WRITE: lo & this.#e.noWrite ? 1 : 0 };
    return { ...bits, SUBPAGE_START: hi >>> 20, SUBPAGE_END: (hi >>> 8) & 0xfff };
  }

  offences(lo: number, hi: number, depth: number): readonly string[] {
    const leaf = this.kind(lo, hi, depth) === KIND.leaf;
    const part = hi >>> 20 !== 0 || ((hi >>> 8) & 0xfff) !== 0xfff;
    return leaf && part && (lo & this.#e.wholePage) === 0 ? ['partial-page'] : [];
  }

  syndrome(reason: Reason, level: number): string {
    if (faultClass(reason) === 'permission') return reason === 'permission-write' ? 'WRITE_FAULT' : 'READ_FAULT';
    if (reason === 'input-outside-region') return 'NO_TTBR';
    return level === 1 ? 'NO_PMD' : 'NO_PTE';
  }
}

/** DART tables, a region for each root. */
export function dart(config: DartConfig): Regime {
  const count = config.levels ?? 2;
  const bits = Math.log2(config.granule) + count * (Math.log2(config.granule) - 3);
  const descriptors = new DartDescriptors(config, count);
  const ias = config.ias ?? bits + Math.log2(config.roots.length);
  const regions = config.roots.map((root, i) => ({
    name: `TTBR${i}`,
    base: BigInt(i) << BigInt(bits),
    size: pow2(Math.min(bits, ias)),
    root,
    descriptors,
  }));
  return {
    regions,
    summary: `dart${config.encoding}, ${config.granule / 1024}K, ${ias} bits, ${config.roots.length} roots`,
  };
}
