/**
 * The registers of an SMMUv2 as words: where pages and context banks lie, what identification says, what has no meaning.
 * @module
 */
import { CB, GR0, GR1, SCR0 } from './registers.ts';

/** Shape of the register space. */
export interface RegisterLayout {
  /** Bytes of a register page. */
  readonly page: number;
  /** First page of the context banks. */
  readonly bankPage: number;
  readonly banks: number;
  /** Stream-match groups. */
  readonly groups: number;
  /** Output address bits. */
  readonly oas: number;
}

const ALL_ONES = 0xffff_ffff;
const WIDTHS = [32, 36, 40, 42, 44, 48];

const GLOBAL_REGISTERS: ReadonlySet<number> = new Set(
  Object.values(GR0).flatMap((at) => (at === GR0.sGFAR ? [at, at + 4] : [at])),
);
const WIDE = [CB.TTBR0, CB.TTBR1, CB.PAR, CB.FAR, CB.IPAFAR];
const BANK_REGISTERS: ReadonlySet<number> = new Set<number>([...Object.values(CB), ...WIDE.map((at) => at + 4)]);

/** Registers by byte offset. */
export class RegisterFile {
  /** Offsets written or read that have no meaning here, with how often. */
  readonly unknown: Map<number, number> = new Map();
  readonly #layout: RegisterLayout;
  readonly #words = new Map<number, number>();

  constructor(layout: RegisterLayout) {
    this.#layout = layout;
  }

  /** The context bank that an offset belongs to, if one, and the register in it. */
  place(offset: number): { readonly bank: number | undefined; readonly register: number } {
    const { page, bankPage } = this.#layout;
    const bank = Math.floor(offset / page) - bankPage;
    return bank < 0 ? { bank: undefined, register: offset } : { bank, register: offset % page };
  }

  /** Offset of a context bank. */
  bankOffset(bank: number): number {
    return (this.#layout.bankPage + bank) * this.#layout.page;
  }

  /** A register's value; 0 where nothing was written. */
  get(offset: number): number {
    return this.#words.get(offset) ?? 0;
  }

  /** As `get`, for a read from outside: one of a register without meaning is counted. */
  read(offset: number): number {
    const value = this.#words.get(offset);
    if (value === undefined && !this.#defined(offset)) this.count(offset);
    return value ?? 0;
  }

  /** Sets 32 bits. */
  set(offset: number, value: number): void {
    this.#words.set(offset, value >>> 0);
  }

  /** Sets 64 bits. */
  set64(offset: number, value: bigint): void {
    this.set(offset, Number(value & 0xffff_ffffn));
    this.set(offset + 4, Number((value >> 32n) & 0xffff_ffffn));
  }

  /** A write from outside: one of a register without meaning is counted. */
  store(offset: number, value: bigint, wide: boolean): void {
    if (!this.#defined(offset)) this.count(offset);
    if (wide) this.set64(offset, value);
    else this.set(offset, Number(value));
  }

  /** Write-one-to-clear. */
  clear(offset: number, value: bigint): void {
    this.set(offset, this.get(offset) & ~Number(value));
  }

  /** Counts an offset without meaning. */
  count(offset: number): void {
    this.unknown.set(offset, (this.unknown.get(offset) ?? 0) + 1);
  }

  /** Identification, as Linux probes it: stages 1, 2 and nested, stream matching, all formats (9.6.1 and following). */
  reset(): void {
    const { page, bankPage, banks, groups, oas } = this.#layout;
    this.#words.clear();
    this.set(GR0.sCR0, SCR0.CLIENTPD);
    this.set(GR0.sIDR0, 0x7c00_0000 | (1 << 14) | groups);
    const log2Pages = Math.max(0, Math.ceil(Math.log2(bankPage)) - 1);
    this.set(GR0.sIDR1, (page === 65536 ? ALL_ONES << 31 : 0) | (log2Pages << 28) | banks);
    const size = WIDTHS.indexOf(oas);
    this.set(GR0.sIDR2, (7 << 12) | (5 << 8) | ((size < 0 ? 5 : size) << 4) | (size < 0 ? 5 : size));
    this.set(GR0.sIDR7, 0x20);
  }

  #defined(offset: number): boolean {
    const { page, banks, groups } = this.#layout;
    const { bank, register } = this.place(offset);
    if (bank !== undefined) return bank < banks && BANK_REGISTERS.has(register - (register % 4));
    if (offset < page) {
      const group = offset >= GR0.S2CR ? offset - GR0.S2CR : offset - GR0.SMR;
      return GLOBAL_REGISTERS.has(offset) || (group >= 0 && group < 4 * groups);
    }
    const inside = (offset - page) % GR1.CBFRSYNRA;
    return offset - page < GR1.CBA2R + 0x400 && inside < 4 * banks;
  }
}
