/**
 * Descriptors of the VT-d invalidation queue (Intel VT-d, 6.5.2).
 * @module
 */
import { pow2 } from '../../address.ts';
import { bitsOf, type Field } from '../bits.ts';
import {
  ANY,
  CommandDecoder,
  type CommandLimits,
  type CommandType,
  emptyScope,
  type Scope,
  STAGES,
  sizedRange,
} from '../command.ts';

/** Bytes of a descriptor: 16, or 32 where IQA.DW is 1. */
export const DESCRIPTOR_BYTES = { narrow: 16, wide: 32 } as const;

// 6.5.2: the type's low bits at 3:0, its high bits at 11:9
const TYPE: readonly [Field, Field] = [
  { name: 'Type[6:4]', at: 9, bits: 3 },
  { name: 'Type[3:0]', at: 0, bits: 4 },
];
const GRANULARITY: Field = { name: 'G', at: 4, bits: 2 };
const DID: Field = { name: 'DID', at: 16, bits: 16 };
const SID: Field = { name: 'SID', at: 32, bits: 16 };
const PASID: Field = { name: 'PASID', at: 32, bits: 20 };
const AM: Field = { name: 'AM', at: 64, bits: 6 };
const IH: Field = { name: 'IH', at: 70, bits: 1 };
const ADDR: Field = { name: 'ADDR', at: 76, bits: 52, shift: 12 };
const PFSID: readonly Field[] = [
  { name: 'PFSID[3:0]', at: 12, bits: 4 },
  { name: 'PFSID[15:4]', at: 52, bits: 12 },
];

const PAGE_BITS = 12;
/** Granularities of the context-cache and IOTLB descriptors. */
const BY = { global: 1, domain: 2, selective: 3 } as const;
/** Granularities of the PASID-cache descriptor. */
const PASID_BY = { domain: 0, selective: 1, global: 3 } as const;
/** Function bits of a source-id that FM masks: 0 none, 1 bit 2, 2 bits 2:1, 3 bits 2:0. */
const FUNCTION_MASKS = [1, 2, 4, 8] as const;
const FUNCTION_BITS = [0, 4, 6, 7] as const;

function pagesOf(words: Uint32Array, scope: Scope): void {
  const page = bitsOf(words, ADDR.at, ADDR.bits);
  scope.pages = pow2(bitsOf(words, AM.at, AM.bits));
  scope.first = page - (page % scope.pages);
  scope.walk = bitsOf(words, IH.at, 1) === 0;
}

function contextCache(words: Uint32Array, scope: Scope): void {
  const by = bitsOf(words, GRANULARITY.at, 2);
  scope.kind = by === 0 ? 'illegal' : 'config';
  if (by !== BY.global) scope.domain = bitsOf(words, DID.at, DID.bits);
  if (by !== BY.selective) return;
  const mask = bitsOf(words, 48, 2);
  scope.stream = bitsOf(words, SID.at, SID.bits) & ~(FUNCTION_BITS[mask] ?? 0);
  scope.streams = FUNCTION_MASKS[mask] ?? 1;
}

/** An IOTLB descriptor by page names second-stage addresses; by domain it takes everything of the domain. */
function iotlb(words: Uint32Array, scope: Scope): void {
  const by = bitsOf(words, GRANULARITY.at, 2);
  scope.kind = by === 0 ? 'illegal' : 'tlb';
  if (by !== BY.global) scope.domain = bitsOf(words, DID.at, DID.bits);
  if (by !== BY.selective) return;
  scope.stages = STAGES.second;
  pagesOf(words, scope);
}

function pasidIotlb(words: Uint32Array, scope: Scope): void {
  const by = bitsOf(words, GRANULARITY.at, 2);
  scope.kind = by < BY.domain ? 'illegal' : 'tlb';
  scope.stages = STAGES.first;
  scope.domain = bitsOf(words, DID.at, DID.bits);
  scope.space = bitsOf(words, PASID.at, PASID.bits);
  if (by === BY.selective) pagesOf(words, scope);
}

function pasidCache(words: Uint32Array, scope: Scope): void {
  const by = bitsOf(words, GRANULARITY.at, 2);
  scope.kind = by === BY.domain ? 'illegal' : 'config';
  scope.directory = false;
  if (by !== PASID_BY.global) scope.domain = bitsOf(words, DID.at, DID.bits);
  if (by === PASID_BY.selective) scope.substream = bitsOf(words, PASID.at, PASID.bits);
}

function deviceTlb(words: Uint32Array, scope: Scope): void {
  scope.kind = 'device-tlb';
  scope.stream = bitsOf(words, SID.at, SID.bits);
  scope.streams = 1;
  sizedRange(scope, bitsOf(words, ADDR.at, ADDR.bits), bitsOf(words, 64, 1) === 1);
}

function pasidDeviceTlb(words: Uint32Array, scope: Scope): void {
  scope.kind = 'device-tlb';
  scope.stream = bitsOf(words, 16, 16);
  scope.streams = 1;
  if (bitsOf(words, 64, 1) === 0) scope.substream = bitsOf(words, PASID.at, PASID.bits);
  sizedRange(scope, bitsOf(words, ADDR.at, ADDR.bits), bitsOf(words, 75, 1) === 1);
}

function wait(words: Uint32Array, scope: Scope): void {
  scope.kind = 'completion';
  scope.signals = bitsOf(words, 4, 1) === 1;
  if (bitsOf(words, 5, 1) === 0) return;
  scope.storeBytes = 4;
  scope.storeAddress = bitsOf(words, 66, 30) * 4 + bitsOf(words, 96, 32) * 2 ** 32;
  scope.storeLow = words[1] ?? 0;
}

