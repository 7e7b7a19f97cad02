import { PagesReader } from './memory.ts';

const PAGE = 4096;
const AF_PAGE = 0x747n; // AttrIndx 1, AP[1], SH inner, AF, type page
const NG = 0x800n;

/** MAIR as Linux programs it. */
export const MAIR = 0xfffffffff404ff44n;

/** A small SMMUv3: a linear stream table, one stage 1 domain a stream, tables written entry by entry. */
export class System {
  readonly memory: PagesReader = new PagesReader();
  readonly named: Map<string, bigint> = new Map();
  readonly strtab = 0x1000;
  #next = 0x100000;

  constructor() {
    this.memory.clear(this.strtab, PAGE);
    for (const [name, value] of [
      ['IDR0', 3n],
      ['IDR5', 4n],
      ['CR0', 0xdn],
      ['STRTAB_BASE', BigInt(this.strtab)],
      ['STRTAB_BASE_CFG', 6n],
      ['CMDQ_BASE', 0x80006n],
      ['EVENTQ_BASE', 0x90006n],
    ] as const) {
      this.named.set(name, value);
    }
  }

  /** What the library takes as a dump. */
  get input(): { reader: PagesReader; registers: { iommu: string; named: Map<string, bigint> } } {
    return { reader: this.memory, registers: { iommu: 'arm-smmu-v3', named: this.named } };
  }

  /** A fresh page, all zero. */
  page(pages = 1): number {
    const at = this.#next;
    this.#next += pages * PAGE;
    this.memory.clear(at, pages * PAGE);
    return at;
  }

  /** Gives a stream a stage 1 with a 4K, 48-bit root; returns the root. */
  stage1(stream: number, root: number = this.page(), asid: number = stream): number {
    const cd = this.page();
    const low = 0x80000000n | (1n << 30n) | 0x3510n; // V, EPD1, T0SZ 16, cacheable
    const high = 4n | (1n << 9n) | (1n << 13n) | (1n << 14n); // IPS 44 bits, AA64, R, A
    this.memory.write64(cd, low | (high << 32n) | (BigInt(asid) << 48n));
    this.memory.write64(cd + 8, BigInt(root));
    this.memory.write64(cd + 24, MAIR);
    this.memory.write64(this.strtab + stream * 64, BigInt(cd) | 0xbn);
    this.memory.write64(this.strtab + stream * 64 + 8, 0xd6n);
    return root;
  }

  /** Gives a stream a stage 2 with a 4K, 40-bit input from level 1, two tables concatenated; returns the root. */
  stage2(stream: number, config = 6n, root: number = this.aligned(2)): number {
    const at = this.strtab + stream * 64;
    this.memory.write64(at, ((this.memory.read64(at) ?? 0n) & ~0xen) | (config << 1n) | 1n);
    const high = 24n | (1n << 6n) | (4n << 16n) | (1n << 19n) | (1n << 26n); // T0SZ 24, SL0 1, PS 44, AA64, R
    this.memory.write64(at + 16, (high << 32n) | BigInt(stream));
    this.memory.write64(at + 24, BigInt(root));
    return root;
  }

  /** Pages aligned to their number. */
  aligned(pages: number): number {
    while (this.#next % (pages * PAGE) !== 0) this.#next += PAGE;
    return this.page(pages);
  }

  /** Writes a leaf at a level, with tables above it as needed, from a start level. */
  map(root: number, iova: number, pa: number, level = 3, bits: bigint = AF_PAGE | NG, start = 0): number {
    let table = root;
    for (let at = start; at < level; at++) {
      const entry = table + this.index(iova, at, at === start && start > 0) * 8;
      const value = this.memory.read64(entry) ?? 0n;
      if ((value & 3n) === 3n) table = Number(value & 0xfffffffff000n);
      else {
        table = this.page();
        this.memory.write64(entry, BigInt(table) | 3n);
      }
    }
    const entry = table + this.index(iova, level, level === start && start > 0) * 8;
    this.memory.write64(entry, BigInt(pa) | (level === 3 ? bits : bits & ~2n));
    return entry;
  }

  /** Index of an address in a table of a level; a concatenated root has more entries. */
  index(iova: number, level: number, concatenated = false): number {
    return Math.floor(iova / 2 ** (39 - 9 * level)) % (concatenated ? 8192 : 512);
  }
}
