/**
 * Stream table entries and context descriptors of an SMMUv3 for a page table, and the order in which their words are written.
 * Arm IHI 0070, 5.2 (STE), 5.4 (CD), 3.21.3; Linux 6.12 writes an entry with the least disruption (`arm_smmu_write_entry`).
 * @module
 */
import type { Registers } from '../../formats/contract.ts';
import type { SharedPages } from '../queue/shared-pages.ts';

/** Words of 64 bits of an entry. */
export const ENTRY_WORDS = 8;
/** Bytes of an entry. */
export const ENTRY_BYTES = 64;

/** STE word 0 (5.2): V 0, Config 3:1. */
const STE = { v: 1n, abort: 0n, s1: 5n << 1n, s2: 6n << 1n, config: 7n << 1n } as const;
/** STE word 1: S1DSS 1:0 (SubstreamID 0), S1CIR 3:2, S1COR 5:4, S1CSH 7:6, EATS 29:28, STRW 31:30, SHCFG 45:44. */
const STE1 = {
  s1: 2n | (1n << 2n) | (1n << 4n) | (3n << 6n),
  ats: 1n << 28n,
  el2: 2n << 30n,
  sharing: 1n << 44n,
} as const;
/** STE word 2: S2VMID 15:0, VTCR 50:32, S2AA64 51, S2PTW 54, S2R 58. */
const STE2 = { vtcrShift: 32n, on: (1n << 51n) | (1n << 54n) | (1n << 58n) } as const;
/** CD word 0 (5.4): EPD1 30, V 31, IPS 34:32, AA64 41, HD 42, HA 43, R 45, A 46, ASET 47, ASID 63:48. */
const CD = {
  epd1: 1n << 30n,
  v: 1n << 31n,
  on: (1n << 41n) | (1n << 45n) | (1n << 46n) | (1n << 47n),
  dirty: 3n << 42n,
  asid: 48n,
} as const;
const CD_V_BYTE = 1n << 31n;

/** A whole entry; words that are not given are zero. */
export type Entry = readonly bigint[];

/** An entry under which every access is aborted. */
export const ABORT: Entry = [STE.v | STE.abort];
/** No context descriptor. */
export const NO_CD: Entry = [];

/** How a stream uses its tables. */
export interface StreamSetup {
  readonly ats: boolean;
  readonly e2h: boolean;
}

/** STE that points to a context descriptor. */
export function stage1Ste(cd: number, { ats, e2h }: StreamSetup): Entry {
  return [STE.v | STE.s1 | BigInt(cd), STE1.s1 | (ats ? STE1.ats : 0n) | (e2h ? STE1.el2 : 0n)];
}

/** STE with a second stage. */
export function stage2Ste(registers: Registers, vmid: number, { ats }: StreamSetup): Entry {
  const get = (name: string): bigint => registers[name] ?? 0n;
  const vtcr =
    (get('vtcr.tsz') & 0x3fn) |
    (get('vtcr.sl') << 6n) |
    (get('vtcr.irgn') << 8n) |
    (get('vtcr.orgn') << 10n) |
    (get('vtcr.sh') << 12n) |
    (get('vtcr.tg') << 14n) |
    (get('vtcr.ps') << 16n);
  const word2 = BigInt(vmid) | (vtcr << STE2.vtcrShift) | STE2.on;
  return [STE.v | STE.s2, STE1.sharing | (ats ? STE1.ats : 0n), word2, get('vttbr')];
}

/** Context descriptor of a first stage; `dirty`: the device marks what it writes. */
export function contextDescriptor(registers: Registers, asid: number, dirty: boolean): Entry {
  const get = (name: string): bigint => registers[name] ?? 0n;
  const tcr =
    (get('tcr.tsz') & 0x3fn) |
    (get('tcr.tg') << 6n) |
    (get('tcr.irgn') << 8n) |
    (get('tcr.orgn') << 10n) |
    (get('tcr.sh') << 12n) |
    (get('tcr.ips') << 32n);
  const word0 = tcr | CD.epd1 | CD.v | CD.on | (dirty ? CD.dirty : 0n) | (BigInt(asid) << CD.asid);
  return [word0, get('ttbr'), 0n, get('mair')];
}

