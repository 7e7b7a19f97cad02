/**
 * The streams of a stream table, for listings (Arm IHI 0070, 3.3, 5.1).
 * @module
 */
import { readWords, type StructureReader } from '../bits.ts';
import { addMissing, LISTING_LIMITS, type MissingPart } from '../iommu.ts';
import type { SmmuV3Setup } from './registers.ts';
import { STE_BYTES } from './ste.ts';
import { level1Span } from './stream-table.ts';

const PAGE = 4096;
/** Bytes of a level 1 stream table descriptor (5.1). */
const L1_BYTES = 8;

/**
 * Streams that may have an entry: those of the tables that are in memory. Adds to `missing` what is not, or is beyond the limits.
 */
export function* listedStreams(reader: StructureReader, setup: SmmuV3Setup, missing: MissingPart[]): Generator<number> {
  const { log2Size, twoLevel, split, strtabBase } = setup;
  const left = { entries: LISTING_LIMITS.entries };
  if (!twoLevel) {
    yield* present(reader, 0, 2 ** log2Size, strtabBase, missing, left);
    return;
  }
  const perTable = 2 ** split;
  const tables = 2 ** Math.max(0, log2Size - split);
  for (let i = 0; i < tables; i++) {
    const at = strtabBase + i * L1_BYTES;
    if (left.entries-- <= 0) return addMissing(missing, at, (tables - i) * L1_BYTES, 'stream table beyond the limit');
    const words = readWords(reader, at, L1_BYTES);
    if (words === undefined) {
      const rest = Math.min(PAGE - (at % PAGE), (tables - i) * L1_BYTES);
      addMissing(missing, at, rest, 'level 1 stream table');
      i += rest / L1_BYTES - 1;
    } else {
      const { entries, table } = level1Span(words);
      if (entries <= perTable) yield* present(reader, i * perTable, entries, table, missing, left);
    }
  }
}

function* present(
  reader: StructureReader,
  first: number,
  count: number,
  table: number,
  missing: MissingPart[],
  left: { entries: number },
): Generator<number> {
  for (let i = 0; i < count; i++) {
    const address = table + i * STE_BYTES;
    if (left.entries-- <= 0)
      return addMissing(missing, address, (count - i) * STE_BYTES, 'stream table beyond the limit');
    if (reader.read32(address) !== undefined) {
      yield first + i;
      continue;
    }
    const rest = Math.min(PAGE - (address % PAGE), (count - i) * STE_BYTES);
    addMissing(missing, address, rest, 'stream table');
    i += rest / STE_BYTES - 1;
  }
}
