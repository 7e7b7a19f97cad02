// Tables that are decoded once: contexts whose tables have one key read every entry alike.
import { describe, expect, it } from 'vitest';
import type { DomainTables } from '../../src/hardware/iommu.ts';
import { createModel } from '../../src/hardware/models.ts';
import { type Descriptors, KIND, type Regime, TYPE_SHIFT } from '../../src/hardware/walk/regime.ts';
import type { Setup } from './structure-bits.ts';
import { STRUCTURES } from './structure-rows.ts';

/** Entries of all kinds: each low bit and each high bit alone beside a leaf and a table of each family. */
const ENTRIES: readonly (readonly [lo: number, hi: number])[] = [
  0, 1, 3, 0x41, 0x83, 0x401, 0x743, 0xcf, 0x747,
].flatMap((low): [number, number][] =>
  Array.from({ length: 64 }, (_, bit) =>
    bit < 32 ? [(low ^ (1 << bit)) >>> 0, 0x6000_0000] : [low, (1 << (bit - 32)) >>> 0],
  ),
);

function readingOf(d: Descriptors, depth: number, lo: number, hi: number): unknown[] {
  const kind = d.kind(lo, hi, depth);
  if (kind === KIND.table) return [kind, d.table(lo, hi, depth), d.next?.(lo, hi, depth), d.inherit(lo, hi, 0)];
  if (kind !== KIND.leaf) return [kind];
  const attributes = [0, d.inherit(lo, hi, 0)].map((denied) => d.attributes(lo, hi, depth, denied));
  const types = attributes.map((word) => d.memoryType(word >>> TYPE_SHIFT));
  return [kind, d.output(lo, hi, depth), d.span(lo, hi, depth), attributes, types];
}

/** All that a regime makes of input addresses and entries. */
function regimeOf({ regions, ignoreTopByte }: Regime): unknown[] {
  // Of a half that is not walked, nothing is read
  const walked = regions.filter(({ refused }) => refused !== 'walk-disabled');
  const read = walked.map(({ base, from, size, root, refused, descriptors }) => [
    [base, from, size, root, refused, descriptors.family, descriptors.stage, descriptors.levels],
    refused === undefined
      ? descriptors.levels.map((_, depth) => ENTRIES.map(([lo, hi]) => readingOf(descriptors, depth, lo, hi)))
      : [],
  ]);
  return [ignoreTopByte, read];
}

function readingsOf({ regime, stage2 }: DomainTables): string {
  const all = [regimeOf(regime), stage2 === undefined ? [] : regimeOf(stage2)];
  return JSON.stringify(all, (_name, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

function tablesOf({ iommu, memory, named, stream, substream }: Setup): DomainTables | undefined {
  return createModel(iommu, memory, named)?.context(stream, substream).tables;
}

/** What a function gives while a bit of memory is flipped. */
function withFlipped<T>({ memory }: Setup, at: number, bit: number, of: () => T): T {
  const address = at + 4 * Math.floor(bit / 32);
  const word = memory.read32(address) ?? 0;
  memory.write32(address, (word ^ (1 << (bit % 32))) >>> 0);
  try {
    return of();
  } finally {
    memory.write32(address, word);
  }
}

const TRANSLATING = STRUCTURES.filter(({ setup }) => tablesOf(setup) !== undefined);

describe('tables with one key', () => {
  it.each(TRANSLATING)('are read alike, whatever bit differs: $name', ({ setup, targets }) => {
    const base = tablesOf(setup);
    if (base === undefined) throw new Error('expected tables');
    const wanted = readingsOf(base);
    let [same, other] = [0, 0];
    for (const { what, at, bits } of targets) {
      for (let bit = 0; typeof at === 'number' && bit < bits; bit++) {
        const tables = withFlipped(setup, at, bit, () => tablesOf(setup));
        if (tables?.key === base.key) {
          expect(readingsOf(tables) === wanted, `${what}, bit ${bit}`).toBe(true);
          same++;
        } else other++;
      }
    }
    expect([same > 0, other > 0]).toEqual([true, true]);
  });
});
