/**
 * A VT-d remapping unit: root, context and PASID tables to the paging structures of each requester (Intel VT-d,
 * chapters 3, 9 and 11).
 * @module
 */
import type { Address } from '../../address.ts';
import type { PhysicalReader } from '../../bus.ts';
import {
  bitsOf,
  type Field,
  fieldsOf,
  isClear,
  type Registers,
  readStructure,
  readWords,
  register,
  registerBits,
  type StructureReader,
} from '../bits.ts';
import { ANY, STAGES } from '../command.ts';
import {
  addMissing,
  bypassLeaf,
  type ContextList,
  contextFault,
  type DeviceContext,
  type DomainTables,
  type IommuModel,
  LISTING_LIMITS,
  type MissingPart,
  type StateNote,
  type Structure,
  walkerOf,
} from '../iommu.ts';
import { configKey } from '../walk/regime.ts';
import { type Access, type Fault, type Leaf, READ, type Reason } from '../walk/types.ts';
import { vtdFirstStage, vtdSecondStage } from '../walk/vtd.ts';
import { vtdFaultText } from './faults.ts';
import { PGTT, wrongPasidEntry } from './pasid.ts';
import { reservedBits } from './reserved.ts';

// 11.4.5 Root Table Address Register
const RTADDR = { ttmAt: 10, scalable: 1, abort: 3 } as const;
// 11.4.4.2 Global Status Register
const GSTS = { TES: 31, RTPS: 30, QIES: 26 } as const;
// 11.4.7.1 Fault Status Register
const FSTS = { PFO: 0, PPF: 1, IQE: 4, ICE: 5, ITE: 6 } as const;
// 11.4.2 Capability Register: SAGAW, MGAW, SSLPS (formerly SLLPS), FS1GP
const CAP = { sagawAt: 8, mgawAt: 16, mgawBits: 6, sslpsAt: 34, fs1gp: 56, fs5lp: 60 } as const;

// 11.4.3 Extended Capability Register: DT and SC, which TM and SNP of second-stage entries need (9.8)
const ECAP_SC = 7;
const ECAP_DT = 2;
// the same: what translation types 1 and 2 need (9.3): DT and PT
const TT_NEEDS: Readonly<Record<number, number>> = { 1: 2, 2: 6 };

const PAGE = 4096;
const ROOT_ENTRY_BYTES = 16;
const LEGACY_CONTEXT_BYTES = 16;
const SCALABLE_CONTEXT_BYTES = 32;
const PASID_ENTRY_BYTES = 64;
/** PASIDs of one PASID table; PASIDs enumerated in one listing at most. */
const PASIDS_PER_TABLE = 64;
const MOST_PASIDS = 1 << 15;
/** Host address bits assumed: the ACPI tables that give the width are not part of a register file. */
const HOST_ADDRESS_BITS = 52;

// 9.3 legacy context entry
const LEGACY_FIELDS: readonly Field[] = [
  { name: 'P', at: 0, bits: 1 },
  { name: 'FPD', at: 1, bits: 1 },
  { name: 'TT', at: 2, bits: 2 },
  { name: 'SSPTPTR', at: 12, bits: 52, shift: 12 },
  { name: 'AW', at: 64, bits: 3 },
  { name: 'DID', at: 72, bits: 16 },
];
// 9.4 scalable-mode context entry
const SCALABLE_FIELDS: readonly Field[] = [
  { name: 'P', at: 0, bits: 1 },
  { name: 'FPD', at: 1, bits: 1 },
  { name: 'DTE', at: 2, bits: 1 },
  { name: 'PASIDE', at: 3, bits: 1 },
  { name: 'PDTS', at: 9, bits: 3 },
  { name: 'PASIDDIRPTR', at: 12, bits: 52, shift: 12 },
  { name: 'RID_PASID', at: 64, bits: 20 },
];
// 9.6 scalable-mode PASID table entry
const PASID_FIELDS: readonly Field[] = [
  { name: 'P', at: 0, bits: 1 },
  { name: 'AW', at: 2, bits: 3 },
  { name: 'SSEE', at: 5, bits: 1 },
  { name: 'PGTT', at: 6, bits: 3 },
  { name: 'SSPTPTR', at: 12, bits: 52, shift: 12 },
  { name: 'DID', at: 64, bits: 16 },
  { name: 'SRE', at: 128, bits: 1 },
  { name: 'FSPM', at: 130, bits: 2 },
  { name: 'NXE', at: 133, bits: 1 },
  { name: 'FSPTPTR', at: 140, bits: 52, shift: 12 },
];

