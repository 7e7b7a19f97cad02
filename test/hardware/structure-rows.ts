import { PagesReader } from './memory.ts';
import type { Setup, Target } from './structure-bits.ts';
import { System } from './system.ts';

/** Structures of a unit whose bits are gone through. */
export interface StructureRows {
  readonly name: string;
  readonly setup: Setup;
  readonly targets: readonly Target[];
}

const registers = (setup: Setup, bits: number, names: readonly string[]): Target[] =>
  names.map((name) => ({
    what: name,
    at: name,
    bits: Math.max(bits, (setup.named.get(name) ?? 0n).toString(2).length),
  }));

function smmuSetup(system: System, stream: number, probe: bigint, substream?: number): Setup {
  const { memory, named } = system;
  // both stages, both formats, hardware access flag and dirty state
  named.set('IDR0', 0x8fn);
  named.set('PRIQ_BASE', 0xa_0006n);
  return {
    iommu: 'arm-smmu-v3',
    memory,
    named,
    stream,
    probe,
    pointers: [0x10_0000, 0x10_1000, 0x10_2000, 0x10_6000, 0x10_7000],
    ...(substream === undefined ? {} : { substream }),
  };
}

const cdOf = (system: System, stream: number): number =>
  Number((system.memory.read64(system.strtab + 64 * stream) ?? 0n) & 0xf_ffff_ffff_ffc0n);

function smmuFirstStage(): StructureRows {
  const system = new System();
  system.map(system.stage1(1), 0x10000, 0x4001_0000);
  const setup = smmuSetup(system, 1, 0x10123n);
  return {
    name: 'SMMUv3, stage 1',
    setup,
    targets: [
      { what: 'STE', at: system.strtab + 64, bits: 512 },
      { what: 'CD', at: cdOf(system, 1), bits: 512 },
      ...registers(setup, 32, [
        'CR0',
        'GBPA',
        'IDR0',
        'IDR1',
        'IDR3',
        'IDR5',
        'AIDR',
        'STRTAB_BASE_CFG',
        'GERROR',
        'GERRORN',
      ]),
      ...registers(setup, 64, ['STRTAB_BASE', 'CMDQ_BASE', 'EVENTQ_BASE', 'PRIQ_BASE']),
      ...registers(setup, 32, ['EVENTQ_PROD', 'EVENTQ_CONS']),
    ],
  };
}

/** With translation off, GBPA says what becomes of an access. */
function smmuOff(): StructureRows {
  const setup = smmuSetup(new System(), 1, 0x10123n);
  const named = new Map([...setup.named, ['CR0', 0xcn], ['GBPA', 0n]] as const);
  return { name: 'SMMUv3, off', setup: { ...setup, named }, targets: registers(setup, 32, ['GBPA', 'CR0']) };
}

/** Stage 1 tables of the upper half. */
function smmuUpperHalf(): StructureRows {
  const system = new System();
  const root = system.stage1(1);
  system.map(root, 0x10000, 0x4001_0000);
  const cd = cdOf(system, 1);
  // T1SZ 16, TG1 4K, and only the lower half off
  const low = (system.memory.read64(cd) ?? 0n) ^ (1n << 30n) ^ (1n << 14n);
  system.memory.write64(cd, low | (16n << 16n) | (2n << 22n));
  system.memory.write64(cd + 16, BigInt(root));
  const setup = smmuSetup(system, 1, 0xffff_0000_0001_0123n);
  return { name: 'SMMUv3, stage 1 of the upper half', setup, targets: [{ what: 'CD', at: cd, bits: 256 }] };
}

/** AArch32 long-descriptor tables: CD.AA64 is 0. */
function smmuLong(): StructureRows {
  const system = new System();
  const tables = system.stage1(1);
  const root = Number((system.memory.read64(tables) ?? 0n) & 0xffff_f000n) || tables;
  system.map(root, 0x10000, 0x4001_0000, 3, 0xf47n, 1);
  const cd = cdOf(system, 1);
  system.memory.write64(cd, ((system.memory.read64(cd) ?? 0n) & ~((1n << 41n) | 0x3fn)) | 1n);
  system.memory.write64(cd + 16, BigInt(root));
  const setup = smmuSetup(system, 1, 0x10123n);
  return { name: 'SMMUv3, stage 1 in AArch32 format', setup, targets: [{ what: 'CD', at: cd, bits: 256 }] };
}

