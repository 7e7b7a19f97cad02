/**
 * Comparisons of the two sides: what the library says of its tables, and what a device reads out of their bytes.
 * @module
 */
import { expect } from 'vitest';
import type { Domain, Leaf as DomainLeaf } from '../../src/core/index.ts';
import { offsetOfIova } from '../../src/formats/index.ts';
import { type Access, enumerateLeaves, type Fault, type Leaf, type Regime, Walker } from '../../src/hardware/index.ts';
import { presented, regimeOf } from './regimes.ts';

/** One of these is allowed by every leaf that Linux can make. */
const ANY: readonly Access[] = [
  { kind: 'read', privileged: true },
  { kind: 'write', privileged: true },
  { kind: 'execute', privileged: true },
  { kind: 'read', privileged: false },
];

/** Translates for whatever access is allowed; permissions aside. */
export function reach(walker: Walker, iova: bigint): Leaf | Fault {
  let last = walker.translate(iova);
  for (const access of ANY) {
    last = walker.translate(iova, access);
    if (last.ok || last.class !== 'permission') return last;
  }
  return last;
}

/**
 * Leaves as a device reads them: Arm's contiguous bit is a hint, and each entry that it joins a leaf of its own.
 */
function* asRead(domain: Domain, leaves: readonly DomainLeaf[]): Generator<DomainLeaf> {
  const { levels, ownAddresses } = domain.geometry;
  for (const leaf of leaves) {
    const span = 2 ** (levels.find(({ shift }) => 2 ** shift <= leaf.size)?.shift ?? 0);
    const size = ownAddresses === true ? span : leaf.size;
    for (let at = 0; at < leaf.size; at += size) yield { iova: leaf.iova + BigInt(at), pa: leaf.pa + at, size };
  }
}

/** The first leaf that a device reads and that is not the next of these, in words; cheap for many thousands of them. */
export function firstDifference(domain: Domain, regime: Regime, leaves: readonly DomainLeaf[]): string | undefined {
  const shift = domain.geometry.iovaBase - presented(domain, domain.geometry.iovaBase);
  const wanted = [...asRead(domain, leaves)];
  let count = 0;
  let different: string | undefined;
  for (const region of regime.regions) {
    const tree = enumerateLeaves(domain.memory, region, (offset, pa, size) => {
      const iova = region.base + BigInt(offset) + shift;
      const leaf = wanted[count++];
      if (leaf?.iova === iova && leaf.pa === pa && leaf.size === size) return;
      different ??= `leaf ${count}: 0x${iova.toString(16)} → 0x${pa.toString(16)}, ${size} bytes`;
    });
    if (tree.findings.length > 0) different ??= JSON.stringify(tree.findings.map(({ reason }) => reason));
  }
  return different ?? (count === wanted.length ? undefined : `${count} leaves, not ${wanted.length}`);
}

function words(found: Leaf | Fault): string {
  return found.ok ? `0x${found.pa.toString(16)}` : found.reason;
}

/** Tables whose top grows with what is mapped reach only so far until it does. */
function isReached({ regions }: Regime, iova: bigint): boolean {
  return regions.some(({ base, size }) => iova >= base && iova - base < BigInt(size));
}

/** What the device must answer: the domain's address, or why there is none; undefined where nothing can be asked. */
function wantedAt(domain: Domain, regime: Regime, iova: bigint): string | undefined {
  if (iova < 0n || iova >= 1n << 64n) return undefined;
  if (offsetOfIova(domain.geometry, iova) === -1n) {
    return presented(domain, iova) === iova ? 'input-outside-region' : undefined;
  }
  const pa = domain.translate(iova);
  if (pa !== undefined) return `0x${pa.toString(16)}`;
  return domain.geometry.top > 0 && !isReached(regime, presented(domain, iova))
    ? 'input-outside-region'
    : 'never-mapped';
}

/** Every leaf, and its first, last and middle byte and one to each side, are the same to both. */
export function expectAgreement(domain: Domain): void {
  const regime = regimeOf(domain);
  const walker = new Walker(domain.memory, regime);
  const leaves = domain.leaves();
  expect(firstDifference(domain, regime, leaves)).toBeUndefined();
  const wrong: string[] = [];
  for (const { iova, size } of leaves) {
    const bytes = BigInt(size);
    for (const at of [iova - 1n, iova, iova + bytes / 2n, iova + bytes - 1n, iova + bytes]) {
      const wanted = wantedAt(domain, regime, at);
      const found = wanted === undefined ? undefined : words(reach(walker, presented(domain, at)));
      if (found !== wanted) wrong.push(`0x${at.toString(16)}: ${found}, not ${wanted}`);
    }
  }
  expect(wrong.slice(0, 10)).toEqual([]);
}
