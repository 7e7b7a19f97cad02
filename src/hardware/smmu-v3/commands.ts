/**
 * Commands of the SMMUv3 command queue (Arm IHI 0070, chapter 4).
 * @module
 */
import { pow2 } from '../../address.ts';
import { bitsOf, type Field } from '../bits.ts';
import { ANY, CommandDecoder, type CommandType, type Scope, STAGES } from '../command.ts';

/** Bytes of a command. */
export const COMMAND_BYTES = 16;
/** Tag of entries of the EL2 (or EL2-E2H) StreamWorld, which have no VMID; VMIDs have 16 bits. */
export const EL2_DOMAIN = 0x10000;
/** Tag of entries of EL3. */
export const EL3_DOMAIN = 0x10001;

const PAGE_BITS = 12;
const OPCODE: Field = { name: 'Opcode', at: 0, bits: 8 };
const SSEC: Field = { name: 'SSec', at: 10, bits: 1 };
const SSV: Field = { name: 'SSV', at: 11, bits: 1 };
const SSID: Field = { name: 'SubstreamID', at: 12, bits: 20 };
const SID: Field = { name: 'StreamID', at: 32, bits: 32 };
const LEAF: Field = { name: 'Leaf', at: 64, bits: 1 };
// 4.4.1 TLBI by address
const NUM: Field = { name: 'NUM', at: 12, bits: 5 };
const SCALE: Field = { name: 'SCALE', at: 20, bits: 6 };
const VMID: Field = { name: 'VMID', at: 32, bits: 16 };
const ASID: Field = { name: 'ASID', at: 48, bits: 16 };
const TTL128: Field = { name: 'TTL128', at: 71, bits: 1 };
const TTL: Field = { name: 'TTL', at: 72, bits: 2 };
const TG: Field = { name: 'TG', at: 74, bits: 2 };
const VA: Field = { name: 'Address', at: 76, bits: 52, shift: PAGE_BITS };
const RANGE: readonly Field[] = [NUM, SCALE, LEAF, TTL128, TTL, TG, VA];
const ATS_SIZE: Field = { name: 'Size', at: 64, bits: 6 };

/** TG to log2 of the granule; 0 says nothing of it. */
const TG_BITS = [0, 12, 14, 16];
/** SCALE has no effect above this (4.4.1). */
const MOST_SCALE = 39;
/** Address bits that must be 0 for a TTL, by granule (4.4.1): bits from 12 up to here. */
const ALIGNED_BITS: Readonly<Record<number, readonly number[]>> = {
  12: [12, 30, 21, 12],
  14: [14, 14, 25, 14],
  16: [16, 42, 29, 16],
};
// 4.7.3 CMD_SYNC
const CS = { none: 0, interrupt: 1, event: 2, reserved: 3 } as const;
/** CMD_CFGI_STE_RANGE.Range that covers every stream. */
const ALL_STREAMS = 31;
/** Size of an ATC invalidation from which on it covers every address (4.5.1). */
const ALL_ADDRESSES = 52;

/** Kind and tag of a TLB invalidation. */
function tlb(domainOf: (words: Uint32Array) => number, hasAsid: boolean, stages: number) {
  return (words: Uint32Array, scope: Scope): void => {
    scope.kind = 'tlb';
    scope.domain = domainOf(words);
    scope.stages = stages;
    if (hasAsid) {
      scope.space = bitsOf(words, ASID.at, ASID.bits);
      scope.globals = false;
    }
  };
}

const vmidOf = (words: Uint32Array): number => bitsOf(words, VMID.at, VMID.bits);
const el2 = (): number => EL2_DOMAIN;
const el3 = (): number => EL3_DOMAIN;
const everyDomain = (): number => ANY;

/** A TLB invalidation by address: global entries of the address go too (4.4.1). */
function tlbRange(domainOf: (words: Uint32Array) => number, hasAsid: boolean, stages: number) {
  const tag = tlb(domainOf, hasAsid, stages);
  return (words: Uint32Array, scope: Scope): void => {
    tag(words, scope);
    scope.globals = true;
    scope.walk = (words[2] ?? 0) % 2 === 0;
    const granuleBits = TG_BITS[bitsOf(words, TG.at, TG.bits)] ?? 0;
    scope.first = bitsOf(words, VA.at, VA.bits);
    scope.pages = 1;
    if (granuleBits === 0) return;
    const scale = Math.min(MOST_SCALE, bitsOf(words, SCALE.at, SCALE.bits));
    scope.pages = (bitsOf(words, NUM.at, NUM.bits) + 1) * pow2(scale + granuleBits - PAGE_BITS);
    scope.granule = pow2(granuleBits);
    const level = bitsOf(words, TTL.at, TTL.bits);
    if (level !== 0) scope.level = level;
    if (level === 0 && scale === 0 && bitsOf(words, NUM.at, NUM.bits) === 0) scope.kind = 'illegal';
  };
}