function smmuSecondStage(config: bigint): StructureRows {
  const system = new System();
  if (config === 7n) system.map(system.stage1(1), 0x10000, 0x4001_0000);
  const second = system.stage2(1, config);
  for (let page = 0x10_0000; page < 0x20_0000; page += 4096) system.map(second, page, page, 3, 0x7ffn, 1);
  system.map(second, 0x4001_0000, 0x5002_0000, 3, 0x7ffn, 1);
  const nested = config === 7n;
  const setup = smmuSetup(system, 1, nested ? 0x10123n : 0x4001_0123n);
  return {
    name: nested ? 'SMMUv3, nested' : 'SMMUv3, stage 2',
    setup,
    targets: [{ what: 'STE', at: system.strtab + 64, bits: 512 }, ...registers(setup, 32, ['IDR0', 'IDR5'])],
  };
}

/** Four contexts in a linear table, and a two-level stream table. */
function smmuSubstreams(): StructureRows {
  const system = new System();
  system.map(system.stage1(1), 0x10000, 0x4001_0000);
  const ste = system.memory;
  const from = cdOf(system, 1);
  const table = system.page();
  for (let at = 0; at < 64; at += 8) ste.write64(table + 64 + at, ste.read64(from + at) ?? 0n);
  const entry = system.page();
  for (let at = 0; at < 64; at += 8) ste.write64(entry + 64 + at, ste.read64(system.strtab + 64 + at) ?? 0n);
  ste.write64(entry + 64, BigInt(table) | 0xbn | (2n << 59n));
  const directory = system.page();
  ste.write64(directory, BigInt(entry) | 5n);
  system.named.set('STRTAB_BASE', BigInt(directory));
  system.named.set('STRTAB_BASE_CFG', 0x1_0000n | (6n << 6n) | 8n);
  const setup = smmuSetup(system, 1, 0x10123n, 1);
  return {
    name: 'SMMUv3, a substream behind a two-level stream table',
    setup,
    targets: [
      { what: 'STE', at: entry + 64, bits: 128 },
      { what: 'first-level stream table descriptor', at: directory, bits: 64 },
      ...registers(setup, 32, ['STRTAB_BASE_CFG', 'IDR0', 'IDR1']),
    ],
  };
}

/** Contexts in two levels, whose second-level tables are of 4 KiB (S1Fmt 1) or 64 KiB (S1Fmt 2). */
function smmuTwoLevelContexts(format: bigint, perTable: number): StructureRows {
  const system = new System();
  const { memory, strtab } = system;
  system.map(system.stage1(1), 0x10000, 0x4001_0000);
  const from = cdOf(system, 1);
  const table = system.page((perTable * 64) / 4096);
  for (let at = 0; at < 64; at += 8) memory.write64(table + 64 + at, memory.read64(from + at) ?? 0n);
  const directory = system.page();
  memory.write64(directory + 8, BigInt(table) | 1n);
  const ste = strtab + 64;
  memory.write64(ste, BigInt(directory) | 0xbn | (format << 4n) | (12n << 59n));
  const setup = smmuSetup(system, 1, 0x10123n, perTable + 1);
  // IDR0.CD2L
  system.named.set('IDR0', 0x8_008fn);
  return {
    name: `SMMUv3, contexts in two levels, ${perTable} a table`,
    setup: { ...setup, pointers: [...setup.pointers, table, table + 64] },
    targets: [
      { what: 'STE', at: ste, bits: 128 },
      { what: 'first-level context descriptor', at: directory + 8, bits: 64 },
    ],
  };
}

const [ROOT, CONTEXT, DIRECTORY, PASID, TABLE, SECOND] = [0x1000, 0x2000, 0x3000, 0x4000, 0x10000, 0x20000];
const POINTERS = [ROOT, CONTEXT, DIRECTORY, PASID, TABLE, SECOND];

/** Tables of `levels` levels of 512 entries from `root` on, one page each, that lead address 0x1000 to a page. */
function tables(memory: PagesReader, root: number, levels: number, table: bigint, leaf: bigint): void {
  memory.clear(root, levels * 4096);
  for (let i = 0; i < levels - 1; i++) memory.write64(root + i * 4096, BigInt(root + (i + 1) * 4096) | table);
  memory.write64(root + (levels - 1) * 4096 + 8, leaf);
}

