/**
 * Mali GPU tables (Midgard and Bifrost, table mode): four levels of 4 KiB tables whose leaves have the same type at every
 * level. Arm publishes no specification; facts from Linux's panfrost driver and io-pgtable-arm.
 * @module
 */
import { pow2 } from '../../address.ts';
import { levelsFrom } from './aarch64.ts';
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

// entry types, bits 1:0
const LEAF = 1;
const TABLE = 3;
// leaf attributes, as stage 2 of VMSAv8-64
const READ = 1 << 6;
const WRITE = 1 << 7;
const EXECUTE_NEVER = 1 << (54 - 32);

const RESERVED_TYPE = kindOf('reserved-type');
const BLOCK_NOT_ALLOWED = kindOf('block-not-allowed');
const TOO_LARGE = kindOf('output-too-large');

/** Bits of an address field. */
const HIGH_MASK = 0xffff;
const OUTPUT_BITS = 40;

/** What TRANSTAB and MEMATTR say. */
export interface MaliConfig {
  readonly root: number;
  /** Input address bits, 48 unless given. */
  readonly ias?: number;
  readonly oas?: number;
  /** MEMATTR: a byte for each attribute index. */
  readonly memattr?: bigint;
}

/** Bytes of MEMATTR that have a meaning known here. */
const MEMATTR: ReadonlyMap<number, string> = new Map([
  [0x88, 'implementation default'],
  [0x8d, 'write-allocate'],
  [0x4c, 'non-cacheable'],
]);

const WORDS: Readonly<Record<string, string>> = {
  translation: 'TRANSLATION_FAULT',
  permission: 'PERMISSION_FAULT',
  'address-size': 'ADDRESS_SIZE_FAULT',
  'external-abort': 'TRANSTAB_BUS_FAULT',
};

class MaliDescriptors implements Descriptors {
  readonly family = 'mali';
  readonly stage = 1;
  readonly entryBytes = 8;
  readonly levels: readonly Level[];
  readonly #limit: number;
  readonly #addressBits: readonly AddressBits[];
  readonly #memattr: bigint | undefined;

  constructor(config: MaliConfig, ias: number) {
    this.levels = levelsFrom(4096, 0, Math.max(ias, 39));
    this.#limit = pow2(config.oas ?? OUTPUT_BITS);
    this.#addressBits = addressBitsOf(this.levels, { lo: 0xffff_f000, hi: HIGH_MASK }, this.#limit);
    this.#memattr = config.memattr;
  }

  kind(lo: number, hi: number, depth: number): number {
    const type = lo & 3;
    if (type === 0) return KIND.invalid;
    if (type === TABLE && depth < 3) return this.table(lo, hi) >= this.#limit ? TOO_LARGE : KIND.table;
    if (type !== LEAF) return RESERVED_TYPE;
    if (depth === 0) return BLOCK_NOT_ALLOWED;
    return this.output(lo, hi, depth) >= this.#limit ? TOO_LARGE : KIND.leaf;
  }

  table(lo: number, hi: number): number {
    return (hi & HIGH_MASK) * pow2(32) + ((lo & 0xffff_f000) >>> 0);
  }

  output(lo: number, hi: number, depth: number): number {
    const held = this.table(lo, hi);
    return held - (held % this.span(lo, hi, depth));
  }

  addressBits(depth: number): AddressBits | undefined {
    return this.#addressBits[depth];
  }

  span(_lo: number, _hi: number, depth: number): number {
    return this.levels[depth]?.unit ?? 4096;
  }

  inherit(_lo: number, _hi: number, denied: number): number {
    return denied;
  }

  attributes(lo: number, hi: number): number {
    const execute = hi & EXECUTE_NEVER ? 0 : ATTR.execute;
    const bits = (lo & READ ? ATTR.read : 0) | (lo & WRITE ? ATTR.write : 0) | execute;
    return bits | (bits << 3) | (((lo >>> 2) & 7) << TYPE_SHIFT);
  }

  memoryType(code: number): string {
    if (this.#memattr === undefined) return `AttrIndx ${code}`;
    const byte = Number((this.#memattr >> BigInt(code * 8)) & 0xffn);
    return MEMATTR.get(byte) ?? `attribute 0x${byte.toString(16)}`;
  }

  fields(lo: number, hi: number, depth: number): Record<string, string | number> {
    if (this.kind(lo, hi, depth) === KIND.table) return {};
    const bits = { AttrIndx: (lo >>> 2) & 7, READ: (lo >>> 6) & 1, WRITE: (lo >>> 7) & 1, SH: (lo >>> 8) & 3 };
    return { ...bits, XN: (hi >>> 21) & 3 };
  }

  offences(lo: number, hi: number, depth: number): readonly string[] {
    const leaf = this.kind(lo, hi, depth) === KIND.leaf;
    return leaf && this.table(lo, hi) !== this.output(lo, hi, depth) ? ['misaligned-block'] : [];
  }

  syndrome(reason: Reason, level: number): string {
    return `${WORDS[faultClass(reason)] ?? 'TRANSLATION_FAULT'}, level ${level}`;
  }
}

/** Mali tables. */
export function mali(config: MaliConfig): Regime {
  const ias = config.ias ?? 48;
  const descriptors = new MaliDescriptors(config, ias);
  const region = { name: 'TRANSTAB', base: 0n, size: pow2(ias), root: config.root - (config.root % 4096), descriptors };
  return { regions: [region], summary: `mali, ${ias} bits, output ${config.oas ?? OUTPUT_BITS} bits` };
}