function rangeOffences(words: Uint32Array): readonly string[] {
  const granuleBits = TG_BITS[bitsOf(words, TG.at, TG.bits)] ?? 0;
  if (granuleBits === 0) return [];
  const level = bitsOf(words, TTL.at, TTL.bits);
  const aligned = ALIGNED_BITS[granuleBits]?.[level] ?? granuleBits;
  const page = bitsOf(words, VA.at, VA.bits);
  if (page % pow2(aligned - PAGE_BITS) === 0) return [];
  return [`address 0x${(BigInt(page) << 12n).toString(16)} is not aligned to ${2 ** aligned} bytes (TTL ${level})`];
}

function streamConfig(withSubstream: boolean) {
  return (words: Uint32Array, scope: Scope): void => {
    scope.kind = 'config';
    scope.stream = bitsOf(words, SID.at, SID.bits);
    scope.streams = 1;
    scope.directory = !withSubstream || (words[2] ?? 0) % 2 === 0;
    if (withSubstream) scope.substream = bitsOf(words, SSID.at, SSID.bits);
  };
}

function rangeConfig(words: Uint32Array, scope: Scope): void {
  scope.kind = 'config';
  const range = (words[2] ?? 0) % 32;
  if (range === ALL_STREAMS) return;
  scope.streams = pow2(range + 1);
  const stream = bitsOf(words, SID.at, SID.bits);
  scope.stream = stream - (stream % scope.streams);
}

function deviceTlb(words: Uint32Array, scope: Scope): void {
  scope.kind = 'device-tlb';
  scope.stream = bitsOf(words, SID.at, SID.bits);
  scope.streams = 1;
  if (bitsOf(words, SSV.at, 1) === 1 && bitsOf(words, 9, 1) === 0) scope.substream = bitsOf(words, SSID.at, SSID.bits);
  const size = bitsOf(words, ATS_SIZE.at, ATS_SIZE.bits);
  if (size >= ALL_ADDRESSES) return;
  const page = bitsOf(words, VA.at, VA.bits);
  scope.pages = pow2(size);
  scope.first = page - (page % scope.pages);
}

/** With CS = 1 and an address other than 0, a sync stores 32 bits (the unit must have MSIs: IDR0.MSI). */
function sync(words: Uint32Array, scope: Scope): void {
  const signal = bitsOf(words, 12, 2);
  scope.kind = signal === CS.reserved ? 'illegal' : 'completion';
  scope.signals = signal !== CS.none;
  const address = signal === CS.interrupt ? bitsOf(words, 66, 30) * 4 + bitsOf(words, 96, 24) * 2 ** 32 : 0;
  if (address === 0) return;
  scope.storeBytes = 4;
  scope.storeAddress = address;
  scope.storeLow = words[1] ?? 0;
}

type Row = readonly [
  opcode: number,
  name: string,
  section: string,
  fields: readonly Field[],
  scope?: CommandType['scope'],
];