function vtdMemory(): PagesReader {
  const memory = new PagesReader();
  for (const at of [ROOT, CONTEXT, DIRECTORY, PASID]) memory.clear(at, 4096);
  memory.write64(ROOT, BigInt(CONTEXT) | 1n);
  return memory;
}

// CAP: SAGAW 3 to 5 levels, MGAW 48, 2M and 1G pages; ECAP: every translation type
const CAP = 0xe00n | (47n << 16n) | (3n << 34n) | (1n << 56n);
const ECAP = (1n << 2n) | (1n << 6n) | (1n << 26n) | (1n << 46n) | (1n << 47n) | (1n << 49n);
const VTD_NAMES = ['RTADDR', 'CAP', 'ECAP', 'GSTS', 'FSTS', 'IQA'];

function vtdNamed(rtaddr: bigint): Map<string, bigint> {
  return new Map([
    ['RTADDR', rtaddr],
    ['CAP', CAP],
    ['ECAP', ECAP],
    ['GSTS', (1n << 31n) | (1n << 26n)],
    ['FSTS', 0n],
    ['IQA', 0x8_0000n],
  ]);
}

function vtdLegacy(): StructureRows {
  const memory = vtdMemory();
  memory.write64(CONTEXT + 0x21 * 16, BigInt(SECOND) | 1n);
  memory.write64(CONTEXT + 0x21 * 16 + 8, 2n | (5n << 8n));
  tables(memory, SECOND, 4, 3n, 0x5_5003n);
  const setup: Setup = {
    iommu: 'intel-vtd',
    memory,
    named: vtdNamed(BigInt(ROOT)),
    stream: 0x21,
    probe: 0x1123n,
    pointers: POINTERS,
  };
  return {
    name: 'VT-d, legacy mode',
    setup,
    targets: [
      { what: 'root entry', at: ROOT, bits: 128 },
      { what: 'context entry', at: CONTEXT + 0x21 * 16, bits: 128 },
      ...registers(setup, 64, VTD_NAMES),
    ],
  };
}

function vtdScalable(name: string, pgtt: bigint, substream?: number): StructureRows {
  const memory = vtdMemory();
  const pasid = substream ?? 3;
  memory.write64(CONTEXT + 0x21 * 32, BigInt(DIRECTORY) | 9n);
  memory.write64(CONTEXT + 0x21 * 32 + 8, 3n);
  memory.write64(DIRECTORY + 8 * Math.floor(pasid / 64), BigInt(PASID) | 1n);
  const entry = PASID + (pasid % 64) * 64;
  memory.write64(entry, BigInt(SECOND) | (pgtt << 6n) | (2n << 2n) | 1n);
  memory.write64(entry + 8, 7n);
  memory.write64(entry + 16, BigInt(TABLE) | 1n);
  tables(memory, TABLE, 4, 7n, 0x3_0067n);
  tables(memory, SECOND, 4, 3n, 0x5_5003n);
  for (let page = 16; page < 64; page++) memory.write64(SECOND + 3 * 4096 + 8 * page, BigInt(page * 4096) | 3n);
  const shared = {
    iommu: 'intel-vtd',
    memory,
    named: vtdNamed(BigInt(ROOT) | 0x400n),
    stream: 0x21,
    probe: 0x1123n,
    pointers: POINTERS,
  };
  const setup: Setup = substream === undefined ? shared : { ...shared, substream };
  return {
    name: `VT-d, scalable mode, ${name}`,
    setup,
    targets: [
      { what: 'root entry', at: ROOT, bits: 128 },
      { what: 'context entry', at: CONTEXT + 0x21 * 32, bits: 256 },
      { what: 'PASID directory entry', at: DIRECTORY + 8 * Math.floor(pasid / 64), bits: 64 },
      { what: 'PASID table entry', at: entry, bits: 512 },
      ...registers(setup, 64, ['RTADDR', 'CAP', 'ECAP']),
    ],
  };
}

function amdNamed(): Map<string, bigint> {
  return new Map([
    ['DEV_TAB_BASE', BigInt(ROOT)],
    ['CONTROL', 0x1005n],
    ['STATUS', 0n],
    ['CMD_BUF_BASE', 0x8_0000n | (9n << 56n)],
    ['EVENT_LOG_BASE', 0x9_0000n | (9n << 56n)],
  ]);
}

