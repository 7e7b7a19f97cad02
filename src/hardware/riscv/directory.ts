/**
 * Locating a device context and a process context, and what makes them misconfigured (RISC-V IOMMU 1.0, 3.1.4, 3.2.3,
 * 3.3.1, 3.3.2).
 * @module
 */

import type { StructureKind } from '../bits.ts';
import type { RiscvFeatures } from './capabilities.ts';
import { CAUSE } from './causes.ts';
import type { LoadFailure, RequestMemory } from './memory.ts';

/** A fault of a request: its cause, and for a guest-page fault what iotval2 holds. */
export interface RequestFault {
  readonly cause: number;
  readonly iotval2: bigint;
  /** The entry at which it stopped. */
  readonly at?: bigint;
}

/** Makes a fault that has no guest address. */
export function fault(cause: number, at?: bigint): RequestFault {
  return { cause, iotval2: 0n, ...(at === undefined ? {} : { at }) };
}

/** Whether a result is a fault. */
export function isFault<T extends object>(value: T | RequestFault): value is RequestFault {
  return 'cause' in value;
}

/** A device context: its doublewords and where it lies. */
export interface LocatedContext {
  readonly words: readonly bigint[];
  readonly address: bigint;
}

/** Bits `at` and up of a doubleword. */
export function field(words: readonly bigint[], word: number, at: number, bits: number): bigint {
  return BigInt.asUintN(bits, (words[word] ?? 0n) >> BigInt(at));
}

/** Bits of translation control, tc (3.1.3.1). */
export const TC = {
  V: 0,
  EN_ATS: 1,
  EN_PRI: 2,
  T2GPA: 3,
  DTF: 4,
  PDTV: 5,
  PRPR: 6,
  GADE: 7,
  SADE: 8,
  DPE: 9,
  SBE: 10,
  SXL: 11,
} as const;

/** A bit of tc. */
export function tc(words: readonly bigint[], bit: number): boolean {
  return field(words, 0, bit, 1) === 1n;
}

/** The page that the PPN of a 64-bit entry or pointer with the PPN from bit `at` names. */
export function pageOf(word: bigint, at: number): bigint {
  return BigInt.asUintN(44, word >> BigInt(at)) << 12n;
}

/** MODE of a pointer doubleword, bits 63:60. */
export function modeOf(word: bigint): number {
  return Number(word >> 60n);
}

// 3.1.1, 3.2.1 non-leaf entries: V, reserved 9:1, PPN 53:10, reserved 63:54
const NON_LEAF_RESERVED = (0x3ffn << 54n) | 0x3fen;

/** Bits of a device id for each level of the directory, from the leaf up (3.1). */
function deviceIndexBits({ msiFlat }: RiscvFeatures): readonly [number, number, number] {
  return msiFlat ? [6, 9, 9] : [7, 9, 8];
}

function indexes(id: number, bits: readonly number[]): number[] {
  let rest = id;
  return bits.map((width) => {
    const index = rest % 2 ** width;
    rest = Math.floor(rest / 2 ** width);
    return index;
  });
}

function nonLeaf(memory: RequestMemory, kind: StructureKind, at: bigint, bigEndian: boolean): bigint | LoadFailure {
  const words = memory.structure(kind, at, 1, bigEndian);
  return typeof words === 'string' ? words : (words[0] ?? 0n);
}

function loadFault(failure: LoadFailure, access: number, corrupt: number, at: bigint): RequestFault {
  return fault(failure === 'access' ? access : corrupt, at);
}

/** Levels of the device directory by ddtp.iommu_mode: 2 one, 3 two, 4 three. */
function directoryLevels(features: RiscvFeatures): number {
  return features.mode - 1;
}

/** Whether a device id is wider than the directory. */
export function deviceTooWide(features: RiscvFeatures, id: number): boolean {
  const levels = directoryLevels(features);
  const width = deviceIndexBits(features)
    .slice(0, levels)
    .reduce((sum, bits) => sum + bits, 0);
  return id >= 2 ** width;
}

