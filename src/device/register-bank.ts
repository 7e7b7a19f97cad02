/**
 * Registers of a unit as words by offset, with their names.
 * @module
 */
import type { Registers } from '../hardware/bits.ts';

/** Offsets that are read at each command lie below this. */
const NEAR_BYTES = 0x2400;

function isNear(offset: number): boolean {
  return offset >= 0 && offset < NEAR_BYTES && (offset & 3) === 0;
}

/** The words behind a register port. What they mean is the unit's. */
export class RegisterBank {
  /** Offsets read or written that have no name here, with how often. */
  readonly unknown: Map<number, number> = new Map();
  readonly #offsets: Readonly<Record<string, number>>;
  readonly #wide: ReadonlySet<string>;
  readonly #known: Set<number> = new Set();
  /** Words below {@link NEAR_BYTES}, and all others by offset. */
  readonly #near: Uint32Array = new Uint32Array(NEAR_BYTES / 4);
  readonly #far: Map<number, number> = new Map();

  /** @param offsets by name; @param wide names of those of 64 bits */
  constructor(offsets: Readonly<Record<string, number>>, wide: readonly string[]) {
    this.#offsets = offsets;
    this.#wide = new Set(wide);
    for (const [name, offset] of Object.entries(offsets)) {
      this.#known.add(offset);
      if (this.#wide.has(name)) this.#known.add(offset + 4);
    }
  }

  /** A word; 0 where nothing was written. */
  get(offset: number): number {
    return isNear(offset) ? (this.#near[offset >>> 2] as number) : (this.#far.get(offset) ?? 0);
  }

  /** As `get`, for an access from outside: an offset without a name is counted. */
  read(offset: number): number {
    this.#count(offset);
    return this.get(offset);
  }

  /** Sets a word. */
  set(offset: number, value: number): void {
    if (isNear(offset)) this.#near[offset >>> 2] = value;
    else this.#far.set(offset, value >>> 0);
  }

  /** As `set`, for an access from outside. */
  write(offset: number, value: number): void {
    this.#count(offset);
    this.set(offset, value);
  }

  /** 64 bits. */
  get64(offset: number): bigint {
    return (BigInt(this.get(offset + 4)) << 32n) | BigInt(this.get(offset));
  }

  /** Sets 64 bits. */
  set64(offset: number, value: bigint): void {
    this.set(offset, Number(value & 0xffff_ffffn));
    this.set(offset + 4, Number((value >> 32n) & 0xffff_ffffn));
  }

  /** All registers by name, as the readers of `hardware` take them. */
  named(): Registers {
    const named = new Map<string, bigint>();
    for (const [name, offset] of Object.entries(this.#offsets)) {
      named.set(name, this.#wide.has(name) ? this.get64(offset) : BigInt(this.get(offset)));
    }
    return named;
  }

  #count(offset: number): void {
    if (!this.#known.has(offset)) this.unknown.set(offset, (this.unknown.get(offset) ?? 0) + 1);
  }
}
