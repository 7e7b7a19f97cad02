/**
 * Register files as JSON: `iommu`, `mmio_base`, `named` registers, words by offset, and the machine's memory.
 * @module
 */
import { hex } from '../address.ts';
import { checkText, InputError } from '../errors.ts';
import type { Extent, RegisterFile } from './types.ts';

/** Where the words of each page of registers start: SMMUv3 has a second page of 64 KiB (IHI 0070, 6.1). */
const PAGE_OFFSETS: Readonly<Record<string, number>> = { regs: 0, page0: 0, page1: 0x10000 };

/** Deepest nesting of arrays of registers that is followed. */
const DEEPEST = 4;

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toBits(value: unknown): bigint | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value !== 'string' || !/^(0x[0-9a-f]{1,16}|\d{1,19})$/i.test(value)) return undefined;
  return BigInt(value);
}

function toNumber(value: unknown): number | undefined {
  const bits = toBits(value);
  return bits === undefined || bits > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(bits);
}

function addNamed(named: Map<string, bigint>, name: string, value: unknown, source: string, depth = 0): void {
  if (Array.isArray(value) && depth < DEEPEST) {
    for (const [i, item] of value.entries()) addNamed(named, `${name}[${i}]`, item, source, depth + 1);
    return;
  }
  const bits = toBits(value);
  if (bits === undefined)
    throw new InputError('MALFORMED', source, `register ${name}: expected a 64-bit value, got something else`, {
      name,
    });
  named.set(name, bits);
}

function addWords(words: Map<number, number>, base: number, value: unknown, source: string): void {
  if (!isObject(value)) return;
  for (const [key, word] of Object.entries(value)) {
    const [offset, bits] = [toNumber(key), toNumber(word)];
    if (offset === undefined || bits === undefined || bits > 0xffffffff) {
      throw new InputError('MALFORMED', source, `expected a register offset with a 32-bit value, got '${key}'`, {
        offset: key,
      });
    }
    words.set(base + offset, bits);
  }
}

function toExtents(value: unknown, source: string): Extent[] {
  if (!Array.isArray(value)) return [];
  return value.map((entry: unknown) => {
    const [start, bytes] = isObject(entry) ? [toNumber(entry['pa']), toNumber(entry['size'])] : [];
    if (start !== undefined && bytes !== undefined) return { start, bytes };
    throw new InputError('MALFORMED', source, 'expected {"pa", "size"} in "ram", got another entry');
  });
}

/**
 * Reads a register file from JSON text.
 * @throws InputError `MALFORMED` naming what is wrong.
 */
export function parseRegisters(text: string, source = 'registers'): RegisterFile {
  checkText('text', text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InputError(
      'MALFORMED',
      source,
      `expected JSON, got other text: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
  return registersFromJson(value, source);
}

/**
 * Reads a register file from a value as JSON gives it.
 * @throws InputError `MALFORMED` naming what is wrong.
 */
export function registersFromJson(value: unknown, source: string): RegisterFile {
  if (!isObject(value) || typeof value['iommu'] !== 'string' || !isObject(value['named'])) {
    throw new InputError(
      'MALFORMED',
      source,
      'expected "iommu" (text) and "named" (registers by name), got JSON without them',
    );
  }
  const named = new Map<string, bigint>();
  for (const [name, bits] of Object.entries(value['named'])) addNamed(named, name, bits, source);
  const words = new Map<number, number>();
  for (const [key, base] of Object.entries(PAGE_OFFSETS)) addWords(words, base, value[key], source);
  const mmioBase = toNumber(value['mmio_base']);
  return { iommu: value['iommu'], mmioBase, named, words, ram: toExtents(value['ram'], source) };
}

/** The JSON value that {@link registersFromJson} reads back as the same register file. */
export function registersToJson(registers: RegisterFile): object {
  return {
    iommu: registers.iommu,
    ...(registers.mmioBase === undefined ? {} : { mmio_base: hex(registers.mmioBase) }),
    named: Object.fromEntries([...registers.named].map(([name, bits]) => [name, hex(bits)])),
    regs: Object.fromEntries([...registers.words].map(([offset, word]) => [hex(offset), hex(word)])),
    ram: registers.ram.map(({ start, bytes }) => ({ pa: hex(start), size: hex(bytes) })),
  };
}
