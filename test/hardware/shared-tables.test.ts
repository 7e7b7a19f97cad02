// Tables that several contexts share are read once; tables that are read in another way are domains of their own.
import { describe, expect, it } from 'vitest';
import { decodeDump } from '../../src/dump/decode.ts';
import { permsText } from '../../src/hardware/index.ts';
import { captures, readCapture } from './captures.ts';
import { PagesReader } from './memory.ts';
import { System } from './system.ts';

const PAGE = 4096;
const CD_BYTES = 64;
/** STE.S1CDMax: four context descriptors. */
const TWO_BITS = 2n << 59n;

/** Counts reads of each page. */
class CountingReader extends PagesReader {
  readonly views: Map<number, number> = new Map();

  constructor(memory: PagesReader) {
    super();
    for (const [address, words] of memory.pages) this.pages.set(address, words);
  }

  override read32(address: number): number | undefined {
    this.#count(address);
    return super.read32(address);
  }

  override view(address: number, bytes: number): Uint32Array | undefined {
    this.#count(address);
    return super.view(address, bytes);
  }

  #count(address: number): void {
    const page = address - (address % PAGE);
    this.views.set(page, (this.views.get(page) ?? 0) + 1);
  }
}

describe('tables that contexts share', () => {
  it('are read once for all streams and substreams, a table as a whole', () => {
    const system = new System();
    system.named.set('IDR1', 20n << 6n);
    const root = system.stage1(1);
    for (let page = 0; page < 700; page++) system.map(root, page * PAGE, 0x8000_0000 + page * PAGE);
    for (const stream of [2, 3, 4, 5]) {
      system.stage1(stream, root, 1);
      const ste = system.strtab + stream * 64;
      const first = system.memory.read64(ste) ?? 0n;
      system.memory.write64(ste, first | TWO_BITS);
      const cd = Number(first & 0xf_ffff_ffff_ffc0n);
      for (let at = 0; at < 4 * CD_BYTES; at += 8) {
        system.memory.write64(cd + at, system.memory.read64(cd + (at % CD_BYTES)) ?? 0n);
      }
    }
    const reader = new CountingReader(system.memory);
    const { domains, contexts } = decodeDump({ ...system.input, reader });
    expect(contexts.filter(({ action }) => action === 'translate').length).toBeGreaterThanOrEqual(5 + 4 * 3);
    expect(domains.map(({ streams, leafCount }) => [streams, leafCount])).toEqual([[[1, 2, 3, 4, 5], 700]]);
    const tables = domains[0]?.tablePages.map(({ address }) => address) ?? [];
    expect(tables).toHaveLength(5);
    expect(tables.map((table) => reader.views.get(table))).toEqual(tables.map(() => 1));
  });

  it.each(captures('arm64', 'x86', 'riscv'))('are read once a domain in %s', (capture) => {
    const { reader, registers } = readCapture(capture);
    const counting = new CountingReader(reader);
    const { domains } = decodeDump({ reader: counting, registers });
    const expected = new Map<number, number>();
    for (const { tablePages, tables } of domains) {
      if (tables.stage2 !== undefined) return;
      for (const { address, bytes } of tablePages) {
        for (let at = address; at < address + bytes; at += PAGE) {
          const page = at - (at % PAGE);
          expected.set(page, (expected.get(page) ?? 0) + 1);
        }
      }
    }
    for (const [page, times] of expected) expect(counting.views.get(page)).toBe(times);
  });
});

describe('one root, two contexts', () => {
  const perms = (change: (system: System, cd: number) => void): [number[], string, string][] => {
    const system = new System();
    const root = system.stage1(1);
    system.map(root, 0x1000, 0x4001_0000, 3, 0x347n);
    system.stage1(2, root, 1);
    change(system, Number((system.memory.read64(system.strtab + 2 * 64) ?? 0n) & 0xf_ffff_ffff_ffc0n));
    return decodeDump(system.input).domains.map(({ streams, ranges, tables }) => {
      const [{ attributes } = { attributes: 0 }] = ranges;
      const type = tables.regime.regions[0]?.descriptors.memoryType(attributes >>> 16) ?? '';
      return [[...streams], attributes & 64 ? 'access fault' : permsText(attributes), type];
    });
  };

  it('are one domain where both read the tables alike', () => {
    expect(perms(() => undefined)).toEqual([[[1, 2], 'access fault', 'Normal WB RWA']]);
  });

  it('are two domains where the memory types, or what hardware does with the access flag, differ', () => {
    expect(perms((system, cd) => system.memory.write64(cd + 24, 0x44n << 8n))).toEqual([
      [[1], 'access fault', 'Normal WB RWA'],
      [[2], 'access fault', 'Normal NC'],
    ]);
    const affd = 1n << 35n;
    expect(
      perms((system, cd) => system.memory.write64(cd, (system.memory.read64(cd) ?? 0n) | affd)).map(
        ([, rights]) => rights,
      ),
    ).toEqual(['access fault', 'rwx']);
  });
});