/** The device context of a device id that is not too wide (3.3.1). */
export function locateDevice(
  memory: RequestMemory,
  features: RiscvFeatures,
  id: number,
): LocatedContext | RequestFault {
  const index = indexes(id, deviceIndexBits(features));
  let table = features.root;
  for (let level = directoryLevels(features) - 1; level > 0; level--) {
    const at = table + BigInt((index[level] ?? 0) * 8);
    const entry = nonLeaf(memory, 'stream-directory', at, features.bigEndian);
    if (typeof entry === 'string') return loadFault(entry, CAUSE.ddtAccess, CAUSE.ddtCorrupt, at);
    if ((entry & 1n) === 0n) return fault(CAUSE.ddtNotValid, at);
    if ((entry & NON_LEAF_RESERVED) !== 0n) return fault(CAUSE.ddtMisconfigured, at);
    table = pageOf(entry, 10);
  }
  const doublewords = features.msiFlat ? 8 : 4;
  const address = table + BigInt((index[0] ?? 0) * doublewords * 8);
  const words = memory.structure('stream', address, doublewords, features.bigEndian);
  if (typeof words === 'string') return loadFault(words, CAUSE.ddtAccess, CAUSE.ddtCorrupt, address);
  if (!tc(words, TC.V)) return fault(CAUSE.ddtNotValid, address);
  if (isMisconfigured(words, features)) return fault(CAUSE.ddtMisconfigured, address);
  return { words, address };
}

// Reserved bits of the doublewords of a device context (3.1.3): tc, ta, fsc, msiptp, mask, pattern, last
const TC_RESERVED = (0xffff_ffffn << 32n) | (0xfffn << 12n);
const TA_RESERVED = (0xffn << 32n) | 0xfffn;
const TA_QOS = 0xff_ffffn << 40n;
const POINTER_RESERVED = 0xffffn << 44n;
const PATTERN_RESERVED = 0xfffn << 52n;

function hasReservedBits(words: readonly bigint[], { msiFlat, qosId }: RiscvFeatures): boolean {
  const [control = 0n, , ta = 0n, fsc = 0n, msiptp = 0n, mask = 0n, pattern = 0n, last = 0n] = words;
  const base = (control & TC_RESERVED) | (ta & (qosId ? TA_RESERVED : TA_RESERVED | TA_QOS)) | (fsc & POINTER_RESERVED);
  const extended = msiFlat ? (msiptp & POINTER_RESERVED) | ((mask | pattern) & PATTERN_RESERVED) | last : 0n;
  return (base | extended) !== 0n;
}

function requestsMisconfigured(words: readonly bigint[], features: RiscvFeatures): boolean {
  const [ats, pri, prpr, t2gpa] = [TC.EN_ATS, TC.EN_PRI, TC.PRPR, TC.T2GPA].map((bit) => tc(words, bit));
  if (!features.ats && (ats || pri || prpr)) return true;
  if (!ats && (t2gpa || pri)) return true;
  if (!pri && prpr) return true;
  return t2gpa === true && (!features.t2gpa || modeOf(words[1] ?? 0n) === 0);
}

/** Whether a first-stage MODE is one that the IOMMU supports for this SXL; Bare is. */
export function firstModeSupported(mode: number, sxl: boolean, features: RiscvFeatures): boolean {
  if (mode === 0) return true;
  return sxl ? mode === 8 && features.sv32 : features.firstModes.has(mode);
}

function secondMisconfigured(iohgatp: bigint, features: RiscvFeatures): boolean {
  const mode = modeOf(iohgatp);
  if (mode === 0) return false;
  const supported = features.gxl ? mode === 8 && features.sv32x4 : features.secondModes.has(mode);
  return !supported || (pageOf(iohgatp, 0) & 0x3fffn) !== 0n;
}

function firstMisconfigured(words: readonly bigint[], features: RiscvFeatures): boolean {
  const mode = modeOf(words[3] ?? 0n);
  if (tc(words, TC.PDTV)) return mode !== 0 && !features.processModes.has(mode);
  return tc(words, TC.DPE) || !firstModeSupported(mode, tc(words, TC.SXL), features);
}