/** AM beyond CAP.MAMV is not allowed; an address must be aligned to its 2^AM pages (6.5.2.3). */
function rangeOffences(words: Uint32Array, { maxAddressMask }: CommandLimits): readonly string[] {
  if (bitsOf(words, GRANULARITY.at, 2) !== BY.selective) return [];
  const am = bitsOf(words, AM.at, AM.bits);
  const page = bitsOf(words, ADDR.at, ADDR.bits);
  const offences: string[] = [];
  if (maxAddressMask !== undefined && am > maxAddressMask) {
    offences.push(`AM ${am} is beyond CAP.MAMV ${maxAddressMask}`);
  }
  if (page % pow2(am) !== 0) {
    offences.push(`address 0x${(BigInt(page) << BigInt(PAGE_BITS)).toString(16)} is not aligned to 2^${am} pages`);
  }
  return offences;
}

const TYPES: readonly CommandType[] = [
  {
    opcode: 1,
    name: 'context-cache invalidation',
    section: 'VT-d 6.5.2.1',
    fields: [GRANULARITY, DID, SID, { name: 'FM', at: 48, bits: 2 }],
    scope: contextCache,
  },
  {
    opcode: 2,
    name: 'IOTLB invalidation',
    section: 'VT-d 6.5.2.3',
    fields: [GRANULARITY, { name: 'DW', at: 6, bits: 1 }, { name: 'DR', at: 7, bits: 1 }, DID, AM, IH, ADDR],
    scope: iotlb,
    offences: rangeOffences,
  },
  {
    opcode: 3,
    name: 'device-TLB invalidation',
    section: 'VT-d 6.5.2.5',
    fields: [{ name: 'MIP', at: 16, bits: 5 }, SID, ...PFSID, { name: 'S', at: 64, bits: 1 }, ADDR],
    scope: deviceTlb,
  },
  {
    opcode: 4,
    name: 'interrupt entry cache invalidation',
    section: 'VT-d 6.5.2.7',
    fields: [
      { name: 'G', at: 4, bits: 1 },
      { name: 'IM', at: 27, bits: 5 },
      { name: 'IIDX', at: 32, bits: 16 },
    ],
  },
  {
    opcode: 5,
    name: 'invalidation wait',
    section: 'VT-d 6.5.2.8',
    fields: [
      { name: 'IF', at: 4, bits: 1 },
      { name: 'SW', at: 5, bits: 1 },
      { name: 'FN', at: 6, bits: 1 },
      { name: 'PD', at: 7, bits: 1 },
      { name: 'StatusData', at: 32, bits: 32 },
      { name: 'StatusAddress', at: 66, bits: 62, shift: 2 },
    ],
    scope: wait,
  },
  {
    opcode: 6,
    name: 'PASID-based IOTLB invalidation',
    section: 'VT-d 6.5.2.4',
    fields: [GRANULARITY, DID, PASID, AM, IH, ADDR],
    scope: pasidIotlb,
    offences: rangeOffences,
  },
  {
    opcode: 7,
    name: 'PASID-cache invalidation',
    section: 'VT-d 6.5.2.2',
    fields: [GRANULARITY, DID, PASID],
    scope: pasidCache,
  },
  {
    opcode: 8,
    name: 'PASID-based device-TLB invalidation',
    section: 'VT-d 6.5.2.6',
    fields: [
      { name: 'MIP', at: 4, bits: 5 },
      { name: 'SID', at: 16, bits: 16 },
      PASID,
      ...PFSID,
      { name: 'G', at: 64, bits: 1 },
      { name: 'S', at: 75, bits: 1 },
      ADDR,
    ],
    scope: pasidDeviceTlb,
  },
  {
    opcode: 9,
    name: 'page group response',
    section: 'VT-d 7.7.1',
    fields: [
      { name: 'PP', at: 4, bits: 1 },
      { name: 'RC', at: 12, bits: 4 },
      { name: 'SID', at: 16, bits: 16 },
      PASID,
      { name: 'LPIG', at: 66, bits: 1 },
      { name: 'PRGI', at: 67, bits: 9 },
    ],
  },
];

/** Decodes descriptors of 16 bytes; those of 32 have two further quadwords, which must be 0. */
export const VTD_DESCRIPTORS: CommandDecoder = new CommandDecoder(
  { unit: 'intel-vtd', types: TYPES, opcode: TYPE, reservedMustBeZero: true },
  DESCRIPTOR_BYTES.narrow / 4,
);

/** The same where IQA.DW is 1. */
export const VTD_WIDE_DESCRIPTORS: CommandDecoder = new CommandDecoder(
  { unit: 'intel-vtd', types: TYPES, opcode: TYPE, reservedMustBeZero: true },
  DESCRIPTOR_BYTES.wide / 4,
);

/** A type's name by its number; `reserved` for all others. */
export function vtdDescriptorName(type: number): string {
  return TYPES.find(({ opcode }) => opcode === type)?.name ?? 'reserved';
}

/** IQERCD.IQEI, why the queue stopped (11.4.9.9). */
export const IQE_REASONS: readonly string[] = [
  'no reason given',
  'the tail is beyond the queue',
  'a descriptor could not be read',
  'a descriptor has a reserved type',
  'a descriptor has reserved bits set',
  'a descriptor has the wrong width',
  'the tail is not aligned',
  'the translation table mode is wrong',
];

/** Source-id of the device that a device-TLB descriptor names; undefined for any other descriptor. */
export function vtdDeviceOf(words: Uint32Array): number | undefined {
  const scope = emptyScope();
  VTD_DESCRIPTORS.scope(words, scope);
  return scope.kind === 'device-tlb' && scope.stream !== ANY ? scope.stream : undefined;
}
