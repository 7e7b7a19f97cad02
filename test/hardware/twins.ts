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

interface ArmSetup {
  readonly stage: 1 | 2;
  readonly granuleBits: number;
  readonly inputBits: number;
  readonly start: number;
  readonly root: bigint;
  readonly oas: number;
  readonly fold: boolean;
  /** TCR.DS with a granule below 64 KiB. */
  readonly ds?: boolean;
}

function armRefusal(entry: bigint, level: number, { granuleBits, fold, ds }: ArmSetup): string | undefined {
  if (bit(entry, 0) === 0n) return 'never-mapped';
  if (bit(entry, 1) === 1n) return undefined;
  if (level === 3) return 'reserved-type';
  return level < (granuleBits === 12 || fold ? 1 : 2) - (ds === true ? 1 : 0) ? 'block-not-allowed' : undefined;
}

function armPerms(entry: bigint, stage: 1 | 2, above: bigint): string {
  if (stage === 2) {
    const read = bit(entry, 6) === 1n;
    return letters(read, bit(entry, 7) === 1n, read && bit(entry, 54) === 0n);
  }
  if (bit(entry, 6) === 0n || bit(above, 61) === 1n) return '';
  const write = bit(entry, 7) === 0n && bit(above, 62) === 0n;
  return letters(true, write, bit(entry, 54) === 0n && bit(above, 60) === 0n);
}

function armAddress(entry: bigint, low: number, { fold, ds }: ArmSetup): bigint {
  const upper = fold ? bits(entry, 15, 12) << 48n : ds === true ? bits(entry, 9, 8) << 50n : 0n;
  return (bits(entry, ds === true ? 49 : 47, low) << BigInt(low)) | upper;
}

/** VMSAv8-64 (DDI 0487 D8): one root below an input size. */
export function twinAarch64(memory: PagesReader, setup: ArmSetup, iova: bigint): TwinAnswer {
  const { stage, granuleBits: g, start, oas } = setup;
  let table = setup.root;
  let above = 0n;
  for (let level = start; ; level++) {
    const shift = g + (3 - level) * (g - 3);
    const top = level === start ? setup.inputBits - 1 : shift + g - 4;
    const entry = load(memory, table + bits(iova, top, shift) * 8n);
    if (entry === undefined) return 'table-outside-memory';
    const refusal = armRefusal(entry, level, setup);
    if (refusal !== undefined) return refusal;
    const leaf = level === 3 || bit(entry, 1) === 0n;
    const address = armAddress(entry, leaf ? shift : g, setup);
    if (address >> BigInt(oas) !== 0n) return 'output-too-large';
    if (leaf && bit(entry, 10) === 0n) return 'access-flag';
    if (leaf) return { pa: address + bits(iova, shift - 1, 0), perms: armPerms(entry, stage, above) };
    above |= entry;
    table = address;
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
      if (bit(entry, 11) + bit(entry, 62) > 0n) return 'reserved-bits';
      table = address;
      continue;
    }
    if (level > 3) return 'block-not-allowed';
    if (bits(address, shift - 1, 0) !== 0n) return 'misaligned-block';
    return { pa: address + bits(iova, shift - 1, 0), perms: letters(read, write, false) };
  }
}

function riscvRefusal(entry: bigint, level: number, oas: number): string | undefined {
  const [r, w, x] = [bit(entry, 1), bit(entry, 2), bit(entry, 3)];
  if (bit(entry, 0) === 0n) return 'never-mapped';
  if (w > r || bits(entry, 60, 54) !== 0n || bits(entry, 62, 61) === 3n) return 'reserved-bits';
  if (bits(entry, 53, 10) >> BigInt(oas - 12) !== 0n) return 'output-too-large';
  const napot = bit(entry, 63) === 1n;
  if (r + x > 0n) return napot && (level > 0 || bits(entry, 13, 10) !== 8n) ? 'reserved-bits' : undefined;
  const clear = bit(entry, 4) === 0n && bits(entry, 7, 6) === 0n && bits(entry, 63, 61) === 0n;
  return level === 0 || !clear ? 'reserved-bits' : undefined;
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
    const refusal = riscvRefusal(entry, level, setup.oas);
    if (refusal !== undefined) return refusal;
    const address = bits(entry, 53, 10) << 12n;
    const [r, w, x] = [bit(entry, 1) === 1n, bit(entry, 2) === 1n, bit(entry, 3) === 1n];
    if (r || x) return riscvLeaf(entry, address, shift, [r, w, x], iova);
    table = address;
  }
}

function riscvLeaf(
  entry: bigint,
  address: bigint,
  shift: number,
  [r, w, x]: readonly [boolean, boolean, boolean],
  iova: bigint,
): TwinAnswer {
  const napot = bit(entry, 63) === 1n;
  if (!napot && bits(address, shift - 1, 0) !== 0n) return 'misaligned-block';
  if (bit(entry, 6) === 0n) return 'access-flag';
  const span = napot ? 16 : shift;
  const base = (address >> BigInt(span)) << BigInt(span);
  const user = bit(entry, 4) === 1n;
  return { pa: base + bits(iova, span - 1, 0), perms: letters(user && r, user && w, user && x) };
}

/** log2 of an AMD leaf's size, or why it is none. */
function amdLeafBits(address: bigint, sized: boolean, shift: number): number | string {
  if (!sized) return bits(address, shift - 1, 0) === 0n ? shift : 'misaligned-block';
  let size = 13;
  while (bit(address, size - 1) === 1n) size++;
  return size <= shift || size >= Math.min(64, shift + 9) ? 'reserved-bits' : size;
}

/** AMD version 1 (48882 2.2.3). */
export function twinAmd(memory: PagesReader, setup: { root: bigint; levels: number }, iova: bigint): TwinAnswer {
  let table = setup.root;
  let level = setup.levels;
  let all = ~0n;
  for (;;) {
    const shift = 12 + 9 * (level - 1);
    const entry = load(memory, table + bits(iova, Math.min(63, shift + 8), shift) * 8n);
    if (entry === undefined) return 'table-outside-memory';
    if (bit(entry, 0) === 0n) return 'never-mapped';
    all &= entry;
    const address = bits(entry, 51, 12) << 12n;
    const next = Number(bits(entry, 11, 9));
    if (next === 0 || next === 7) {
      const size = amdLeafBits(address, next === 7, shift);
      if (typeof size === 'string') return size;
      const base = (address >> BigInt(size)) << BigInt(size);
      return { pa: base + bits(iova, size - 1, 0), perms: letters(bit(all, 61) === 1n, bit(all, 62) === 1n, false) };
    }
    if (next >= level) return 'reserved-bits';
    if (bits(iova, shift - 1, 0) >> BigInt(12 + 9 * next) !== 0n) return 'skipped-bits-set';
    table = address;
    level = next;
  }
}
