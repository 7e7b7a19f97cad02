import { expect, test } from 'vitest';
import type { PhysicalReader } from '../../src/bus.ts';
import { type RiscvChoices, riscvFeatures } from '../../src/hardware/riscv/capabilities.ts';
import { type RiscvRequest, translateRequest } from '../../src/hardware/riscv/process.ts';

const PAGE = 4096;

/** 6.3: bit positions of capabilities. */
export const CAP = {
  Sv32: 8n,
  Sv39: 9n,
  Sv48: 10n,
  Sv57: 11n,
  Svrsw60t59b: 14n,
  Svpbmt: 15n,
  Sv32x4: 16n,
  Sv39x4: 17n,
  Sv48x4: 18n,
  Sv57x4: 19n,
  MSI_FLAT: 22n,
  MSI_MRIF: 23n,
  AMO_HWAD: 24n,
  ATS: 25n,
  T2GPA: 26n,
  END: 27n,
  PAS: 32n,
  PD8: 38n,
  PD17: 39n,
  PD20: 40n,
  QOSID: 41n,
} as const;

/** 3.1.3.1: bit positions of tc. */
export const TC = {
  V: 0n,
  EN_ATS: 1n,
  EN_PRI: 2n,
  T2GPA: 3n,
  DTF: 4n,
  PDTV: 5n,
  PRPR: 6n,
  GADE: 7n,
  SADE: 8n,
  DPE: 9n,
  SBE: 10n,
  SXL: 11n,
} as const;

/** Bits of page table entries. */
export const PTE = { V: 1n, R: 2n, W: 4n, X: 8n, U: 16n, G: 32n, A: 64n, D: 128n } as const;
export const LEAF: bigint = PTE.V | PTE.R | PTE.W | PTE.X | PTE.U | PTE.A | PTE.D;
/** MODE of both stages (3.1.3.2, 3.1.3.4). */
export const MODE = { bare: 0n, sv32: 8n, sv39: 8n, sv48: 9n, sv57: 10n } as const;
export const PD = { PD8: 1n, PD17: 2n, PD20: 3n } as const;

export const at = {
  ddt: 0x1000n,
  /** Root of the first stage, and the tables below it on the way to the address of the request. */
  first: [0x10000n, 0x11000n, 0x12000n],
  /** Root of the second stage: it maps the first and the third GiB to themselves. */
  second: 0x20000n,
  pdt: [0x30000n, 0x31000n, 0x32000n],
  msi: 0x40000n,
  page: 0x80000000n,
  iova: 0x40005678n,
} as const;

/** An entry of 8 bytes that names a page. */
export function entry(address: bigint, flags: bigint): bigint {
  return ((address >> 12n) << 10n) | flags;
}

/** A pointer with MODE in its highest bits. */
export function pointer(address: bigint, mode: bigint): bigint {
  return (mode << 60n) | (address >> 12n);
}

const EVERYTHING = Object.values(CAP).reduce((all, bit) => all | (1n << bit), 0n);
const PAS_56 = 56n << CAP.PAS;

/** A RISC-V IOMMU with one device in a directory of one level, a first stage with one page, and a request for it. */
export class World implements PhysicalReader {
  capabilities: bigint = (EVERYTHING & ~(1n << CAP.PAS) & ~(1n << CAP.Svrsw60t59b)) | PAS_56;
  fctl = 0n;
  ddtp: bigint = entry(at.ddt, 2n);
  choices: RiscvChoices = {};
  /** Doublewords of the device context: tc, iohgatp, ta, fsc, msiptp, mask, pattern, reserved. */
  readonly dc: bigint[] = [1n, 0n, 0n, pointer(at.first[0], MODE.sv39), 0n, 0n, 0n, 0n];
  /** Doublewords of the process context: ta, fsc. */
  readonly pc: bigint[] = [1n, pointer(at.first[0], MODE.sv39)];
  process = 3n;
  request: RiscvRequest = { device: 1, type: 'untranslated', access: 'read', iova: at.iova };
  readonly corrupt: Set<number> = new Set();
  readonly #memory = new Map<number, bigint>();

  constructor() {
    this.set(at.first[0] + 8n, entry(at.first[1], PTE.V));
    this.set(at.first[1], entry(at.first[2], PTE.V));
    this.set(at.first[2] + 5n * 8n, entry(at.page, LEAF));
    for (const gib of [0n, 2n]) this.set(at.second + 8n * gib, entry(gib << 30n, LEAF));
  }

  /** Writes 8 bytes; pages that nothing was written to are absent. */
  set(address: bigint, value: bigint): this {
    this.#memory.set(Number(address), value);
    return this;
  }

  get(address: bigint): bigint {
    return this.read64(Number(address)) ?? 0n;
  }

  flip(address: bigint, bit: number): this {
    this.set(address, this.get(address) ^ (1n << BigInt(bit)));
    return this;
  }

  /** Sets or clears bits of capabilities by name. */
  cap(changes: Partial<Record<keyof typeof CAP, 0 | 1>>): this {
    for (const [name, value] of Object.entries(changes)) {
      const bit = 1n << CAP[name as keyof typeof CAP];
      this.capabilities = value === 1 ? this.capabilities | bit : this.capabilities & ~bit;
    }
    return this;
  }

  pas(bits: bigint): this {
    this.capabilities = (this.capabilities & ~(63n << CAP.PAS)) | (bits << CAP.PAS);
    return this;
  }

  ddt(value: bigint): this {
    this.ddtp = value;
    return this;
  }

