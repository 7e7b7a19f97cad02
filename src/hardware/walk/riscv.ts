/**
 * RISC-V page tables: Sv39, Sv48, Sv57 and their x4 forms for a second stage, with Svnapot and Svpbmt (RISC-V
 * privileged architecture, chapters 12 and 21; RISC-V IOMMU, 3.3).
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
import { type Access, faultClass, type Reason } from './types.ts';

const PAGE_BITS = 12;
const INDEX_BITS = 9;
/** The x4 forms have two bits more in the root. */
const EXTRA_BITS = 2;

// Sv39 (12.4.1) page table entry, low word
const V = 1;
const R = 2;
const W = 4;
const X = 8;
const U = 16;
const A = 64;
const D = 128;
// the same, high word: bits 60:54 reserved, PBMT 62:61, N 63
const RESERVED_HIGH = 0x1fc0_0000;
const SOFTWARE_HIGH = 0x1800_0000;
const N = 0x8000_0000;
/** PPN[3:0] of a 64 KiB NAPOT leaf, the one size that Svnapot defines. */
const NAPOT_64K = 0b1000;
const NAPOT_BYTES = 65536;
/** PPN, in bits 53:10, counts 4 KiB pages. */
const PPN_SCALE = 4;

const RESERVED = kindOf('reserved-bits');
const TOO_LARGE = kindOf('output-too-large');
const MISALIGNED = kindOf('misaligned-block');

/** What a device context says of one stage. */
export interface RiscvConfig {
  readonly root: number;
  /** 39, 48 or 57. */
  readonly bits: 39 | 48 | 57;
  readonly stage: 1 | 2;
  readonly oas: number;
  /** Hardware sets A and D (SADE, GADE); else a clear A, or D for a write, faults. */
  readonly hardwareAD?: boolean;
  /** Bits 62:61 hold a memory type (Svpbmt); else they are reserved. True unless given. */
  readonly svpbmt?: boolean;
  /** Bits 60:59 are for software (Svrsw60t59b); else they are reserved. */
  readonly softwareBits?: boolean;
  /** Privileged reads and writes of user pages are allowed (SUM of a process context). */
  readonly sum?: boolean;
}

const PBMT = ['PMA', 'NC', 'IO', 'reserved'];

class RiscvDescriptors implements Descriptors {
  readonly family = 'riscv';
  readonly stage: 1 | 2;
  readonly entryBytes = 8;
  readonly levels: readonly Level[];
  readonly statusBits: number;
  readonly #limit: number;
  readonly #hardwareAD: boolean;
  readonly #reserved: number;
  readonly #types: number;
  readonly #sum: boolean;
  readonly #addressBits: readonly AddressBits[];

  constructor(config: RiscvConfig) {
    this.stage = config.stage;
    this.#limit = pow2(config.oas);
    this.#hardwareAD = config.hardwareAD === true;
    this.statusBits = this.#hardwareAD ? A | D : 0;
    this.#reserved = config.softwareBits === true ? RESERVED_HIGH & ~SOFTWARE_HIGH : RESERVED_HIGH;
    this.#types = config.svpbmt === false ? 1 : 3;
    this.#sum = config.sum === true;
    const count = (config.bits - PAGE_BITS) / INDEX_BITS;
    this.levels = Array.from({ length: count }, (_, depth) => ({
      level: count - 1 - depth,
      unit: pow2(PAGE_BITS + (count - 1 - depth) * INDEX_BITS),
      entries: pow2(INDEX_BITS + (depth === 0 && config.stage === 2 ? EXTRA_BITS : 0)),
    }));
    this.#addressBits = addressBitsOf(this.levels, { lo: 0xffff_fc00, hi: 0x3f_ffff }, this.#limit, PPN_SCALE);
  }