const ROWS: readonly Row[] = [
  [0x01, 'CMD_PREFETCH_CONFIG', '4.2.1', [SSEC, SSV, SSID, SID]],
  [0x02, 'CMD_PREFETCH_ADDR', '4.2.2', [SSEC, SSV, SSID, SID, { name: 'Size', at: 64, bits: 5 }, VA]],
  [0x03, 'CMD_CFGI_STE', '4.3.1', [SSEC, SID, LEAF], streamConfig(false)],
  [0x04, 'CMD_CFGI_STE_RANGE', '4.3.2', [SSEC, SID, { name: 'Range', at: 64, bits: 5 }], rangeConfig],
  [0x05, 'CMD_CFGI_CD', '4.3.3', [SSEC, SSV, SSID, SID, LEAF], streamConfig(true)],
  [0x06, 'CMD_CFGI_CD_ALL', '4.3.4', [SSEC, SID], allContexts],
  [0x07, 'CMD_CFGI_VMS_PIDM', '4.3.5', [SSEC, VMID]],
  [0x10, 'CMD_TLBI_NH_ALL', '4.4.2', [VMID], tlb(vmidOf, false, STAGES.first)],
  [0x11, 'CMD_TLBI_NH_ASID', '4.4.2', [VMID, ASID], tlb(vmidOf, true, STAGES.first)],
  [0x12, 'CMD_TLBI_NH_VA', '4.4.2', [...RANGE, VMID, ASID], tlbRange(vmidOf, true, STAGES.first)],
  [0x13, 'CMD_TLBI_NH_VAA', '4.4.2', [...RANGE, VMID], tlbRange(vmidOf, false, STAGES.first)],
  [0x18, 'CMD_TLBI_EL3_ALL', '4.4.4', [SSEC], tlb(el3, false, STAGES.first)],
  [0x1a, 'CMD_TLBI_EL3_VA', '4.4.4', [SSEC, ...RANGE], tlbRange(el3, false, STAGES.first)],
  [0x20, 'CMD_TLBI_EL2_ALL', '4.4.3', [], tlb(el2, false, STAGES.first)],
  [0x21, 'CMD_TLBI_EL2_ASID', '4.4.3', [ASID], tlb(el2, true, STAGES.first)],
  [0x22, 'CMD_TLBI_EL2_VA', '4.4.3', [...RANGE, ASID], tlbRange(el2, true, STAGES.first)],
  [0x23, 'CMD_TLBI_EL2_VAA', '4.4.3', RANGE, tlbRange(el2, false, STAGES.first)],
  [0x28, 'CMD_TLBI_S12_VMALL', '4.4.2', [VMID], tlb(vmidOf, false, STAGES.both)],
  [0x2a, 'CMD_TLBI_S2_IPA', '4.4.2', [...RANGE, VMID], tlbRange(vmidOf, false, STAGES.second)],
  [0x30, 'CMD_TLBI_NSNH_ALL', '4.4.5', [], tlb(everyDomain, false, STAGES.both)],
  [0x40, 'CMD_ATC_INV', '4.5.1', [SSEC, SSV, { name: 'G', at: 9, bits: 1 }, SSID, SID, ATS_SIZE, VA], deviceTlb],
  [
    0x41,
    'CMD_PRI_RESP',
    '4.5.2',
    [SSEC, SSV, SSID, SID, { name: 'PRGIndex', at: 64, bits: 9 }, { name: 'Resp', at: 76, bits: 2 }],
  ],
  [0x44, 'CMD_RESUME', '4.6.1', [SSEC, { name: 'AcAb', at: 12, bits: 2 }, SID, { name: 'STAG', at: 64, bits: 16 }]],
  [0x45, 'CMD_STALL_TERM', '4.6.2', [SSEC, SID]],
  [
    0x46,
    'CMD_SYNC',
    '4.7.3',
    [
      SSEC,
      { name: 'CS', at: 12, bits: 2 },
      { name: 'MSH', at: 22, bits: 2 },
      { name: 'MSIAttr', at: 24, bits: 4 },
      { name: 'MSIData', at: 32, bits: 32 },
      { name: 'MSIAddress', at: 66, bits: 54, shift: 2 },
    ],
    sync,
  ],
];

function allContexts(words: Uint32Array, scope: Scope): void {
  streamConfig(false)(words, scope);
  scope.directory = false;
}

const TYPES: readonly CommandType[] = ROWS.map(([opcode, name, section, fields, scope]) => ({
  opcode,
  name,
  section: `IHI 0070 ${section}`,
  fields,
  ...(scope === undefined ? {} : { scope }),
  ...(fields.includes(TTL) ? { offences: rangeOffences } : {}),
}));

/** Decodes commands; fields that a type does not have are ignored, as the unit does. */
export const SMMU_V3_COMMANDS: CommandDecoder = new CommandDecoder(
  { unit: 'arm-smmu-v3', types: TYPES, opcode: [OPCODE], reservedMustBeZero: false },
  COMMAND_BYTES / 4,
);

/** Opcode to name. */
export const COMMANDS: ReadonlyMap<number, string> = new Map(TYPES.map(({ opcode, name }) => [opcode, name]));

/** Command queue errors by CMDQ_CONS.ERR (7.1). */
export const CERROR = { none: 0, illegal: 1, abort: 2, atcInvSync: 3 } as const;