  /** A device directory of two levels. */
  levels(): this {
    return this.ddt(entry(at.ddt, 3n)).set(at.ddt, entry(at.ddt + 0x1000n, 1n));
  }

  ctl(value: bigint): this {
    this.fctl = value;
    return this;
  }

  choose(choices: RiscvChoices): this {
    this.choices = choices;
    return this;
  }

  /** Replaces a doubleword of the device context. */
  word(i: number, value: bigint): this {
    this.dc[i] = value;
    return this;
  }

  /** Flips a bit of the device context. */
  bit(i: number, bit: number): this {
    return this.word(i, (this.dc[i] ?? 0n) ^ (1n << BigInt(bit)));
  }

  /** Replaces a doubleword of the process context. */
  context(i: number, value: bigint): this {
    this.pc[i] = value;
    return this;
  }

  contextBit(i: number, bit: number): this {
    return this.context(i, (this.pc[i] ?? 0n) ^ (1n << BigInt(bit)));
  }

  /** The process whose context is written. */
  as(process: bigint): this {
    this.process = process;
    return this;
  }

  /** Corrupts 8 bytes. */
  poison(address: bigint): this {
    this.corrupt.add(Number(address));
    return this;
  }

  /** Sets bits of tc by name. */
  tc(...names: (keyof typeof TC)[]): this {
    for (const name of names) this.dc[0] = (this.dc[0] ?? 0n) | (1n << TC[name]);
    return this;
  }

  ask(changes: Partial<RiscvRequest>): this {
    this.request = { ...this.request, ...changes };
    return this;
  }

  /** A second stage in front of which the first remains, unless `alone`. */
  second(mode: bigint = MODE.sv39, alone = false): this {
    this.dc[1] = pointer(at.second, mode);
    if (alone) this.dc[3] = 0n;
    if (alone) this.ask({ iova: at.page + 0x5678n });
    return this;
  }

  /** The first stage through a process directory, for the process of the request. */
  directory(mode: bigint = PD.PD8): this {
    this.tc('PDTV');
    this.dc[3] = pointer(at.pdt[0], mode);
    this.ask({ process: Number(this.process) });
    for (let level = 0n; level < mode - 1n; level++) {
      this.set(at.pdt[Number(level)] ?? 0n, entry(at.pdt[Number(level) + 1] ?? 0n, 1n));
    }
    return this;
  }

  /** An MSI page table with one entry for the guest page of the request. */
  msi(...words: [bigint, bigint]): this {
    this.second(MODE.sv39, true);
    this.dc[4] = pointer(at.msi, 1n);
    this.dc[6] = at.page >> 12n;
    this.dc[5] = 5n;
    this.ask({ iova: at.page + 0x678n });
    this.set(at.msi, words[0]);
    this.set(at.msi + 8n, words[1]);
    return this;
  }

  read32(address: number): number | undefined {
    const word = this.read64(address - (address % 8));
    return word === undefined ? undefined : Number((word >> BigInt((address % 8) * 8)) & 0xffff_ffffn);
  }

  read64(address: number): bigint | undefined {
    if (this.corrupt.has(address)) return undefined;
    const here = Math.floor(address / PAGE);
    const present = [...this.#memory.keys()].some((one) => Math.floor(one / PAGE) === here);
    return present ? (this.#memory.get(address) ?? 0n) : undefined;
  }

  corrupted(address: number, bytes: number): boolean {
    return [...this.corrupt].some((one) => one < address + bytes && one + 8 > address);
  }

  /** What the request becomes: `0x…`, or `cause N`, with iotval2 where it is set, `quiet` where nothing is recorded. */
  answer(): string {
    const extended = (this.capabilities >> CAP.MSI_FLAT) & 1n;
    const bytes = extended === 1n ? 64n : 32n;
    const levels = Number(this.ddtp & 15n) - 1;
    const context =
      at.ddt +
      BigInt(Math.max(0, levels - 1)) * 0x1000n +
      BigInt(this.request.device % (extended === 1n ? 64 : 128)) * bytes;
    for (let i = 0n; i < bytes / 8n; i++) this.set(context + 8n * i, this.dc[Number(i)] ?? 0n);
    const leaf = at.pdt[Number((this.dc[3] ?? 0n) >> 60n) - 1] ?? 0n;
    if (((this.dc[0] ?? 0n) >> TC.PDTV) % 2n === 1n && leaf !== 0n) {
      for (const [i, word] of this.pc.entries()) this.set(leaf + this.process * 16n + 8n * BigInt(i), word);
    }
    const registers = new Map([
      ['CAPABILITIES', this.capabilities],
      ['FCTL', this.fctl],
      ['DDTP', this.ddtp],
    ]);
    const features = riscvFeatures(registers, this.choices);
    const { fault, translation, reported } = translateRequest(this, features, this.request);
    if (fault !== undefined) {
      const guest = fault.iotval2 === 0n ? '' : `, iotval2 0x${fault.iotval2.toString(16)}`;
      return `cause ${fault.cause}${guest}${reported ? '' : ', quiet'}`;
    }
    return `0x${(translation?.address ?? 0n).toString(16)}`;
  }
}

/** The answer of the world as it is. */
export const OUTPUT = '0x80000678';

/** The answer of a changed world. */
export function answers(change: (world: World) => unknown): string {
  const world = new World();
  change(world);
  return world.answer();
}

/** A rule: what is changed, and the answer that the specification gives then. */
export type Row = readonly [name: string, change: (world: World) => unknown, answer: string];

/** A test for each rule. */
export function check(rows: readonly Row[]): void {
  test.each(rows)('%s', (_, change, answer) => {
    expect(answers(change)).toBe(answer);
  });
}
