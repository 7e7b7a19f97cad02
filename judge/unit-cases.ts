/**
 * Linux's recorded tables behind a unit's registers and structures: an SMMUv2, substreams of an SMMUv3, PASIDs of VT-d. Addresses are
 * Linux's own lookups; what a structure or register says is the architecture's, whose section is the case's rule.
 * @module
 */
import { differenceOf } from '../src/conform/pack/case.ts';
import { ImageMemory, type PackImage, wordRuns } from '../src/conform/pack/image.ts';
import { askUnit, type UnitCase } from '../src/conform/pack/walks.ts';
import { contextWrites } from '../src/drivers/arm-smmu/context.ts';
import { contextDescriptor, stage1Ste } from '../src/drivers/arm-smmu-v3/entries.ts';
import { IommuError } from '../src/errors.ts';
import type { Geometry } from '../src/formats/contract.ts';
import { QUIRK } from '../src/formats/quirks.ts';

/** Tables of one vector, and what Linux's lookups said of them. */
export interface Recorded {
  readonly id: string;
  readonly image: PackImage;
  readonly source: string;
  readonly format: string;
  readonly granule: number;
  readonly ias: number;
  readonly oas: number;
  /** Linux's quirk bits. */
  readonly quirks: bigint;
  readonly registers: Readonly<Record<string, bigint>>;
  /** Address and answer, 0 where nothing is mapped. */
  readonly lookups: readonly (readonly [iova: bigint, pa: bigint])[];
}

/** A case without what all have; `byRule`: no lookup of Linux says its answer, only the rule. */
type Draft = Omit<UnitCase, 'kind' | 'source' | 'agree' | 'image'> & { readonly rule?: string; readonly byRule?: true };

const BY_RULE = { byRule: true } as const;

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
const LINUX_TTBR1 = 0x20n;

/** Lookups that found something and such that found nothing, at most so many of each. */
function someOf({ lookups }: Recorded, most: number): (readonly [bigint, bigint])[] {
  return [
    ...lookups.filter(([, pa]) => pa !== 0n).slice(0, most),
    ...lookups.filter(([, pa]) => pa === 0n).slice(0, most),
  ];
}

// ---- SMMUv2 ----

const PAGE = 4096;
const BANK = 1;
const STREAM = 0x42;
const NAMES: ReadonlyMap<number, string> = new Map([
  [0x0, 'SCTLR'],
  [0x10, 'TCR2'],
  [0x20, 'TTBR0'],
  [0x28, 'TTBR1'],
  [0x30, 'TCR'],
  [0x34, 'CONTEXTIDR'],
  [0x38, 'MAIR0'],
  [0x3c, 'MAIR1'],
]);
/** FSR.FORMAT (16.5.14): short, long, AArch64. */
const FORMATS: Readonly<Record<string, bigint>> = {
  'arm-v7s': 0n,
  'arm-32-lpae-s1': 1n,
  'arm-32-lpae-s2': 1n,
  'arm-64-lpae-s1': 2n,
  'arm-64-lpae-s2': 2n,
};
const TF = 2n;

function nameOf(offset: number): string {
  if (offset === 0x1800 + 4 * BANK) return `CBA2R${BANK}`;
  if (offset === 0x1000 + 4 * BANK) return `CBAR${BANK}`;
  return `CB${BANK}_${NAMES.get(offset % PAGE) ?? '?'}`;
}

/** A stream that leads to context bank 1; the bank as Linux's driver programs it for these tables. */
function smmuV2Registers({ format, ias, oas, quirks, registers }: Recorded): Record<string, string> | undefined {
  if ((quirks & ~LINUX_TTBR1) !== 0n) return undefined;
  const geometry = { format, ias, oas, quirks: quirks === 0n ? 0 : QUIRK.ARM_TTBR1 } as Geometry;
  try {
    const bank = contextWrites(geometry, registers, BANK).map(([offset, value]) => [nameOf(offset), hex(value)]);
    return Object.fromEntries([
      ...bank,
      ['S2CR0', hex(BANK)],
      ['SMR0', hex(0x80000000 + STREAM)],
      ['sCR0', hex(0x1c36)],
    ]);
  } catch (error) {
    if (error instanceof IommuError) return undefined;
    throw error;
  }
}

