import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkDecoding } from '../../src/dump/check/check.ts';
import { decodeDump } from '../../src/dump/decode.ts';
import { PagesReader } from './memory.ts';

const REGISTERS: Readonly<Record<string, readonly string[]>> = {
  'arm-smmu-v3': [
    'IDR0',
    'IDR5',
    'CR0',
    'GBPA',
    'STRTAB_BASE',
    'STRTAB_BASE_CFG',
    'CMDQ_BASE',
    'EVENTQ_BASE',
    'GERROR',
  ],
  'intel-vtd': ['CAP', 'ECAP', 'GSTS', 'RTADDR', 'IQA', 'FSTS'],
  'amd-vi': ['DEV_TAB_BASE', 'CMD_BUF_BASE', 'EVENT_LOG_BASE', 'CONTROL', 'STATUS'],
  'riscv-iommu': ['CAPABILITIES', 'DDTP', 'CQB', 'FQB', 'CQCSR', 'FQCSR'],
};

const BASE = 0x10000;
const PAGES = 16;

/** Pages of random words, some of which point back into the pages. */
function randomMemory(seed: number): PagesReader {
  const memory = new PagesReader();
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
  for (let at = BASE; at < BASE + PAGES * 4096; at += 8) {
    const pointer = BASE + (next() % PAGES) * 4096;
    const low = next() >>> 24;
    memory.write64(at, next() % 4 === 0 ? (BigInt(next()) << 32n) | BigInt(next()) : BigInt(pointer + low));
  }
  return memory;
}

describe('registers and memory that make no sense', () => {
  it.each(Object.keys(REGISTERS))('%s: bounded work, no crash, an answer', { timeout: 300_000 }, (iommu) => {
    const value = fc.oneof(
      fc.bigInt(0n, (1n << 64n) - 1n),
      fc.integer({ min: 0, max: PAGES - 1 }).map((page) => BigInt(BASE + page * 4096) | 0x40cn),
    );
    const registers = fc.tuple(...(REGISTERS[iommu] ?? []).map((name) => fc.tuple(fc.constant(name), value)));
    fc.assert(
      fc.property(registers, fc.integer({ min: 1, max: 2 ** 31 }), (named, seed) => {
        const reader = randomMemory(seed);
        const decoding = decodeDump({ reader, registers: { iommu, named: new Map(named) } });
        for (const domain of decoding.domains.slice(0, 4)) {
          expect(domain.tablePages.length).toBeLessThanOrEqual(1 << 18);
        }
        expect(decoding.contexts.length).toBeLessThanOrEqual(1 << 17);
        expect(reader.reads).toBeLessThan(2 ** 27);
        if (decoding.domains.length < 4) checkDecoding(reader, decoding);
      }),
      { numRuns: 3, seed: 20 },
    );
  });

  it('the largest stream table that the register can name, over memory that is not there', () => {
    for (const config of [0x3fn, 0x1003fn, 0x1063fn]) {
      const named = new Map([
        ['CR0', 1n],
        ['STRTAB_BASE', 0x40000000n],
        ['STRTAB_BASE_CFG', config],
      ]);
      const { unknown, domains } = decodeDump({
        reader: new PagesReader(),
        registers: { iommu: 'arm-smmu-v3', named },
      });
      expect(domains).toEqual([]);
      expect(unknown.length).toBeGreaterThan(0);
      expect(unknown.length).toBeLessThan(4);
    }
  });
});
