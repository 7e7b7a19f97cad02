/**
 * VT-d paging structures: second stage with 3, 4 or 5 levels (Intel VT-d, 9.8), and first stage, the format of
 * processor page tables (9.7).
 * @module
 */
import { pow2 } from '../../address.ts';
import { type VtdMode, vtdFaultText, vtdWalkCode } from '../vt-d/faults.ts';
import { addressHigh } from './amd.ts';
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
import type { Access, Reason } from './types.ts';

/** Index bits of a table. */
const INDEX_BITS = 9;
const PAGE_BITS = 12;
const ENTRIES = 512;

// 9.8 second-stage paging entries, low word
const READ = 1;
const WRITE = 2;
const EXECUTE = 4;
const PAGE_SIZE = 1 << 7;
const SECOND_ACCESSED = 1 << 8;
const SECOND_DIRTY = 1 << 9;
const SNOOP = 1 << 11;
/** Transient mapping (TM), bit 62: in the high word. */
const TRANSIENT_HIGH = 1 << 30;
// 9.7 first-stage paging entries, low word; high word for XD
const PRESENT = 1;
const READ_WRITE = 2;
const USER = 4;
const FIRST_ACCESSED = 1 << 5;
const FIRST_DIRTY = 1 << 6;
const EXECUTE_DISABLE = 0x8000_0000;
/** PAT of a first-stage superpage: bit 12 is not an address bit. */
const FIRST_PAT = 1 << PAGE_BITS;

const RESERVED = kindOf('reserved-bits');
const BLOCK_NOT_ALLOWED = kindOf('block-not-allowed');
const TOO_LARGE = kindOf('output-too-large');
const MISALIGNED = kindOf('misaligned-block');

/** Geometry of VT-d tables. */
export interface VtdConfig {
  readonly root: number;
  /** 3, 4 or 5. */
  readonly levels: number;
  /** Address width that the hardware takes (MGAW), where smaller than the tables'. */
  readonly inputBits?: number;
  /** Host address width. */
  readonly oas: number;
  /** Superpages of 2 MiB and of 1 GiB are allowed. */
  readonly superpage2M: boolean;
  readonly superpage1G: boolean;
  /** Execute permission is looked at (second stage: SSEE; first stage: NXE). */
  readonly execute?: boolean;
  /** Address bit that marks encrypted memory (the C-bit of SME, in AMD's guest tables), as a power of two. */
  readonly encryption?: number;
  /** A second-stage leaf may have SNP (ECAP.SC) and TM (ECAP.DT); true unless given. */
  readonly snoop?: boolean;
  readonly transient?: boolean;
  /** Decides the fault reason codes. */
  readonly mode: VtdMode;
  /** Names faults where another unit than VT-d walks the format (AMD's guest tables). */
  readonly syndrome?: (reason: Reason) => string;
}

function vtdLevels(count: number): Level[] {
  const levels: Level[] = [];
  for (let level = count; level >= 1; level--) {
    levels.push({ level, unit: pow2(PAGE_BITS + (level - 1) * INDEX_BITS), entries: ENTRIES });
  }
  return levels;
}

abstract class VtdDescriptors implements Descriptors {
  abstract readonly family: string;
  abstract readonly stage: 1 | 2;
  abstract readonly statusBits: number;
  readonly entryBytes = 8;
  readonly levels: readonly Level[];
  protected readonly config: VtdConfig;
  readonly #limit: number;
  readonly #addressHigh: number;
  readonly #addressBits: readonly AddressBits[];

  constructor(config: VtdConfig) {
    this.config = config;
    this.#addressHigh = addressHigh(config.encryption);
    this.levels = vtdLevels(config.levels);
    this.#limit = pow2(config.oas);
    this.#addressBits = addressBitsOf(this.levels, { lo: 0xffff_f000, hi: this.#addressHigh }, this.#limit);
  }

  abstract present(lo: number): boolean;
  /** Whether bits are set that entries of this kind do not have. */
  abstract isReserved(lo: number, hi: number, leaf: boolean): boolean;
  abstract inherit(lo: number, hi: number, denied: number): number;
  abstract attributes(lo: number, hi: number, depth: number, denied: number): number;
  abstract fields(lo: number, hi: number, depth: number): Record<string, string | number>;

