/**
 * AMD I/O page tables, version 1: up to six levels, levels may be skipped, a leaf may have any power-of-two size
 * (AMD 48882, 2.2.3).
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
import type { Reason } from './types.ts';

const PAGE_BITS = 12;
const INDEX_BITS = 9;
const INPUT_BITS = 64;
// 48882 2.2.3, page table entries: low word
const PRESENT = 1;
const ACCESSED = 1 << 5;
const DIRTY = 1 << 6;
const NEXT_LEVEL_AT = 9;
// the same, high word
const FORCE_COHERENT = 1 << (60 - 32);
const READ = 1 << (61 - 32);
const WRITE = 1 << (62 - 32);
/** NextLevel of a leaf whose size stands in its address. */
const SIZED_LEAF = 7;

const RESERVED = kindOf('reserved-bits');
const TOO_LARGE = kindOf('output-too-large');
const MISALIGNED = kindOf('misaligned-block');

/** What a device table entry says of the tables. */
export interface AmdConfig {
  readonly root: number;
  /** Mode: levels, 1 to 6. */
  readonly levels: number;
  readonly oas: number;
  /** IR and IW of the device table entry; allowed unless given. */
  readonly read?: boolean;
  readonly write?: boolean;
  /** Address bit that marks encrypted memory (the C-bit of SME), as a power of two: it is no part of an address. */
  readonly encryption?: number;
}

function amdLevels(count: number): Level[] {
  const levels: Level[] = [];
  for (let level = count; level >= 1; level--) {
    const shift = PAGE_BITS + (level - 1) * INDEX_BITS;
    levels.push({ level, unit: pow2(shift), entries: pow2(Math.min(INDEX_BITS, INPUT_BITS - shift)) });
  }
  return levels;
}

/** Bits 51:32 of an address field, without the bit that marks encrypted memory. */
export function addressHigh(encryption: number | undefined): number {
  return encryption === undefined ? 0xf_ffff : 0xf_ffff & ~(encryption / pow2(32));
}

/** Bytes that the address of a sized leaf encodes: the ones from bit 12 up, and one bit more (2.2.3, table 14). */
function encodedSize(address: number): number {
  let bits = PAGE_BITS + 1;
  let rest = Math.floor(address / pow2(PAGE_BITS));
  while (rest % 2 === 1) {
    rest = (rest - 1) / 2;
    bits++;
  }
  return pow2(bits);
}

/** The event that an AMD unit logs for a walk that ends so (2.5.3, 2.5.5). */
export function amdSyndrome(reason: Reason): string {
  return reason === 'table-outside-memory' ? 'PAGE_TAB_HARDWARE_ERROR (event 4)' : 'IO_PAGE_FAULT (event 2)';
}

class AmdDescriptors implements Descriptors {
  readonly family = 'amd-v1';
  readonly statusBits: number = ACCESSED | DIRTY;
  readonly stage = 2;
  readonly entryBytes = 8;
  readonly levels: readonly Level[];
  readonly #limit: number;
  readonly #denied: number;
  readonly #count: number;
  readonly #addressHigh: number;
  readonly #addressBits: readonly AddressBits[];

  constructor(config: AmdConfig) {
    this.levels = amdLevels(config.levels);
    this.#count = config.levels;
    this.#limit = pow2(config.oas);
    this.#addressHigh = addressHigh(config.encryption);
    this.#addressBits = addressBitsOf(this.levels, { lo: 0xffff_f000, hi: this.#addressHigh }, this.#limit);
    this.#denied = (config.read === false ? ATTR.read : 0) | (config.write === false ? ATTR.write : 0);
  }

  kind(lo: number, hi: number, depth: number): number {
    if ((lo & PRESENT) === 0) return KIND.invalid;
    const level = this.#count - depth;
    const next = (lo >>> NEXT_LEVEL_AT) & 7;
    const held = this.table(lo, hi);
    if (held >= this.#limit) return TOO_LARGE;
    if (next === 0) return held % this.span(lo, hi, depth) === 0 ? KIND.leaf : MISALIGNED;
    if (next !== SIZED_LEAF) return next < level ? KIND.table : RESERVED;
    const size = encodedSize(held);
    const unit = this.levels[depth]?.unit ?? 0;
    return size > unit && size < unit * (this.levels[depth]?.entries ?? 0) ? KIND.leaf : RESERVED;
  }

  table(lo: number, hi: number): number {
    return (hi & this.#addressHigh) * 0x1_0000_0000 + ((lo & 0xffff_f000) >>> 0);
  }

  next(lo: number): number {
    return this.#count - ((lo >>> NEXT_LEVEL_AT) & 7);
  }

  output(lo: number, hi: number, depth: number): number {
    const held = this.table(lo, hi);
    return held - (held % this.span(lo, hi, depth));
  }

  addressBits(depth: number): AddressBits | undefined {
    return this.#addressBits[depth];
  }

  span(lo: number, hi: number, depth: number): number {
    if (((lo >>> NEXT_LEVEL_AT) & 7) === SIZED_LEAF) return encodedSize(this.table(lo, hi));
    return this.levels[depth]?.unit ?? pow2(PAGE_BITS);
  }

  inherit(_lo: number, hi: number, denied: number): number {
    return denied | (hi & READ ? 0 : ATTR.read) | (hi & WRITE ? 0 : ATTR.write);
  }

  attributes(lo: number, hi: number, _depth: number, denied: number): number {
    const bits = (ATTR.read | ATTR.write) & ~this.inherit(lo, hi, denied | this.#denied);
    return bits | (bits << 3) | (hi & FORCE_COHERENT ? 1 << TYPE_SHIFT : 0);
  }

  memoryType(code: number): string {
    return code === 1 ? 'coherent' : 'coherence per request';
  }

  fields(lo: number, hi: number): Record<string, string | number> {
    const bits = { PR: lo & 1, A: (lo >>> 5) & 1, D: (lo >>> 6) & 1, NextLevel: (lo >>> NEXT_LEVEL_AT) & 7 };
    return { ...bits, U: (hi >>> 27) & 1, FC: (hi >>> 28) & 1, IR: (hi >>> 29) & 1, IW: (hi >>> 30) & 1 };
  }

  offences(): readonly string[] {
    return [];
  }

  syndrome(reason: Reason): string {
    return amdSyndrome(reason);
  }
}

/** AMD version 1 tables. */
export function amdV1(config: AmdConfig): Regime {
  const bits = Math.min(INPUT_BITS, PAGE_BITS + config.levels * INDEX_BITS);
  const legal = config.levels >= 1 && config.levels <= 6;
  const descriptors = new AmdDescriptors(config);
  const refused = legal ? {} : { refused: 'bad-geometry' as const };
  const region = {
    name: 'host page table root',
    base: 0n,
    size: pow2(bits),
    root: config.root,
    descriptors,
    ...refused,
  };
  return { regions: [region], summary: `amd v1, ${config.levels} levels, ${bits} bits` };
}