function amdHost(): StructureRows {
  const memory = new PagesReader();
  memory.clear(ROOT, 4096);
  const entry = ROOT + 5 * 32;
  memory.write64(entry, BigInt(SECOND) | 3n | (4n << 9n) | (3n << 61n));
  memory.write64(entry + 8, 7n);
  tables(memory, SECOND, 4, 0x6000_0000_0000_0001n, 0x6000_0000_0005_5001n);
  for (let level = 3; level >= 1; level--) {
    const at = SECOND + (3 - level) * 4096;
    memory.write64(at, (memory.read64(at) ?? 0n) | (BigInt(level) << 9n));
  }
  const setup: Setup = { iommu: 'amd-vi', memory, named: amdNamed(), stream: 5, probe: 0x1123n, pointers: POINTERS };
  return {
    name: 'AMD-Vi, host tables',
    setup,
    targets: [
      { what: 'device table entry', at: entry, bits: 256 },
      ...registers(setup, 64, ['DEV_TAB_BASE', 'CONTROL', 'STATUS', 'CMD_BUF_BASE', 'EVENT_LOG_BASE']),
    ],
  };
}

function amdGuest(substream: number | undefined): StructureRows {
  const memory = new PagesReader();
  for (const at of [ROOT, DIRECTORY, PASID]) memory.clear(at, 4096);
  const entry = ROOT + 5 * 32;
  // GIOV, GV, GLX 1; the GCR3 root lies at 0x3000: bits 14:12 at 60:58
  memory.write64(entry, 3n | (1n << 54n) | (1n << 55n) | (1n << 56n) | (3n << 58n) | (3n << 61n));
  memory.write64(entry + 8, 7n);
  const pasid = substream ?? 0;
  memory.write64(DIRECTORY + 8 * Math.floor(pasid / 512), BigInt(PASID) | 1n);
  memory.write64(PASID + 8 * (pasid % 512), BigInt(TABLE) | 1n);
  tables(memory, TABLE, 4, 7n, 0x5_5067n);
  const shared = { iommu: 'amd-vi', memory, named: amdNamed(), stream: 5, probe: 0x1123n, pointers: POINTERS };
  const setup: Setup = substream === undefined ? shared : { ...shared, substream };
  return {
    name: `AMD-Vi, guest tables${substream === undefined ? '' : ' of a PASID'}`,
    setup,
    targets: [
      { what: 'device table entry', at: entry, bits: 256 },
      { what: 'GCR3 table entry, level 2', at: DIRECTORY + 8 * Math.floor(pasid / 512), bits: 64 },
      { what: 'GCR3 table entry', at: PASID + 8 * (pasid % 512), bits: 64 },
    ],
  };
}

// capabilities: Sv39 to Sv57 and Sv39x4 to Sv57x4, Svpbmt, ATS, T2GPA, AMO_HWAD, PAS 56, PD8 to PD20
const CAPABILITIES = 0x10n | (7n << 9n) | (1n << 15n) | (7n << 17n) | (7n << 24n) | (56n << 32n) | (7n << 38n);

function riscvNamed(mode: bigint, capabilities: bigint): Map<string, bigint> {
  return new Map([
    ['DDTP', (BigInt(ROOT / 4096) << 10n) | mode],
    ['CAPABILITIES', capabilities],
    ['FCTL', 0n],
    ['CQB', (0x80n << 10n) | 7n],
    ['FQB', (0x90n << 10n) | 6n],
    ['PQB', (0xa0n << 10n) | 5n],
    ['CQCSR', 0x1_0001n],
    ['FQCSR', 0x1_0001n],
  ]);
}

const satp = (root: number, mode: bigint): bigint => BigInt(root / 4096) | (mode << 60n);