/** Bits of an entry that the device looks at, word by word. */
export type UsedBits = (entry: Entry) => Entry;

const ALL = (1n << 64n) - 1n;

/** Bits of an STE that are used (5.2): only V where it is clear, only Config where it aborts. */
export const steUsed: UsedBits = ([word0 = 0n]) => {
  if ((word0 & STE.v) === 0n) return [STE.v];
  const config = word0 & STE.config;
  if (config === STE.s1) return [ALL, ALL, 0xffffn];
  return config === STE.s2 ? [STE.v | STE.config, ALL, ALL, ALL] : [STE.v | STE.config];
};

/** Bits of a CD that are used (5.4): only V where it is clear. */
export const cdUsed: UsedBits = ([word0 = 0n]) => ((word0 & CD.v) === 0n ? [CD_V_BYTE] : [ALL, ALL, 0n, ALL]);

/** Writes entries, invalidating what the device may have cached after each step. */
export class EntryWriter {
  readonly #pages: SharedPages;
  readonly #used: UsedBits;
  readonly #valid: bigint;

  /** @param valid bit of word 0 that makes the entry valid */
  constructor(pages: SharedPages, used: UsedBits, valid: bigint) {
    this.#pages = pages;
    this.#used = used;
    this.#valid = valid;
  }

  /** Writes all words at once, and nothing is invalidated. */
  fill(address: number, entry: Entry): void {
    for (let i = 0; i < ENTRY_WORDS; i++) this.#pages.write64(address + 8 * i, entry[i] ?? 0n);
  }

  /** Writes all words but the first, then the first: `invalidate` follows each (Linux 6.1). */
  fillLast(address: number, entry: Entry, invalidate: () => void): void {
    for (let i = 1; i < ENTRY_WORDS; i++) this.#pages.write64(address + 8 * i, entry[i] ?? 0n);
    invalidate();
    this.#pages.write64(address, entry[0] ?? 0n);
    invalidate();
  }

  /** Writes an entry with the least disruption (Linux 6.12); `invalidate` follows each step that changed something. */
  write(address: number, target: Entry, invalidate: () => void): void {
    const words = Array.from({ length: ENTRY_WORDS }, (_, i) => this.#pages.read64(address + 8 * i));
    const used = this.#used(words);
    const wanted = this.#used(target);
    const unused = words.map((word, i) => (word & (used[i] ?? 0n)) | ((target[i] ?? 0n) & ~(used[i] ?? 0n)));
    const critical = unused.flatMap((word, i) => ((word & (wanted[i] ?? 0n)) === (target[i] ?? 0n) ? [] : [i]));
    const [only] = critical;
    const full = Array.from({ length: ENTRY_WORDS }, (_, i) => target[i] ?? 0n);
    if (only === undefined) this.#step(address, full, 0, ENTRY_WORDS, invalidate);
    else if (critical.length === 1) {
      this.#step(address, unused.with(only, words[only] ?? 0n), 0, ENTRY_WORDS, invalidate);
      this.#step(address, full, only, 1, invalidate);
      this.#step(address, full, 0, ENTRY_WORDS, invalidate);
    } else {
      this.#step(address, [(words[0] ?? 0n) & ~this.#valid], 0, 1, invalidate);
      this.#step(address, full, 1, ENTRY_WORDS - 1, invalidate);
      this.#step(address, full, 0, 1, invalidate);
    }
  }

  #step(address: number, words: readonly bigint[], first: number, count: number, invalidate: () => void): void {
    let changed = false;
    for (let i = first; i < first + count; i++) {
      const word = words[i] ?? 0n;
      if (this.#pages.read64(address + 8 * i) === word) continue;
      this.#pages.write64(address + 8 * i, word);
      changed = true;
    }
    if (changed) invalidate();
  }
}