  kind(lo: number, hi: number, depth: number): number {
    if (!this.present(lo)) return KIND.invalid;
    const level = this.config.levels - depth;
    const held = this.table(lo, hi);
    if (held >= this.#limit) return TOO_LARGE;
    const leaf = level === 1 || (lo & PAGE_SIZE) !== 0;
    if (this.isReserved(lo, hi, leaf)) return RESERVED;
    if (level === 1) return KIND.leaf;
    if (!leaf) return KIND.table;
    const allowed = level === 2 ? this.config.superpage2M : level === 3 && this.config.superpage1G;
    if (!allowed) return BLOCK_NOT_ALLOWED;
    const pat = this.stage === 1 && lo & FIRST_PAT ? FIRST_PAT : 0;
    return held - pat === this.output(lo, hi, depth) ? KIND.leaf : MISALIGNED;
  }

  table(lo: number, hi: number): number {
    return (hi & this.#addressHigh) * 0x1_0000_0000 + ((lo & 0xffff_f000) >>> 0);
  }

  output(lo: number, hi: number, depth: number): number {
    const held = this.table(lo, hi);
    return held - (held % this.span(lo, hi, depth));
  }

  addressBits(depth: number): AddressBits | undefined {
    return this.#addressBits[depth];
  }

  span(_lo: number, _hi: number, depth: number): number {
    return this.levels[depth]?.unit ?? pow2(PAGE_BITS);
  }

  memoryType(code: number): string {
    return code === 1 ? 'snooped' : 'snoop per request';
  }

  offences(): readonly string[] {
    return [];
  }

  syndrome(reason: Reason, _level: number, access: Access): string {
    if (this.config.syndrome !== undefined) return this.config.syndrome(reason);
    return vtdFaultText(vtdWalkCode(reason, this.config.mode, access));
  }
}

class SecondStage extends VtdDescriptors {
  readonly family = 'vtd-second-stage';
  readonly stage = 2;
  readonly statusBits: number = SECOND_ACCESSED | SECOND_DIRTY;

  present(lo: number): boolean {
    return (lo & (this.config.execute === true ? READ | WRITE | EXECUTE : READ | WRITE)) !== 0;
  }

  /** 9.8: bits 11 and 62 are reserved in an entry that leads to a table, and in a leaf where ECAP lacks what they ask for. */
  isReserved(lo: number, hi: number, leaf: boolean): boolean {
    if ((lo & SNOOP) !== 0 && !(leaf && this.config.snoop !== false)) return true;
    return (hi & TRANSIENT_HIGH) !== 0 && !(leaf && this.config.transient !== false);
  }

  inherit(lo: number, _hi: number, denied: number): number {
    return denied | (~lo & 7);
  }

  attributes(lo: number, _hi: number, _depth: number, denied: number): number {
    const execute = this.config.execute === true ? EXECUTE : 0;
    const bits = lo & ~denied & (READ | WRITE | execute);
    return bits | (bits << 3) | (lo & SNOOP ? 1 << TYPE_SHIFT : 0);
  }

  fields(lo: number, hi: number, depth: number): Record<string, string | number> {
    const rights = { R: lo & 1, W: (lo >>> 1) & 1, X: (lo >>> 2) & 1 };
    if (this.kind(lo, hi, depth) === KIND.table) return rights;
    const leaf = {
      EMT: (lo >>> 3) & 7,
      IPAT: (lo >>> 6) & 1,
      PS: (lo >>> 7) & 1,
      A: (lo >>> 8) & 1,
      D: (lo >>> 9) & 1,
    };
    return { ...rights, ...leaf, SNP: (lo >>> 11) & 1 };
  }
}

/** What the tables above a first-stage leaf denied. */
const DENIED = { write: 2, execute: 4, user: 8 } as const;

class FirstStage extends VtdDescriptors {
  readonly family = 'vtd-first-stage';
  readonly stage = 1;
  readonly statusBits: number = FIRST_ACCESSED | FIRST_DIRTY;

  present(lo: number): boolean {
    return (lo & PRESENT) !== 0;
  }

  isReserved(): boolean {
    return false;
  }

  inherit(lo: number, hi: number, denied: number): number {
    return (
      denied |
      (lo & READ_WRITE ? 0 : DENIED.write) |
      (lo & USER ? 0 : DENIED.user) |
      (hi & EXECUTE_DISABLE && this.config.execute === true ? DENIED.execute : 0)
    );
  }

  attributes(lo: number, hi: number, _depth: number, denied: number): number {
    const all = this.inherit(lo, hi, denied);
    const bits = ATTR.read | (all & DENIED.write ? 0 : ATTR.write) | (all & DENIED.execute ? 0 : ATTR.execute);
    return (all & DENIED.user ? 0 : bits) | (bits << 3);
  }

  fields(lo: number, hi: number): Record<string, string | number> {
    const bits = { P: lo & 1, 'R/W': (lo >>> 1) & 1, 'U/S': (lo >>> 2) & 1, PWT: (lo >>> 3) & 1, PCD: (lo >>> 4) & 1 };
    return { ...bits, A: (lo >>> 5) & 1, D: (lo >>> 6) & 1, PS: (lo >>> 7) & 1, G: (lo >>> 8) & 1, XD: hi >>> 31 };
  }
}

function vtdRefused(config: VtdConfig): { refused: Reason } | object {
  if (config.levels < 3 || config.levels > 5) return { refused: 'bad-geometry' };
  return config.root >= pow2(config.oas) ? { refused: 'output-too-large' } : {};
}

/** Second-stage tables. */
export function vtdSecondStage(config: VtdConfig): Regime {
  const bits = PAGE_BITS + config.levels * INDEX_BITS;
  const size = pow2(Math.min(bits, config.inputBits ?? bits));
  const descriptors = new SecondStage(config);
  const region = { name: 'SSPTPTR', base: 0n, size, root: config.root, descriptors, ...vtdRefused(config) };
  return { regions: [region], summary: `vt-d second stage, ${config.levels} levels, ${bits} bits` };
}

/** First-stage tables: canonical addresses, so the upper half lies at the top of 64 bits. */
export function vtdFirstStage(config: VtdConfig): Regime {
  const bits = PAGE_BITS + config.levels * INDEX_BITS;
  const descriptors = new FirstStage(config);
  const shared = { root: config.root, descriptors, ...vtdRefused(config) };
  const lower = { name: 'FSPTPTR', base: 0n, size: pow2(bits - 1), ...shared };
  const base = (1n << 64n) - (1n << BigInt(bits));
  const upper = { name: 'FSPTPTR, upper half', base, from: pow2(bits - 1), size: pow2(bits), ...shared };
  return { regions: [lower, upper], summary: `vt-d first stage, ${config.levels} levels, ${bits} bits` };
}