function smmuV2Cases(recorded: Recorded): Draft[] {
  const registers = smmuV2Registers(recorded);
  if (registers === undefined) return [];
  const common = { iommu: 'arm-smmu', registers, device: hex(STREAM) } as const;
  const status = hex(TF | ((FORMATS[recorded.format] ?? 0n) << 9n));
  return someOf(recorded, 2).map(([iova, pa], i) => ({
    ...common,
    id: `smmu-v2 ${recorded.id} ${hex(iova)} (${i})`,
    access: pa === 0n && i % 2 === 1 ? 'write' : 'read',
    iova: hex(iova),
    ...(pa === 0n
      ? {
          expect: {
            fault: 'TF',
            record: { [`CB${BANK}_FSR`]: status, [`CB${BANK}_FAR`]: hex(iova), [`CBFRSYNRA${BANK}`]: hex(STREAM) },
          },
          rule: 'Arm IHI 0062 16.5.14 (FSR), 16.5.11 (FAR), 10.5.2 (CBFRSYNRA)',
        }
      : { expect: { address: hex(pa) } }),
  }));
}

/** Streams without a context, once: behind the tables of any vector. */
function streamCases(recorded: Recorded): Draft[] {
  const registers = smmuV2Registers(recorded);
  if (registers === undefined) return [];
  const fault = (name: string, bits: number, stream: number): Draft['expect'] => ({
    fault: name,
    record: { sGFSR: hex(bits), sGFAR: '0x5000', sGFSYNR1: hex(stream) },
  });
  const common = { iommu: 'arm-smmu', access: 'read', iova: '0x5000', byRule: true } as const;
  return [
    {
      ...common,
      id: `smmu-v2 ${recorded.id}: no stream matches`,
      registers,
      device: '0x43',
      expect: fault('USF', 2, 0x43),
      rule: 'Arm IHI 0062 9.6.10, sCR0.USFCFG',
    },
    {
      ...common,
      id: `smmu-v2 ${recorded.id}: two streams match`,
      registers: { ...registers, SMR1: '0x80010042', S2CR1: '0x0' },
      device: hex(STREAM),
      expect: fault('SMCF', 4, STREAM),
      rule: 'Arm IHI 0062 9.6.16: more than one SMR matches',
    },
    {
      ...common,
      id: `smmu-v2 ${recorded.id}: a stream that bypasses`,
      registers: { ...registers, S2CR0: '0x10000' },
      device: hex(STREAM),
      expect: { address: '0x5000' },
      rule: 'Arm IHI 0062 9.6.15, S2CR.TYPE bypass',
    },
    {
      ...common,
      id: `smmu-v2 ${recorded.id}: a stream that faults`,
      registers: { ...registers, S2CR0: '0x20000' },
      device: hex(STREAM),
      expect: fault('ICF', 1, STREAM),
      rule: 'Arm IHI 0062 9.6.15, S2CR.TYPE fault',
    },
    {
      ...common,
      id: `smmu-v2 ${recorded.id}: clients are not translated`,
      registers: { ...registers, sCR0: '0x1c37' },
      device: hex(STREAM),
      expect: { address: '0x5000' },
      rule: 'Arm IHI 0062 9.6.10, sCR0.CLIENTPD',
    },
  ];
}

// ---- structures beside the tables ----

/** Structures lie here; no vector's tables do. */
const STRUCTURES = 0x4000_0000;
const BYTES = 0x10000;

/** The image of a vector with structures beside it. */
function withStructures(
  { id, image }: Recorded,
  name: string,
  words: readonly (readonly [number, bigint])[],
): PackImage {
  return {
    kind: 'image',
    id: `${name} ${id}`,
    ranges: [[hex(STRUCTURES), hex(STRUCTURES + BYTES)], ...image.ranges],
    words: [...wordRuns(words.filter(([, word]) => word !== 0n).sort(([a], [b]) => a - b)), ...image.words],
  };
}

const entry = (at: number, words: readonly bigint[]): (readonly [number, bigint])[] =>
  words.map((word, i) => [at + 8 * i, word] as const);

// ---- SMMUv3, substreams ----

const SUBSTREAM = 5;
/** STE.S1CDMax: sixteen context descriptors, in one linear table. */
const SIXTEEN = 4n << 59n;
const SMMU_V3 = {
  CR0: '0xd',
  // IDR0: S1P, TTF AArch64, COHACC, ASID16; IDR1: 8 bits of SSID, 16 of StreamID; IDR5: 48 bits, 4K, 16K and 64K
  IDR0: '0x101a',
  IDR1: '0x210',
  IDR5: '0x75',
  STRTAB_BASE: hex(STRUCTURES),
  STRTAB_BASE_CFG: '0x7',
} as const;