function riscvMemory(): PagesReader {
  const memory = new PagesReader();
  for (const at of [ROOT, CONTEXT, DIRECTORY, PASID]) memory.clear(at, 4096);
  const pte = (page: number, bits: bigint) => (BigInt(page) << 10n) | bits;
  memory.clear(TABLE, 3 * 4096);
  memory.write64(TABLE, pte(TABLE / 4096 + 1, 1n));
  memory.write64(TABLE + 4096, pte(TABLE / 4096 + 2, 1n));
  memory.write64(TABLE + 8192 + 8, pte(0x55, 0xdfn));
  // second stage: root of four pages, and the first 2 MiB onto themselves
  memory.clear(SECOND, 6 * 4096);
  memory.write64(SECOND, pte(SECOND / 4096 + 4, 1n));
  memory.write64(SECOND + 4 * 4096, pte(SECOND / 4096 + 5, 1n));
  for (let page = 0; page < 512; page++) memory.write64(SECOND + 5 * 4096 + 8 * page, pte(page, 0xdfn));
  return memory;
}

function riscvDevice(name: string, first: boolean, second: boolean, extended: boolean): StructureRows {
  const memory = riscvMemory();
  const bytes = extended ? 64 : 32;
  const entry = CONTEXT + 5 * bytes;
  memory.write64(ROOT, (BigInt(CONTEXT / 4096) << 10n) | 1n);
  memory.write64(entry, 1n);
  if (second) memory.write64(entry + 8, satp(SECOND, 8n) | (9n << 44n));
  memory.write64(entry + 16, 6n << 12n);
  if (first) memory.write64(entry + 24, satp(TABLE, 8n));
  const capabilities = CAPABILITIES | (extended ? 1n << 22n : 0n);
  const setup: Setup = {
    iommu: 'riscv-iommu',
    memory,
    named: riscvNamed(3n, capabilities),
    stream: 5,
    probe: 0x1123n,
    pointers: POINTERS,
  };
  return {
    name: `RISC-V, ${name}`,
    setup,
    targets: [
      { what: 'directory entry', at: ROOT, bits: 64 },
      { what: 'device context', at: entry, bits: 8 * bytes },
      ...registers(setup, 64, ['DDTP', 'CAPABILITIES', 'FCTL']),
      ...(extended ? registers(setup, 64, ['CQB', 'FQB', 'PQB', 'CQCSR', 'FQCSR']) : []),
    ],
  };
}

function riscvProcess(): StructureRows {
  const memory = riscvMemory();
  const entry = ROOT + 5 * 32;
  memory.write64(entry, 1n | (1n << 5n));
  memory.write64(entry + 24, satp(DIRECTORY, 2n));
  const process = 0x123;
  memory.write64(DIRECTORY + 8 * Math.floor(process / 256), (BigInt(PASID / 4096) << 10n) | 1n);
  const context = PASID + 16 * (process % 256);
  memory.write64(context, 1n | (4n << 12n));
  memory.write64(context + 8, satp(TABLE, 8n));
  const named = riscvNamed(2n, CAPABILITIES);
  const setup: Setup = {
    iommu: 'riscv-iommu',
    memory,
    named,
    stream: 5,
    substream: process,
    probe: 0x1123n,
    pointers: POINTERS,
  };
  return {
    name: 'RISC-V, a process',
    setup,
    targets: [
      { what: 'device context', at: entry, bits: 256 },
      { what: 'process directory entry', at: DIRECTORY + 8 * Math.floor(process / 256), bits: 64 },
      { what: 'process context', at: context, bits: 128 },
      ...registers(setup, 64, ['CAPABILITIES']),
    ],
  };
}

const ROWS: readonly StructureRows[] = [
  smmuFirstStage(),
  smmuOff(),
  smmuUpperHalf(),
  smmuLong(),
  smmuSecondStage(6n),
  smmuSecondStage(7n),
  smmuSubstreams(),
  smmuTwoLevelContexts(1n, 64),
  smmuTwoLevelContexts(2n, 1024),
  vtdLegacy(),
  vtdScalable('first stage', 1n),
  vtdScalable('second stage', 2n, 0x45),
  vtdScalable('nested', 3n),
  amdHost(),
  amdGuest(undefined),
  amdGuest(0x203),
  riscvDevice('first stage', true, false, false),
  riscvDevice('second stage', false, true, false),
  riscvDevice('both stages, extended context', true, true, true),
  riscvProcess(),
];

/** Every row, its targets' addresses among the pointers. */
export const STRUCTURES: readonly StructureRows[] = ROWS.map(({ name, setup, targets }) => {
  const places = targets.flatMap(({ at }) => (typeof at === 'number' ? [at] : []));
  return { name, setup: { ...setup, pointers: [...setup.pointers, ...places] }, targets };
});