/** ECAP.RPS (11.4.3). */
const ECAP_RPS = 49;

// Table 25: fault reasons of the PASID directory
const FAULTS = { noDirectory: 0x50, directoryClear: 0x51 } as const;
/** Reasons of a PASID that has no entry, or none in memory. */
const NO_ENTRY: ReadonlySet<Reason | undefined> = new Set<Reason>(['context-invalid', 'context-outside-memory']);

type Context = DeviceContext & { readonly code?: number };

interface Where {
  readonly stream: number;
  readonly substream?: number;
  readonly entryAddress: number;
  readonly fields: Record<string, string | number>;
}

function refuse(where: Where, reason: Reason, code: number, why: string): Context {
  return { ...where, action: 'fault', reason, code, why };
}

/** Reads a VT-d unit's configuration and tables from a memory. */
export class VtdUnit implements IommuModel {
  readonly name = 'intel-vtd';
  readonly #reader: StructureReader;
  readonly #registers: Registers;
  readonly #ttm: number;
  #pasidsLeft = 0;
  readonly #root: number;
  readonly #capabilities: {
    readonly mgaw: number;
    readonly super2M: boolean;
    readonly super1G: boolean;
    readonly fs1G: boolean;
  };

  constructor(reader: PhysicalReader, registers: Registers) {
    this.#reader = reader;
    this.#registers = registers;
    const rtaddr = register(registers, 'RTADDR');
    this.#ttm = registerBits(rtaddr, RTADDR.ttmAt, 2);
    this.#root = Number(BigInt.asUintN(52, rtaddr >> 12n)) * PAGE;
    const cap = registers.get('CAP');
    this.#capabilities = {
      mgaw: cap === undefined ? 57 : registerBits(cap, CAP.mgawAt, CAP.mgawBits) + 1,
      super2M: cap === undefined || registerBits(cap, CAP.sslpsAt, 1) === 1,
      super1G: cap === undefined || registerBits(cap, CAP.sslpsAt + 1, 1) === 1,
      fs1G: cap === undefined || registerBits(cap, CAP.fs1gp, 1) === 1,
    };
  }

  state(): readonly StateNote[] {
    const notes: StateNote[] = [];
    const add = (rule: StateNote['rule'], text: string, section: string) => notes.push({ rule, text, section });
    const off = (bit: number): boolean => isClear(this.#registers, 'GSTS', bit);
    if (off(GSTS.TES)) add('translation-off', 'GSTS.TES is 0', 'VT-d 11.4.4.2');
    if (off(GSTS.QIES)) add('queue-off', 'GSTS.QIES is 0: no queued invalidation', 'VT-d 11.4.4.2');
    if (this.#ttm === RTADDR.abort) add('translation-off', 'RTADDR.TTM aborts all requests', 'VT-d 11.4.5');
    const fsts = register(this.#registers, 'FSTS');
    for (const [name, bit] of Object.entries(FSTS)) {
      if (registerBits(fsts, bit, 1) === 0) continue;
      const rule = name === 'PPF' ? 'fault-pending' : 'error-pending';
      add(rule, `FSTS.${name} is set`, 'VT-d 11.4.7.1');
    }
    return notes;
  }

  structures(): readonly Structure[] {
    const structures: Structure[] = [{ name: 'root table', address: this.#root, bytes: PAGE }];
    const iqa = register(this.#registers, 'IQA');
    if (iqa !== 0n) {
      const bytes = PAGE * 2 ** registerBits(iqa, 0, 3);
      structures.push({ name: 'invalidation queue', address: Number(BigInt.asUintN(52, iqa >> 12n)) * PAGE, bytes });
    }
    return structures;
  }

  contexts(): ContextList {
    const contexts: DeviceContext[] = [];
    const missing: MissingPart[] = [];
    this.#pasidsLeft = MOST_PASIDS;
    if (this.#ttm === RTADDR.abort) return { contexts, aborting: 0, missing };
    for (let bus = 0; bus < 256; bus++) {
      for (const half of this.#ttm === RTADDR.scalable ? [0, 1] : [0]) this.#bus(bus, half, contexts, missing);
    }
    return { contexts, aborting: 0, missing };
  }

  context(stream: number, substream?: number): DeviceContext {
    return this.#context(stream, substream);
  }

  /** What a requester's access becomes. */
  translate(
    stream: number,
    iova: Address,
    access: Access = READ,
    substream?: number,
  ): { result: Leaf | Fault; code?: number } {
    const context = this.#context(stream, substream);
    if (context.tables !== undefined) return { result: walkerOf(this.#reader, context.tables).translate(iova, access) };
    const bypass = context.action === 'bypass' ? bypassLeaf(iova, HOST_ADDRESS_BITS) : undefined;
    if (bypass !== undefined) return { result: bypass };
    const code = context.code ?? 0x0d;
    return { result: contextFault(context, iova, vtdFaultText(code)), code };
  }

  /** Lists the requesters of one bus, or of the lower or upper half of its device functions. */
  #bus(bus: number, half: number, contexts: DeviceContext[], missing: MissingPart[]): void {
    const at = this.#root + bus * ROOT_ENTRY_BYTES + half * 8;
    const words = readWords(this.#reader, at, 8);
    if (words === undefined) {
      addMissing(missing, at, 8, 'root table');
      return;
    }
    if (bitsOf(words, 0, 1) === 0) return;
    const table = bitsOf(words, 12, 52) * PAGE;
    const scalable = this.#ttm === RTADDR.scalable;
    const bytes = scalable ? SCALABLE_CONTEXT_BYTES : LEGACY_CONTEXT_BYTES;
    for (let i = 0; i < PAGE / bytes; i++) {
      const low = this.#reader.read32(table + i * bytes);
      if (low === undefined) addMissing(missing, table + i * bytes, bytes, 'context table');
      if (((low ?? 0) & 1) === 0) continue;
      const stream = bus * 256 + half * 128 + i;
      if (contexts.length >= LISTING_LIMITS.contexts) {
        addMissing(missing, table + i * bytes, bytes, 'more contexts than are listed');
        continue;
      }
      if (scalable) contexts.push(...this.#pasids(stream));
      else contexts.push(this.#context(stream, undefined));
    }
  }

  #context(stream: number, substream: number | undefined): Context {
    const scalable = this.#ttm === RTADDR.scalable;
    const devfn = stream % 256;
    const half = scalable && devfn >= 128 ? 8 : 0;
    const rootAt = this.#root + Math.floor(stream / 256) * ROOT_ENTRY_BYTES + half;
    const where = { stream, ...(substream === undefined ? {} : { substream }), fields: {} };
    const codes = scalable ? { fetch: 0x38, clear: 0x39 } : { fetch: 0x08, clear: 0x01 };
    if (this.#ttm === RTADDR.abort)
      return { ...where, entryAddress: rootAt, action: 'abort', reason: 'translation-off' };
    const root = readStructure(this.#reader, 'stream-directory', rootAt, 8);
    const atRoot = { ...where, entryAddress: rootAt };
    if (root === undefined)
      return refuse(atRoot, 'stream-outside-memory', codes.fetch, 'the root entry is not in memory');
    if (bitsOf(root, 0, 1) === 0)
      return refuse(atRoot, 'stream-out-of-range', codes.clear, 'the root entry is not present');
    const reserved = reservedBits(root, scalable ? 'scalableRoot' : 'root');
    if (reserved !== undefined) return refuse(atRoot, 'stream-invalid', reserved.code, reserved.why);
    const table = bitsOf(root, 12, 52) * PAGE;
    return scalable
      ? this.#scalable(where, table + (devfn % 128) * SCALABLE_CONTEXT_BYTES, substream)
      : this.#legacy(where, table + devfn * LEGACY_CONTEXT_BYTES, substream);
  }

  #legacy(where: Omit<Where, 'entryAddress'>, entryAddress: number, substream: number | undefined): Context {
    const words = readStructure(this.#reader, 'stream', entryAddress, LEGACY_CONTEXT_BYTES);
    const at = { ...where, entryAddress };
    if (words === undefined) return refuse(at, 'stream-outside-memory', 0x09, 'the context entry is not in memory');
    if (bitsOf(words, 0, 1) === 0) return refuse(at, 'stream-invalid', 0x02, 'the context entry is not present');
    const here = { ...at, fields: fieldsOf(words, LEGACY_FIELDS) };
    if (substream !== undefined) return refuse(here, 'substream-out-of-range', 0x31, 'a PASID in legacy mode');
    const reserved = reservedBits(words, 'context');
    if (reserved !== undefined) return refuse(here, 'stream-invalid', reserved.code, reserved.why);
    const tt = bitsOf(words, 2, 2);
    const needed = TT_NEEDS[tt];
    if (needed !== undefined && isClear(this.#registers, 'ECAP', needed)) {
      return refuse(here, 'stream-invalid', 0x03, `TT is ${tt}, which ECAP does not offer`);
    }
    if (tt === 2) return { ...here, action: 'bypass' };
    const levels = bitsOf(words, 64, 3) + 2;
    if (tt === 3 || !this.#offersLevels(levels)) return refuse(here, 'stream-invalid', 0x03, 'TT or AW is reserved');
    const tables = this.#second(bitsOf(words, 12, 52) * PAGE, levels, bitsOf(words, 72, 16), 'legacy', false);
    return { ...here, action: 'translate', tables };
  }

  #scalable(where: Omit<Where, 'entryAddress'>, entryAddress: number, substream: number | undefined): Context {
    const words = readStructure(this.#reader, 'stream', entryAddress, SCALABLE_CONTEXT_BYTES);
    const at = { ...where, entryAddress };
    if (words === undefined) return refuse(at, 'stream-outside-memory', 0x40, 'the context entry is not in memory');
    if (bitsOf(words, 0, 1) === 0) return refuse(at, 'stream-invalid', 0x41, 'the context entry is not present');
    const here = { ...at, fields: fieldsOf(words, SCALABLE_FIELDS) };
    const reserved = reservedBits(words, 'scalableContext');
    if (reserved !== undefined) return refuse(here, 'stream-invalid', reserved.code, reserved.why);
    const pasid = substream ?? this.#ridPasid(bitsOf(words, 64, 20));
    if (pasid >= 2 ** (bitsOf(words, 9, 3) + 7) * PASIDS_PER_TABLE) {
      return refuse(here, 'substream-out-of-range', 0x46, 'the PASID is beyond the directory');
    }
    const directoryAt = bitsOf(words, 12, 52) * PAGE + Math.floor(pasid / PASIDS_PER_TABLE) * 8;
    const directory = readStructure(this.#reader, 'substream-directory', directoryAt, 8);
    const atDirectory = { ...here, entryAddress: directoryAt };
    if (directory === undefined) {
      return refuse(
        atDirectory,
        'context-outside-memory',
        FAULTS.noDirectory,
        'the PASID directory entry is not in memory',
      );
    }
    if (bitsOf(directory, 0, 1) === 0) {
      return refuse(
        atDirectory,
        'substream-out-of-range',
        FAULTS.directoryClear,
        'the PASID directory entry is not present',
      );
    }
    const inDirectory = reservedBits(directory, 'directory');
    if (inDirectory !== undefined) return refuse(atDirectory, 'context-invalid', inDirectory.code, inDirectory.why);
    return this.#pasid(here, pasid, bitsOf(directory, 12, 52) * PAGE + (pasid % PASIDS_PER_TABLE) * PASID_ENTRY_BYTES);
  }

  /** The PASID of requests without one: 0 where ECAP.RPS is clear, since RID_PASID is then ignored (9.4, 11.4.3). */
  #ridPasid(field: number): number {
    return isClear(this.#registers, 'ECAP', ECAP_RPS) ? 0 : field;
  }

  #pasid(here: Where, pasid: number, entryAddress: number): Context {
    const words = readStructure(this.#reader, 'substream', entryAddress, PASID_ENTRY_BYTES);
    const at = { ...here, entryAddress };
    if (words === undefined)
      return refuse(at, 'context-outside-memory', 0x58, 'the PASID table entry is not in memory');
    if (bitsOf(words, 0, 1) === 0) return refuse(at, 'context-invalid', 0x59, 'the PASID table entry is not present');
    const where = { ...at, fields: { ...here.fields, ...fieldsOf(words, PASID_FIELDS) } };
    const wrong = wrongPasidEntry(words, this.#registers);
    if (wrong !== undefined) return refuse(where, 'context-invalid', wrong.code, wrong.why);
    const pgtt = bitsOf(words, 6, 3);
    if (pgtt === PGTT.passThrough) return { ...where, action: 'bypass' };
    const tables = this.#stages(words, pgtt, pasid);
    if (tables === undefined) return refuse(where, 'context-invalid', 0x5b, 'PGTT, AW or FSPM is reserved');
    return { ...where, action: 'translate', tables };
  }

  /** Whether second-stage tables may have so many levels: AW, and SAGAW where it is known (bit 1: three levels). */
  #offersLevels(levels: number): boolean {
    return levels >= 3 && levels <= 5 && !isClear(this.#registers, 'CAP', CAP.sagawAt + levels - 2);
  }

  #stages(words: Uint32Array, pgtt: number, pasid: number): DomainTables | undefined {
    const did = bitsOf(words, 64, 16);
    const levels = bitsOf(words, 2, 3) + 2;
    const wantsSecond = pgtt === PGTT.second || pgtt === PGTT.nested;
    if (wantsSecond && !this.#offersLevels(levels)) return undefined;
    const execute = bitsOf(words, 5, 1) === 1;
    const second = wantsSecond ? this.#second(bitsOf(words, 12, 52) * PAGE, levels, did, 'second', execute) : undefined;
    if (pgtt === PGTT.second) return second;
    if (pgtt !== PGTT.first && pgtt !== PGTT.nested) return undefined;
    const fspm = bitsOf(words, 130, 2);
    if (fspm > 1 || (fspm === 1 && isClear(this.#registers, 'CAP', CAP.fs5lp))) return undefined;
    const first = this.#first(bitsOf(words, 140, 52) * PAGE, 4 + fspm, did, bitsOf(words, 133, 1) === 1, pasid);
    return second === undefined ? first : { ...first, key: `${first.key}/${second.key}`, stage2: second.regime };
  }

  #second(root: number, levels: number, did: number, mode: 'legacy' | 'second', execute: boolean): DomainTables {
    const { mgaw, super2M, super1G } = this.#capabilities;
    const superpages = { superpage2M: super2M, superpage1G: super1G };
    const bits = {
      snoop: !isClear(this.#registers, 'ECAP', ECAP_SC),
      transient: !isClear(this.#registers, 'ECAP', ECAP_DT),
    };
    const config = { root, levels, inputBits: mgaw, oas: HOST_ADDRESS_BITS, ...superpages, ...bits, execute, mode };
    const ias = Math.min(12 + 9 * levels, mgaw);
    return {
      key: `ss/${configKey(config)}/${mode}`,
      id: `did ${did}`,
      root,
      geometry: { format: 'vtd-ss', granule: PAGE, ias, oas: HOST_ADDRESS_BITS },
      regime: vtdSecondStage(config),
      tag: { domain: did, space: ANY, stages: STAGES.second },
    };
  }

  #first(root: number, levels: number, did: number, execute: boolean, pasid: number): DomainTables {
    const superpages = { superpage2M: true, superpage1G: this.#capabilities.fs1G };
    const config = { root, levels, oas: HOST_ADDRESS_BITS, ...superpages, execute, mode: 'first' } as const;
    return {
      key: `fs/${configKey(config)}`,
      id: `did ${did}`,
      root,
      geometry: { format: 'vtd-fs', granule: PAGE, ias: 12 + 9 * levels, oas: HOST_ADDRESS_BITS },
      regime: vtdFirstStage(config),
      tag: { domain: did, space: pasid, stages: STAGES.first },
    };
  }

  /** The context of a requester without PASID, and one for each further PASID with an entry. */
  #pasids(stream: number): DeviceContext[] {
    const plain = this.#context(stream, undefined);
    const contexts: DeviceContext[] = [plain];
    const own = this.#ridPasid(Number(plain.fields['RID_PASID'] ?? 0));
    if (plain.fields['PDTS'] === undefined) return contexts;
    const most = Math.min(2 ** (Number(plain.fields['PDTS']) + 7) * PASIDS_PER_TABLE, MOST_PASIDS);
    for (let pasid = 0; pasid < most && this.#pasidsLeft-- > 0; pasid++) {
      const context = this.#context(stream, pasid);
      const absent = context.code === FAULTS.noDirectory || context.code === FAULTS.directoryClear;
      if (absent) pasid += PASIDS_PER_TABLE - 1 - (pasid % PASIDS_PER_TABLE);
      else if (pasid !== own && !NO_ENTRY.has(context.reason)) contexts.push(context);
    }
    return contexts;
  }
}