/** A stream whose descriptor 5 leads to the tables; descriptor 0 does where S1DSS names it, 7 is not valid. */
function substreamWords({ registers }: Recorded, dss: bigint): (readonly [number, bigint])[] {
  const cds = STRUCTURES + 0x4000;
  const [first = 0n, second = 0n] = stage1Ste(cds, { ats: false, e2h: false });
  const descriptor = contextDescriptor(registers, 0x77, false);
  return [
    ...entry(STRUCTURES + 64 * STREAM, [first | SIXTEEN, (second & ~3n) | dss]),
    ...entry(cds + 64 * SUBSTREAM, descriptor),
    ...(dss === 2n ? entry(cds, descriptor) : []),
  ];
}

function substreamCases(recorded: Recorded, dss: bigint): Draft[] {
  const common = { iommu: 'arm-smmu-v3', registers: SMMU_V3, device: hex(STREAM), access: 'read' } as const;
  const id = (what: string): string => `smmu-v3 substreams, S1DSS ${dss}, ${recorded.id}: ${what}`;
  const [found] = recorded.lookups.filter(([, pa]) => pa !== 0n);
  const [iova, pa] = found ?? [0n, 0n];
  const named = (ssid: number): Record<string, string> => ({
    StreamID: hex(STREAM),
    SSV: '0x1',
    SubstreamID: hex(ssid),
  });
  const withoutOne: Readonly<Record<string, Draft['expect']>> = {
    0: { fault: 'F_STREAM_DISABLED', record: { StreamID: hex(STREAM) } },
    1: { address: hex(iova) },
    2: { address: hex(pa) },
  };
  return [
    ...someOf(recorded, 2).map(([at, to], i) => ({
      ...common,
      id: id(`substream ${SUBSTREAM}, ${hex(at)} (${i})`),
      substream: SUBSTREAM,
      iova: hex(at),
      expect:
        to === 0n
          ? { fault: 'F_TRANSLATION', record: { ...named(SUBSTREAM), InputAddr: hex(at), RnW: '0x1' } }
          : { address: hex(to) },
      rule: 'Arm IHI 0070 3.3.2, 7.3.12',
    })),
    {
      ...common,
      ...(dss === 2n ? {} : BY_RULE),
      id: id('no substream'),
      iova: hex(iova),
      expect: withoutOne[Number(dss)] as Draft['expect'],
      rule: 'Arm IHI 0070 5.2, STE.S1DSS',
    },
    {
      ...common,
      ...BY_RULE,
      id: id('a descriptor that is not valid'),
      substream: 7,
      iova: hex(iova),
      expect: { fault: 'C_BAD_CD', record: named(7) },
      rule: 'Arm IHI 0070 5.4, CD.V; 7.3.11',
    },
    {
      ...common,
      ...BY_RULE,
      id: id('a substream beyond the descriptors'),
      substream: 16,
      iova: hex(iova),
      expect: { fault: 'C_BAD_SUBSTREAMID', record: named(16) },
      rule: 'Arm IHI 0070 5.2, STE.S1CDMax; 7.3.5',
    },
    ...(dss === 2n
      ? [
          {
            ...common,
            ...BY_RULE,
            id: id('substream 0'),
            substream: 0,
            iova: hex(iova),
            expect: { fault: 'F_STREAM_DISABLED', record: { StreamID: hex(STREAM), SSV: '0x1' } },
            rule: 'Arm IHI 0070 5.2, STE.S1DSS 0b10: SubstreamID 0 is not to be used',
          },
        ]
      : []),
  ];
}

// ---- VT-d, PASIDs ----

const PASID = 69;
const SOURCE = 0x18;
const PASIDS_A_TABLE = 64;
const VTD = { RTADDR: hex(STRUCTURES + 0x400), GSTS: '0xc6000000' } as const;
const DID = 9n;
const NOT_PRESENT = {
  entry: 'fault reason 0x59: scalable mode: the PASID table entry is not present',
  directory: 'fault reason 0x51: scalable mode: the PASID directory entry is not present',
  first: 'fault reason 0x71: scalable mode: a first-stage paging entry is not present',
  second: 'fault reason 0x79: scalable mode: no permission in a second-stage paging entry',
} as const;

