/** Machines made up for the tests of causes: tables from the write side, a trace, and a log in a random driver's words. */
import { Domain } from '../../src/core/index.ts';
import type { Dump } from '../../src/dump/types.ts';
import { type ExplainedFault, explainFault } from '../../src/fault/explain.ts';
import { FaultHistory } from '../../src/fault/history.ts';
import { readFaultLog } from '../../src/fault/log.ts';
import { FaultTables } from '../../src/fault/tables.ts';
import { encodeEvent, eventType } from '../../src/hardware/smmu-v3/events.ts';
import { createNames } from '../../src/trace/events.ts';
import { createTraceReader } from '../../src/trace/readers.ts';

const PAGE = 4096;
/** Room of one case: far enough apart that no case sees another. */
const ROOM = 1 << 24;
const FIRST = 0x1_0000_0000;

const hex = (value: number | bigint, digits: number): string => value.toString(16).padStart(digits, '0');

/** What the hardware is to report. */
export interface Reported {
  readonly iova: bigint;
  readonly access: 'read' | 'write';
  readonly kind: 'translation' | 'permission';
}

type Driver = (fault: Reported, stamp: string) => string[];

const smmuV3: Driver = ({ iova, access, kind }, stamp) => {
  const code = kind === 'translation' ? 0x10 : 0x13;
  const words = encodeEvent({
    code,
    name: eventType(code).name,
    fields: { StreamID: 0x30n, RnW: access === 'read' ? 1n : 0n, CLASS: 2n, InputAddr: iova },
  });
  const raw = [0, 2, 4, 6].map((i) => `0x${hex((BigInt(words[i + 1] ?? 0) << 32n) | BigInt(words[i] ?? 0), 16)}`);
  const head = `${stamp} arm-smmu-v3 9050000.smmuv3: `;
  return [`${head}event 0x${hex(code, 2)} received:`, ...raw.map((word) => `${head}\t${word}`)];
};

const smmuV2: Driver = ({ iova, access, kind }, stamp) => {
  const fsr = 0x400 | (kind === 'translation' ? 2 : 8);
  const fsynr = access === 'write' ? 0x13 : 0x3;
  return [
    `${stamp} arm-smmu 15000000.iommu: Unhandled context fault: fsr=0x${hex(fsr, 1)}, iova=0x${hex(iova, 8)}, fsynr=0x${hex(fsynr, 1)}, cbfrsynra=0x30, cb=1`,
  ];
};

/** VT-d has one reason for no entry and for no permission, and reports pages. */
const vtd: Driver = ({ iova, access }, stamp) => [
  `${stamp} DMAR: DRHD: handling fault status reg 2`,
  access === 'write'
    ? `${stamp} DMAR: [DMA Write NO_PASID] Request device [00:06.0] fault addr 0x${hex(iova & ~0xfffn, 1)} [fault reason 0x05] PTE Write access is not set`
    : `${stamp} DMAR: [DMA Read] Request device [00:06.0] fault addr ${hex(iova & ~0xfffn, 1)} [fault reason 06] PTE Read access is not set`,
];

const riscv: Driver = ({ iova, access }, stamp) => [
  `${stamp} riscv,iommu 3010000.iommu: Fault ${access === 'read' ? 13 : 15} devid: 0x30 iotval: ${hex(iova, 1)} iotval2: 0`,
];

const DRIVERS: readonly Driver[] = [smmuV3, smmuV2, vtd, riscv];
const PREFIXES = ['', 'kernel: ', 'Nov 22 16:00:00 host kernel: ', '<3>'];

/** A generator of numbers that a seed repeats (mulberry32). */
export function createRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

/** One made-up machine. */
export class World {
  readonly domain: Domain = new Domain({ format: 'arm-64-lpae-s1', ias: 48, oas: 44 });
  readonly random: (below: number) => number;
  readonly #trace: string[] = [];
  readonly #log: string[] = [];
  #micros = 1_000_000;
  #room = 0;

  constructor(seed: number) {
    this.random = createRandom(seed);
    this.map(this.place(), PAGE, 3);
  }

  /** A page in a room of its own, with space of 1 MiB on both sides. */
  place(): number {
    return FIRST + ROOM * this.#room++ + 0x100000 + PAGE * this.random(512);
  }

  /** Bytes of 1 to 16 pages. */
  size(): number {
    return PAGE * (1 + this.random(16));
  }

  /** Maps in the tables and in the trace. */
  map(iova: number, bytes: number, prot: number): void {
    const pa = 0x4000_0000 + PAGE * this.random(1 << 18);
    this.domain.map(iova, pa, bytes, prot);
    this.#event(
      `map: IOMMU: iova=0x${hex(iova, 16)} - 0x${hex(iova + bytes, 16)} paddr=0x${hex(pa, 16)} size=${bytes}`,
    );
  }

  /** Unmaps in the tables and in the trace. */
  unmap(iova: number, bytes: number): void {
    this.domain.unmap(iova, bytes);
    this.#event(
      `unmap: IOMMU: iova=0x${hex(iova, 16)} - 0x${hex(iova + bytes, 16)} size=${bytes} unmapped_size=${bytes}`,
    );
  }

  /** Reports a fault in the log of a random driver. */
  fault(reported: Reported): void {
    const driver = DRIVERS[this.random(DRIVERS.length)] ?? smmuV3;
    const prefix = PREFIXES[this.random(PREFIXES.length)] ?? '';
    this.#log.push(...driver(reported, `${prefix}[${this.#time()}]`));
  }

  /** Explains all faults with the tables, with the trace, or with both. */
  explain(use: { tables: boolean; trace: boolean }): ExplainedFault[] {
    const { incidents: faults } = readFaultLog(this.#log.join('\n'));
    const names = createNames();
    const history = new FaultHistory(faults, names);
    const reader = createTraceReader('ftrace', history.sink, names);
    reader.push(new TextEncoder().encode(`# tracer: nop\n${this.#trace.join('\n')}\n`));
    reader.end();
    history.finish();
    const tables = new FaultTables(this.#dump());
    return faults.map((fault) => explainFault(fault, use.tables ? tables : undefined, use.trace ? history : undefined));
  }

  #dump(): Dump {
    const { registers, memory } = this.domain;
    const roots = [Number(registers['ttbr'])];
    const geometry = { format: 'arm-64-lpae-s1', granule: PAGE, ias: 48, oas: 44, roots, quirks: [] };
    return {
      kind: 'memory',
      reader: memory,
      page: () => undefined,
      knownParts: () => undefined,
      registers: undefined,
      geometry,
      extents: [],
      notes: [],
    };
  }

  #time(): string {
    this.#micros += 1 + this.random(500);
    return `${String(Math.floor(this.#micros / 1e6)).padStart(5)}.${String(this.#micros % 1e6).padStart(6, '0')}`;
  }

  #event(body: string): void {
    this.#trace.push(`            task-77      [001] .....  ${this.#time()}: ${body}`);
  }
}
