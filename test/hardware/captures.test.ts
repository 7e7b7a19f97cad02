import { describe, expect, it } from 'vitest';
import { type Decoding, type DomainMappings, decodeDump } from '../../src/dump/decode.ts';
import { type Capture, captures, readCapture } from './captures.ts';

const hex = (value: number | bigint) => `0x${value.toString(16)}`;

function rows(domain: DomainMappings): string[] {
  const { leaves } = domain;
  if (leaves === undefined) return [];
  return Array.from({ length: leaves.length }, (_, i) => {
    const base = domain.tables.regime.regions[leaves.region[i] ?? 0]?.base ?? 0n;
    const entry = (BigInt(leaves.hi[i] ?? 0) << 32n) | BigInt(leaves.lo[i] ?? 0);
    const iova = base + BigInt(leaves.offset[i] ?? 0);
    return [
      hex(domain.root),
      hex(iova),
      hex(leaves.pa[i] ?? 0),
      hex(leaves.bytes[i] ?? 0),
      leaves.level[i],
      hex(entry),
    ].join(' ');
  });
}

/** Physical address of the root in a recorded leaf's `root`. */
function rootOf(root: readonly string[]): string {
  if (root[0] === 'fs') return hex(Number(root[1]) * 4096);
  return root[0]?.startsWith('0x') === true ? (root[0] ?? '') : (root[1] ?? '');
}

function recorded(capture: Capture): string[] {
  return capture.leaves.map((leaf) =>
    [rootOf(leaf.root), leaf.iova, leaf.pa, leaf.size, leaf.level, leaf.pte].join(' '),
  );
}

function expectTotals(decoding: Decoding, capture: Capture): void {
  const totals = decoding.domains.map((domain) => [
    hex(domain.root),
    domain.leafCount,
    domain.mappedBytes,
    Object.fromEntries([...domain.leafSizes].map(([size, count]) => [hex(size), count])),
  ]);
  const wanted = capture.expected.page_tables.map(
    (table: { key: string[]; leaves: number; bytes_mapped: number; by_size: object }) => [
      rootOf(table.key),
      table.leaves,
      table.bytes_mapped,
      table.by_size,
    ],
  );
  expect(totals).toEqual(wanted);
}

describe.each(captures('arm64-smmuv3'))('SMMUv3 capture %s', (name) => {
  const capture = readCapture(name);
  const decoding = decodeDump(capture, { raw: true });

  it('gives exactly the recorded leaves', () => {
    expect(decoding.domains.flatMap(rows).sort()).toEqual(recorded(capture).sort());
    expect(decoding.unknown).toEqual([]);
  });

  it('agrees with the recorded streams, contexts and totals', () => {
    expectTotals(decoding, capture);
    const streams = capture.expected.streams.map((stream: { sid: number }) => stream.sid);
    expect(decoding.contexts.map((context) => context.stream)).toEqual(streams);
    expect(decoding.aborting).toBe(capture.expected.abort_stes.count);
  });
});

describe.each(captures('x86-vtd', 'x86-amdvi', 'riscv64'))('capture %s', (name) => {
  const capture = readCapture(name);
  const decoding = decodeDump(capture, { raw: true });

  it('gives exactly the recorded leaves', () => {
    expect(decoding.domains.flatMap(rows).sort()).toEqual(recorded(capture).sort());
    expect(decoding.unknown).toEqual([]);
  });

  it('agrees with the recorded totals', () => {
    expectTotals(decoding, capture);
  });
});