/** Root, context, directory and table; the entry of PASID 69 leads to the tables, in the second table of the directory. */
function pasidWords({ format, registers }: Recorded): (readonly [number, bigint])[] {
  const [context, directory, table] = [STRUCTURES + 0x1000, STRUCTURES + 0x2000, STRUCTURES + 0x3000];
  const at = table + 64 * (PASID % PASIDS_A_TABLE);
  const get = (name: string): bigint => registers[name] ?? 0n;
  const words =
    format === 'x86-64'
      ? [1n | (1n << 6n), DID, get('gcr3_pt') | (get('levels') === 5n ? 4n : 0n)]
      : [1n | (2n << 6n) | (get('aw') << 2n) | get('ssptptr'), DID];
  return [
    [STRUCTURES, BigInt(context) | 1n],
    [context + 32 * SOURCE, BigInt(directory) | 1n],
    [directory + 8 * Math.floor(PASID / PASIDS_A_TABLE), BigInt(table) | 1n],
    ...entry(at, words),
  ];
}

function pasidCases(recorded: Recorded): Draft[] {
  const common = { iommu: 'intel-vtd', registers: VTD, device: hex(SOURCE), access: 'read' } as const;
  const id = (what: string): string => `vt-d pasids ${recorded.id}: ${what}`;
  const missing = recorded.format === 'x86-64' ? NOT_PRESENT.first : NOT_PRESENT.second;
  const refused = (what: string, pasid: number, fault: string): Draft => ({
    ...common,
    ...BY_RULE,
    id: id(what),
    substream: pasid,
    iova: '0x1000',
    expect: { fault },
    rule: 'Intel VT-d 9.5, 9.6; 7.1.3',
  });
  return [
    ...someOf(recorded, 3).map(([at, to], i) => ({
      ...common,
      id: id(`${hex(at)} (${i})`),
      substream: PASID,
      iova: hex(at),
      expect: to === 0n ? { fault: missing } : { address: hex(to) },
      rule: 'Intel VT-d 9.6, 7.1.3',
    })),
    refused('an entry that is not present', PASID + 1, NOT_PRESENT.entry),
    refused('a table that is not present', 3, NOT_PRESENT.directory),
    refused('no PASID: RID_PASID is 0', 0, NOT_PRESENT.directory),
  ];
}

/** What became of cases that were drafted. */
export interface UnitTally {
  /** Taken. */
  units: number;
  /** Left out: the reader and Linux or the rule differ, by id. */
  readonly unitsDiffering: string[];
  /** Formats and granules whose tables were put behind structures already. */
  readonly shown: Set<string>;
}

function casesOf(image: PackImage, recorded: Recorded, drafts: readonly Draft[], tally: UnitTally): object[] {
  const memory = ImageMemory.of(image);
  return drafts.flatMap(({ byRule, ...draft }) => {
    const source = byRule === true ? 'specification' : recorded.source;
    const each: UnitCase = { kind: 'unit', ...draft, image: image.id, source, agree: ['reader'] };
    const difference = differenceOf(each.expect, askUnit(each, memory));
    if (difference !== undefined) tally.unitsDiffering.push(`${each.id}: ${JSON.stringify(difference)}`);
    else tally.units++;
    return difference === undefined ? [each] : [];
  });
}

/** Whether tables of this format and granule come for the first time. */
function isNew({ format, granule, lookups }: Recorded, tally: UnitTally): boolean {
  const key = `${format} ${granule}`;
  if (tally.shown.has(key) || !lookups.some(([, pa]) => pa !== 0n) || !lookups.some(([, pa]) => pa === 0n))
    return false;
  tally.shown.add(key);
  return true;
}

/** Lines that stand below the image of a vector: cases of its tables, and images with structures above theirs. */
export function unitLines(recorded: Recorded, tally: UnitTally): object[] {
  const { format, quirks, image } = recorded;
  const lines = casesOf(image, recorded, smmuV2Cases(recorded), tally);
  const behind = (name: string, words: ReturnType<typeof entry>, drafts: readonly Draft[]): void => {
    const own = withStructures(recorded, name, words);
    lines.push(own, ...casesOf(own, recorded, drafts, tally));
  };
  if (quirks !== 0n || !isNew(recorded, tally)) return lines;
  if (format === 'arm-64-lpae-s1') {
    lines.push(...casesOf(image, recorded, streamCases(recorded), tally));
    for (const dss of [0n, 1n, 2n])
      behind(`S1DSS ${dss}`, substreamWords(recorded, dss), substreamCases(recorded, dss));
  }
  if (format === 'x86-64' || format === 'vtd-ss') behind('PASIDs', pasidWords(recorded), pasidCases(recorded));
  return lines;
}
