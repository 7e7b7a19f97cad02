/**
 * Slow plain twins of the walkers, written in bigint straight from the documents: read the entry, test its bits one by one.
 */
import type { PagesReader } from './memory.ts';

/** The output address and permissions of an input address, or a reason. */
export type TwinAnswer = { readonly pa: bigint; readonly perms: string } | string;

const bit = (value: bigint, at: number) => (value >> BigInt(at)) & 1n;
const bits = (value: bigint, high: number, low: number) =>
  (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);

function letters(read: boolean, write: boolean, execute: boolean): string {
  return `${read ? 'r' : ''}${write ? 'w' : ''}${execute ? 'x' : ''}`;
}

function load(memory: PagesReader, address: bigint): bigint | undefined {
  return memory.read64(Number(address));
}

/** VMSAv8-64 (DDI 0487 D8): one root below an input size. */
export function twinAarch64(
  memory: PagesReader,
  setup: {
    stage: 1 | 2;
    granuleBits: number;
    inputBits: number;
    start: number;
    root: bigint;
    oas: number;
    fold: boolean;
  },
  iova: bigint,
): TwinAnswer {
  const { stage, granuleBits: g, start, oas, fold } = setup;
  let table = setup.root;
  let [noUser, noWrite, noExecute] = [false, false, false];
  for (let level = start; ; level++) {
    const shift = g + (3 - level) * (g - 3);
    const top = level === start ? setup.inputBits - 1 : shift + g - 4;
    const entry = load(memory, table + bits(iova, top, shift) * 8n);
    if (entry === undefined) return 'table-outside-memory';
    if (bit(entry, 0) === 0n) return 'never-mapped';
    const leaf = level === 3 || bit(entry, 1) === 0n;
    if (level === 3 && bit(entry, 1) === 0n) return 'reserved-type';
    if (leaf && level < (g === 12 || fold ? 1 : 2)) return 'block-not-allowed';
    const low = leaf ? shift : g;
    let address = bits(entry, 47, low) << BigInt(low);
    if (fold) address |= bits(entry, 15, 12) << 48n;
    if (address >> BigInt(oas) !== 0n) return 'output-too-large';
    if (!leaf) {
      if (stage === 1) {
        noUser ||= bit(entry, 61) === 1n;
        noWrite ||= bit(entry, 62) === 1n;
        noExecute ||= bit(entry, 60) === 1n;
      }
      table = address;
      continue;
    }
    if (bit(entry, 10) === 0n) return 'access-flag';
    const pa = address + bits(iova, shift - 1, 0);
    if (stage === 2) {
      const read = bit(entry, 6) === 1n;
      return { pa, perms: letters(read, bit(entry, 7) === 1n, read && bit(entry, 54) === 0n) };
    }
    const user = bit(entry, 6) === 1n && !noUser;
    return {
      pa,
      perms: letters(user, user && bit(entry, 7) === 0n && !noWrite, user && bit(entry, 54) === 0n && !noExecute),
    };
  }
}

/** VT-d second stage (9.8), superpages of both sizes. */
export function twinVtd(memory: PagesReader, setup: { root: bigint; levels: number }, iova: bigint): TwinAnswer {
  let table = setup.root;
  let [read, write] = [true, true];
  for (let level = setup.levels; ; level--) {
    const shift = 12 + 9 * (level - 1);
    const entry = load(memory, table + bits(iova, shift + 8, shift) * 8n);
    if (entry === undefined) return 'table-outside-memory';
    if (bits(entry, 1, 0) === 0n) return 'never-mapped';
    read &&= bit(entry, 0) === 1n;
    write &&= bit(entry, 1) === 1n;
    const address = bits(entry, 51, 12) << 12n;
    const leaf = level === 1 || bit(entry, 7) === 1n;
    if (!leaf) {
      table = address;
      continue;
    }
    if (level > 3) return 'block-not-allowed';
    if (bits(address, shift - 1, 0) !== 0n) return 'misaligned-block';
    return { pa: address + bits(iova, shift - 1, 0), perms: letters(read, write, false) };
  }
}

/** Sv39, Sv48, Sv57 first stage with Svnapot and Svpbmt; A and D set by software. */
export function twinRiscv(
  memory: PagesReader,
  setup: { root: bigint; levels: number; oas: number },
  iova: bigint,
): TwinAnswer {
  let table = setup.root;
  for (let level = setup.levels - 1; ; level--) {
    const shift = 12 + 9 * level;
    const entry = load(memory, table + bits(iova, shift + 8, shift) * 8n);
    if (entry === undefined) return 'table-outside-memory';
    if (bit(entry, 0) === 0n) return 'never-mapped';
    const [r, w, x] = [bit(entry, 1) === 1n, bit(entry, 2) === 1n, bit(entry, 3) === 1n];
    if ((w && !r) || bits(entry, 60, 54) !== 0n || bits(entry, 62, 61) === 3n) return 'reserved-bits';
    const address = bits(entry, 53, 10) << 12n;
    if (address >> BigInt(Math.min(setup.oas, 53)) !== 0n) return 'output-too-large';
    if (!r && !x) {
      const clear = bit(entry, 4) === 0n && bits(entry, 7, 6) === 0n && bits(entry, 63, 61) === 0n;
      if (level === 0 || !clear) return 'reserved-bits';
      table = address;
      continue;
    }
    const napot = bit(entry, 63) === 1n;
    if (napot && (level > 0 || bits(entry, 13, 10) !== 8n)) return 'reserved-bits';
    const span = napot ? 16 : shift;
    if (!napot && bits(address, shift - 1, 0) !== 0n) return 'misaligned-block';
    const base = (address >> BigInt(span)) << BigInt(span);
    if (bit(entry, 6) === 0n) return 'access-flag';
    const user = bit(entry, 4) === 1n;
    return { pa: base + bits(iova, span - 1, 0), perms: letters(user && r, user && w, user && x) };
  }
}

/** AMD version 1 (48882 2.2.3). */
export function twinAmd(memory: PagesReader, setup: { root: bigint; levels: number }, iova: bigint): TwinAnswer {
  let table = setup.root;
  let level = setup.levels;
  let [read, write] = [true, true];
  for (;;) {
    const shift = 12 + 9 * (level - 1);
    const entry = load(memory, table + bits(iova, Math.min(63, shift + 8), shift) * 8n);
    if (entry === undefined) return 'table-outside-memory';
    if (bit(entry, 0) === 0n) return 'never-mapped';
    read &&= bit(entry, 61) === 1n;
    write &&= bit(entry, 62) === 1n;
    const address = bits(entry, 51, 12) << 12n;
    const next = Number(bits(entry, 11, 9));
    if (next !== 0 && next !== 7) {
      if (next >= level) return 'reserved-bits';
      if (bits(iova, shift - 1, 0) >> BigInt(12 + 9 * next) !== 0n) return 'skipped-bits-set';
      table = address;
      level = next;
      continue;
    }
    let size = shift;
    if (next === 7) {
      for (size = 13; bit(address, size - 1) === 1n; size++);
      if (size <= shift || size >= Math.min(64, shift + 9)) return 'reserved-bits';
    } else if (bits(address, shift - 1, 0) !== 0n) return 'misaligned-block';
    const base = (address >> BigInt(size)) << BigInt(size);
    return { pa: base + bits(iova, size - 1, 0), perms: letters(read, write, false) };
  }
}
