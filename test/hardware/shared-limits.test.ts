// Many domains over few tables: what is kept of all of them together is limited, what is counted is exact.
import { describe, expect, it } from 'vitest';
import { checkDecoding } from '../../src/dump/check/check.ts';
import { type Decoding, type DomainMappings, decodeDump } from '../../src/dump/decode.ts';
import { diffDecodings } from '../../src/dump/diff.ts';
import { System } from './system.ts';

const PAGE = 4096;
const ENTRIES = 512;
const SUBSTREAMS_BITS = 59n;

/** One root behind many substreams that differ in their memory types, so that each is a domain. */
function shared(bits: number, root: (system: System) => number): System {
  const system = new System();
  system.named.set('IDR1', 20n << 6n);
  const ttb = root(system);
  const cds = system.aligned((64 << bits) / PAGE);
  system.stage1(1, ttb);
  const ste = system.strtab + 64;
  const first = system.memory.read64(ste) ?? 0n;
  const cd = Number(first & 0xf_ffff_ffff_ffc0n);
  for (let i = 0; i < 1 << bits; i++) {
    for (let at = 0; at < 64; at += 8) {
      system.memory.write64(cds + i * 64 + at, at === 24 ? BigInt(i) : (system.memory.read64(cd + at) ?? 0n));
    }
  }
  system.memory.write64(ste, BigInt(cds) | (first & 0x3fn) | (BigInt(bits) << SUBSTREAMS_BITS));
  return system;
}

function total(domains: readonly DomainMappings[], of: (domain: DomainMappings) => number): number {
  return domains.reduce((sum, domain) => sum + of(domain), 0);
}

/** A tree of last-level tables that are full, contiguous from `pa` on. */
function full(system: System, tables: number, pa: number): number {
  const root = system.page();
  for (let page = 0; page < tables * ENTRIES; page++) system.map(root, page * PAGE, pa + page * PAGE);
  return root;
}

describe('domains that share tables', () => {
  it('keep so many findings together, and count the others', () => {
    const bits = 8;
    const { input } = shared(bits, (system) => {
      const root = system.page();
      for (let i = 0; i < ENTRIES; i++) system.memory.write64(root + i * 8, BigInt(i) * 2n ** 39n + 0x401n);
      return root;
    });
    const { domains, unknown } = decodeDump(input);
    expect(domains).toHaveLength(1 << bits);
    expect(total(domains, ({ findings }) => findings.length)).toBe(1 << 16);
    expect(total(domains, ({ findings, dropped }) => findings.length + dropped)).toBe(ENTRIES << bits);
    expect(unknown).toHaveLength(total(domains, ({ dropped }) => Number(dropped > 0)));
    expect(unknown.every(({ overLimit }) => overLimit)).toBe(true);
    expect(unknown.at(-1)?.why).toBe('512 findings in its tables are counted and not kept (limit 65536)');
  });

  it('keep so many leaves together, and count the others', () => {
    const { input } = shared(6, (system) => full(system, 36, 0x8000_0000));
    const { domains } = decodeDump(input, { raw: true });
    expect(total(domains, ({ leaves }) => leaves?.length ?? 0)).toBe(1 << 20);
    expect(total(domains, ({ leaves }) => leaves?.total ?? 0)).toBe(64 * 36 * ENTRIES);
    expect(total(domains, ({ leafCount }) => leafCount)).toBe(64 * 36 * ENTRIES);
  });

  it('have their tables looked for once in what devices may write', () => {
    const { input } = shared(6, (system) => full(system, 2, 0x10_0000));
    const decoding = decodeDump(input);
    const { findings } = checkDecoding(input.reader, decoding);
    const found = findings.filter(
      ({ rule, meaning }) => rule === 'table-mapped-writable' && /table of asid/.test(meaning),
    );
    // 64 domains that map 5 tables each
    expect(found).toHaveLength(64 * 5);
    expect(new Set(found.map(({ meaning }) => meaning)).size).toBe(5);
  });
});

describe('tables in what devices may write', () => {
  it('are found up to a limit, and that is said', () => {
    const system = new System();
    const root = system.stage1(1);
    const gigabyte = 2 ** 30;
    for (let i = 0; i < 256; i++) {
      system.map(root, 2 * i * gigabyte, 0, 1, 0x747n);
      system.memory.write64(system.map(root, (2 * i + 1) * gigabyte, 0x1000), 0n);
    }
    for (let i = 512; i < 1024; i++) system.map(root, i * gigabyte, 0, 1, 0x747n);
    const { findings, counts } = checkDecoding(system.memory, decodeDump(system.input));
    expect(findings.filter(({ rule }) => rule === 'table-mapped-writable')).toHaveLength(10_000);
    expect(counts.error).toBeGreaterThan(1 << 17);
    expect(counts.error).toBeLessThan((1 << 17) + 20_000);
  });
});

describe('a second stage that does not translate', () => {
  it('is found by entries, not by pages, and goes on behind them', () => {
    const system = new System();
    const root = system.stage1(1);
    const second = system.stage2(1, 7n);
    for (let page = 0x1000; page < 0x200000; page += PAGE) system.map(second, page, page, 3, 0x7ffn, 1);
    const terabyte = 2 ** 40;
    for (let gigabyte = 1; gigabyte < 1100; gigabyte++) {
      system.map(root, gigabyte * 2 ** 30, gigabyte * 2 ** 30, 1, 0xf47n);
    }
    system.map(second, 2 ** 39 + PAGE, 0x7000_0000, 3, 0x7ffn, 1);
    const [domain] = decodeDump(system.input).domains;
    expect(domain?.leafCount).toBe(1);
    expect(domain?.ranges.map(({ iova, pa, bytes }) => [Number(iova), pa, bytes])).toEqual([
      [2 ** 39 + PAGE, 0x7000_0000, PAGE],
    ]);
    expect(domain?.findings.map(({ reason, iova, bytes }) => [reason, Number(iova), bytes])).toEqual([
      ['never-mapped', 2 ** 30, 2 ** 39 + PAGE - 2 ** 30],
      ['never-mapped', 2 ** 39 + 2 * PAGE, terabyte - 2 ** 39 - 2 * PAGE],
      ['input-outside-region', terabyte, 1100 * 2 ** 30 - terabyte],
    ]);
  });
});

describe('diff of domains that share a stream', () => {
  const pages = (roots: readonly number[]): Decoding => {
    const system = shared(2, (one) => one.page());
    const ste = system.memory.read64(system.strtab + 64) ?? 0n;
    const cds = Number(ste & 0xf_ffff_ffff_ffc0n);
    for (const root of [0x90_0000, 0xa0_0000, 0xb0_0000]) {
      system.memory.clear(root, PAGE);
      system.map(root, 0x1000, root, 3);
    }
    for (let i = 0; i < 4; i++) {
      const root = roots[i];
      if (root === undefined) system.memory.write64(cds + i * 64, 0n);
      else system.memory.write64(cds + i * 64 + 8, BigInt(root));
    }
    return decodeDump(system.input);
  };

  it('pairs those of one root, whatever their order', () => {
    const before = pages([0x90_0000, 0xa0_0000, 0xb0_0000]);
    const after = pages([0xb0_0000, 0xa0_0000]);
    expect(before.domains).toHaveLength(3);
    const changes = diffDecodings(before, after);
    expect(changes.map(({ kind, before: side }) => [kind, side?.pa])).toEqual([['removed', 0x90_0000]]);
  });
});
