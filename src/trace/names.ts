/**
 * Names as small numbers, looked up from bytes without making a string each time.
 * @module
 */

const DECODER = new TextDecoder('utf-8', { fatal: false });
const FIRST_SLOTS = 64;
/** Beyond so many different names, further ones share one id: a hostile file cannot grow the table for ever. */
const MAX_NAMES = 1 << 16;
const OTHERS = '(further names)';

/** FNV-1a over a stretch of bytes (offset basis and prime of its 32-bit form). */
function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash >>> 0;
}

/** Names that were given out from an id on; plain data. */
export interface NewNames {
  readonly first: number;
  /** UTF-8 bytes of each. */
  readonly names: readonly Uint8Array[];
  /** Whether further names share one id. */
  readonly full: boolean;
}

/** Gives each different name a number from 0 upwards. Names after the first 65,536 share one id. */
export class NameTable {
  readonly #texts: string[] = [];
  readonly #names: Uint8Array[] = [];
  #slots: Int32Array = new Int32Array(FIRST_SLOTS).fill(-1);

  /** How many names there are. */
  get size(): number {
    return this.#texts.length;
  }

  /** The name of an id; '' for −1 and for ids not given out. */
  text(id: number): string {
    return this.#texts[id] ?? '';
  }

  /** The id of a name given as UTF-8 bytes. */
  id(bytes: Uint8Array, start: number, end: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashBytes(bytes, start, end) & mask;
    for (;;) {
      const id = this.#slots[slot] as number;
      if (id < 0) return this.#add(bytes.slice(start, end), slot);
      if (this.#same(id, bytes, start, end)) return id;
      slot = (slot + 1) & mask;
    }
  }

  /** The id of a name given as text. */
  idOf(text: string): number {
    const bytes = new TextEncoder().encode(text);
    return this.id(bytes, 0, bytes.length);
  }

  /** The names from an id on, for a table of another thread. */
  since(first: number): NewNames {
    return { first, names: this.#names.slice(first), full: this.#texts.length > MAX_NAMES };
  }

  /**
   * Adds names that a table on another thread gave out, with the same ids.
   * @throws Error where this table did not have the same names before.
   */
  adopt({ first, names, full }: NewNames): void {
    for (const [index, name] of names.entries()) {
      const id = this.id(name, 0, name.length);
      if (id !== first + index) throw new Error(`name ${first + index} of another thread is name ${id} here`);
    }
    if (full && this.#texts.length === MAX_NAMES) this.#texts.push(OTHERS);
  }

  #same(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const name = this.#names[id] as Uint8Array;
    const length = end - start;
    if (name.length !== length) return false;
    for (let at = 0; at < length; at++) if (name[at] !== bytes[start + at]) return false;
    return true;
  }

  #add(name: Uint8Array, slot: number): number {
    const id = this.#texts.length;
    if (id > MAX_NAMES) return MAX_NAMES;
    if (id === MAX_NAMES) return this.#texts.push(OTHERS) - 1;
    this.#texts.push(DECODER.decode(name));
    this.#names.push(name);
    this.#slots[slot] = id;
    if (this.#texts.length * 2 > this.#slots.length) this.#grow();
    return id;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1);
    const mask = slots.length - 1;
    for (const [id, name] of this.#names.entries()) {
      let slot = hashBytes(name, 0, name.length) & mask;
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
  }
}
