/**
 * Finding stream table entries and context descriptors in memory (Arm IHI 0070, 3.3, 5.1 and 5.3).
 * @module
 */
import { bitsOf, readStructure, type StructureKind, type StructureReader } from '../bits.ts';
import { CD_BYTES } from './cd.ts';
import type { SmmuV3Setup } from './registers.ts';
import { STE_BYTES, type StreamTableEntry } from './ste.ts';

/** A structure that was found, or why it was not: `address` is where it was looked for. */
export type Lookup =
  | { readonly words: Uint32Array; readonly address: number }
  | { readonly why: 'outside-memory' | 'out-of-range' | 'invalid'; readonly address: number };

const L1_DESCRIPTOR_BYTES = 8;
/** L1ContextDescriptor: bytes (5.3); tables that S1Fmt 1 and 2 lead to, in descriptors. */
const L2_CONTEXTS: Readonly<Record<number, number>> = { 1: 64, 2: 1024 };

function fetch(reader: StructureReader, kind: StructureKind, address: number, bytes: number): Lookup {
  const words = readStructure(reader, kind, address, bytes);
  return words === undefined ? { why: 'outside-memory', address } : { words, address };
}

/** Level 1 stream table descriptor (5.1): Span is one more than log2 of the entries; 0 is invalid. */
export function level1Span(words: Uint32Array): { readonly entries: number; readonly table: number } {
  const span = bitsOf(words, 0, 5);
  const entries = span === 0 ? 0 : 2 ** (span - 1);
  const address = bitsOf(words, 6, 46) * 64;
  return { entries, table: address - (address % Math.max(64, entries * STE_BYTES)) };
}

/** The stream table entry of a stream. */
export function findSte(reader: StructureReader, setup: SmmuV3Setup, stream: number): Lookup {
  if (stream >= 2 ** setup.log2Size) return { why: 'out-of-range', address: setup.strtabBase };
  if (!setup.twoLevel) return fetch(reader, 'stream', setup.strtabBase + stream * STE_BYTES, STE_BYTES);
  const perTable = 2 ** setup.split;
  const at = setup.strtabBase + Math.floor(stream / perTable) * L1_DESCRIPTOR_BYTES;
  const level1 = fetch(reader, 'stream-directory', at, L1_DESCRIPTOR_BYTES);
  if (!('words' in level1)) return level1;
  const { entries, table } = level1Span(level1.words);
  const index = stream % perTable;
  if (index >= entries || entries > perTable) return { why: 'out-of-range', address: at };
  return fetch(reader, 'stream', table + index * STE_BYTES, STE_BYTES);
}

/** The context descriptor of a substream (0 where there is none). For a nested stream, `reader` reads through stage 2. */
export function findCd(reader: StructureReader, ste: StreamTableEntry, substream: number): Lookup {
  const base = ste.s1ContextPtr;
  if (substream >= 2 ** ste.s1CdMax) return { why: 'out-of-range', address: base };
  const perTable = ste.s1CdMax === 0 ? undefined : L2_CONTEXTS[ste.s1Fmt];
  if (ste.s1Fmt === 3 && ste.s1CdMax > 0) return { why: 'invalid', address: base };
  if (perTable === undefined) return fetch(reader, 'substream', base + substream * CD_BYTES, CD_BYTES);
  const at = base + Math.floor(substream / perTable) * L1_DESCRIPTOR_BYTES;
  const level1 = fetch(reader, 'substream-directory', at, L1_DESCRIPTOR_BYTES);
  if (!('words' in level1)) return level1;
  if (bitsOf(level1.words, 0, 1) === 0) return { why: 'out-of-range', address: at };
  const table = bitsOf(level1.words, 12, 40) * 4096;
  return fetch(reader, 'substream', table + (substream % perTable) * CD_BYTES, CD_BYTES);
}