  kind(lo: number, hi: number, depth: number): number {
    if ((lo & V) === 0) return KIND.invalid;
    if (hi & this.#reserved || (hi >>> 29) % 4 >= this.#types || (lo & (R | W)) === W) return RESERVED;
    const leaf = (lo & (R | X)) !== 0;
    const level = this.levels[depth]?.level ?? 0;
    const address = this.table(lo, hi);
    if (address >= this.#limit) return TOO_LARGE;
    if (!leaf) return level === 0 || hi & 0xe000_0000 || lo & (U | A | D) ? RESERVED : KIND.table;
    if (hi & N) return level === 0 && ((lo >>> 10) & 15) === NAPOT_64K ? KIND.leaf : RESERVED;
    return address % this.span(lo, hi, depth) === 0 ? KIND.leaf : MISALIGNED;
  }

  table(lo: number, hi: number): number {
    return ((hi & 0x3f_ffff) * 0x40_0000 + (lo >>> 10)) * pow2(PAGE_BITS);
  }

  output(lo: number, hi: number, depth: number): number {
    const address = this.table(lo, hi);
    return address - (address % this.span(lo, hi, depth));
  }

  addressBits(depth: number): AddressBits | undefined {
    return this.#addressBits[depth];
  }

  span(_lo: number, hi: number, depth: number): number {
    return hi & N ? NAPOT_BYTES : (this.levels[depth]?.unit ?? pow2(PAGE_BITS));
  }

  inherit(_lo: number, _hi: number, denied: number): number {
    return denied;
  }

  attributes(lo: number, hi: number): number {
    const bits = (lo & R ? ATTR.read : 0) | (lo & W ? ATTR.write : 0) | (lo & X ? ATTR.execute : 0);
    const flags = this.#hardwareAD ? 0 : (lo & A ? 0 : ATTR.accessFault) | (lo & D ? 0 : ATTR.dirtyFault);
    const type = ((hi >>> 29) & 3) << TYPE_SHIFT;
    const user = lo & U ? bits : 0;
    // A privileged request may not use a user page without SUM, and never execute it; a second stage needs U.
    const privileged = this.stage === 2 ? user : lo & U ? (this.#sum ? bits & ~ATTR.execute : 0) : bits;
    return user | (privileged << 3) | flags | type;
  }

  memoryType(code: number): string {
    return PBMT[code & 3] ?? 'PMA';
  }

  fields(lo: number, hi: number): Record<string, string | number> {
    const rights = { V: lo & 1, R: (lo >>> 1) & 1, W: (lo >>> 2) & 1, X: (lo >>> 3) & 1, U: (lo >>> 4) & 1 };
    return { ...rights, G: (lo >>> 5) & 1, A: (lo >>> 6) & 1, D: (lo >>> 7) & 1, PBMT: (hi >>> 29) & 3, N: hi >>> 31 };
  }

  offences(): readonly string[] {
    return [];
  }

  // RISC-V IOMMU 3.2, CAUSE: page faults 12, 13, 15; guest page faults 20, 21, 23; access faults 1, 5, 7
  syndrome(reason: Reason, _level: number, access: Access): string {
    const which = access.kind === 'execute' ? 0 : access.kind === 'read' ? 1 : 3;
    const word = ['Instruction', 'Read', '', 'Write/AMO'][which];
    if (faultClass(reason) === 'external-abort') return `${word} access fault (cause ${[1, 5, 0, 7][which]})`;
    const guest = this.stage === 2;
    return `${word} ${guest ? 'guest-page' : 'page'} fault (cause ${(guest ? 20 : 12) + which})`;
  }
}

/** One stage of RISC-V tables. First-stage input addresses are sign-extended. */
export function riscvTables(config: RiscvConfig): Regime {
  const descriptors = new RiscvDescriptors(config);
  const shared = { root: config.root, descriptors };
  const size = pow2(config.bits);
  const name = config.stage === 1 ? 'iosatp' : 'iohgatp';
  if (config.stage === 2) {
    const region = { name, base: 0n, size: size * pow2(EXTRA_BITS), ...shared };
    return { regions: [region], summary: `riscv Sv${config.bits}x4, second stage` };
  }
  const lower = { name, base: 0n, size: size / 2, ...shared };
  const base = (1n << 64n) - (1n << BigInt(config.bits));
  const upper = { name: `${name}, upper half`, base, from: size / 2, size, ...shared };
  return { regions: [lower, upper], summary: `riscv Sv${config.bits}, first stage` };
}