function widthsMisconfigured(words: readonly bigint[], features: RiscvFeatures): boolean {
  const sxl = tc(words, TC.SXL);
  const sbe = tc(words, TC.SBE);
  if (features.gxl ? !sxl : sxl && !features.gxlWritable) return true;
  if (sbe !== features.bigEndian && !(features.bothEndian && features.beWritable)) return true;
  const [rcid, mcid] = [Number(field(words, 2, 40, 12)), Number(field(words, 2, 52, 12))];
  return features.qosId && (rcid > features.rcidMask || mcid > features.mcidMask);
}

/** An MSI mode that is reserved, or in use without a second stage: interrupt files have guest addresses. */
function msiMisconfigured(words: readonly bigint[]): boolean {
  const mode = modeOf(words[4] ?? 0n);
  return mode > 1 || (mode === 1 && modeOf(words[1] ?? 0n) === 0);
}

/** The configuration checks of a valid device context (3.1.4). */
export function isMisconfigured(words: readonly bigint[], features: RiscvFeatures): boolean {
  if (hasReservedBits(words, features) || requestsMisconfigured(words, features)) return true;
  if (firstMisconfigured(words, features) || secondMisconfigured(words[1] ?? 0n, features)) return true;
  if (features.msiFlat && msiMisconfigured(words)) return true;
  if (!features.hardwareAd && (tc(words, TC.SADE) || tc(words, TC.GADE))) return true;
  return widthsMisconfigured(words, features);
}

// 3.2.2 process context: ta has V, ENS, SUM, reserved 11:3, PSCID, reserved 63:32; fsc has reserved 59:44
const PC_TA_RESERVED = (0xffff_ffffn << 32n) | 0xff8n;
/** Bits of a process id for each level, from the leaf up (3.2). */
const PROCESS_INDEX_BITS = [8, 9, 3];

/** Whether a process id is wider than pdtp.MODE takes; Bare has no directory. */
export function processTooWide(mode: number, id: number): boolean {
  const width = PROCESS_INDEX_BITS.slice(0, mode).reduce((sum, bits) => sum + bits, 0);
  return mode !== 0 && id >= 2 ** width;
}

/** Turns the address of a first-stage structure into a physical one: through the second stage, or unchanged. */
export type ImplicitAddress = (guest: bigint) => bigint | RequestFault;

/** The process context of a process id that is not too wide (3.3.2). */
export function locateProcess(
  memory: RequestMemory,
  features: RiscvFeatures,
  device: readonly bigint[],
  id: number,
  physical: ImplicitAddress,
): LocatedContext | RequestFault {
  const pdtp = device[3] ?? 0n;
  const bigEndian = tc(device, TC.SBE);
  const index = indexes(id, PROCESS_INDEX_BITS);
  let guest = pageOf(pdtp, 0);
  for (let level = modeOf(pdtp) - 1; level > 0; level--) {
    const at = physical(guest + BigInt((index[level] ?? 0) * 8));
    if (typeof at !== 'bigint') return at;
    const entry = nonLeaf(memory, 'substream-directory', at, bigEndian);
    if (typeof entry === 'string') return loadFault(entry, CAUSE.pdtAccess, CAUSE.pdtCorrupt, at);
    if ((entry & 1n) === 0n) return fault(CAUSE.pdtNotValid, at);
    if ((entry & NON_LEAF_RESERVED) !== 0n) return fault(CAUSE.pdtMisconfigured, at);
    guest = pageOf(entry, 10);
  }
  const address = physical(guest + BigInt((index[0] ?? 0) * 16));
  if (typeof address !== 'bigint') return address;
  const words = memory.structure('substream', address, 2, bigEndian);
  if (typeof words === 'string') return loadFault(words, CAUSE.pdtAccess, CAUSE.pdtCorrupt, address);
  const [ta = 0n, fsc = 0n] = words;
  if ((ta & 1n) === 0n) return fault(CAUSE.pdtNotValid, address);
  const supported = firstModeSupported(modeOf(fsc), tc(device, TC.SXL), features);
  const reserved = (ta & PC_TA_RESERVED) | (fsc & POINTER_RESERVED);
  return reserved !== 0n || !supported ? fault(CAUSE.pdtMisconfigured, address) : { words, address };
}
