/**
 * An AMD I/O MMU: device table entries to host page tables, or through a GCR3 table to guest page tables (AMD 48882, 2.2.2
 * and 3.4). Guest tables on top of host tables and device table segments are refused by name.
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
  type MissingPart,
  type StateNote,
  type Structure,
  walkerOf,
} from '../iommu.ts';
import { amdSyndrome, amdV1 } from '../walk/amd.ts';
import { type Access, type Fault, type Leaf, READ, type Reason } from '../walk/types.ts';
import { vtdFirstStage } from '../walk/vtd.ts';

const PAGE = 4096;
const DTE_BYTES = 32;
const PHYSICAL_BITS = 52;

// 48882 2.2.2.1, device table entry
const DTE_FIELDS: readonly Field[] = [
  { name: 'V', at: 0, bits: 1 },
  { name: 'TV', at: 1, bits: 1 },
  { name: 'HAD', at: 7, bits: 2 },
  { name: 'Mode', at: 9, bits: 3 },
  { name: 'HostPageTableRootPtr', at: 12, bits: 40, shift: 12 },
  { name: 'GIOV', at: 54, bits: 1 },
  { name: 'GV', at: 55, bits: 1 },
  { name: 'GLX', at: 56, bits: 2 },
  { name: 'IR', at: 61, bits: 1 },
  { name: 'IW', at: 62, bits: 1 },
  { name: 'DomainID', at: 64, bits: 16 },
  { name: 'SE', at: 97, bits: 1 },
  { name: 'SA', at: 98, bits: 1 },
];
/** Reserved in every revision of 48882, with V = 1: first bit and number of bits (2.2.2.1). */
const RESERVED_BITS = [
  [2, 5],
  [63, 1],
  [180, 2],
  [192, 15],
  [241, 5],
] as const;
// 3.4.2 IOMMU Control Register, 3.4.3.12 IOMMU Status Register
const CONTROL = { IommuEn: 0, EventLogEn: 2, CmdBufEn: 12, devTblSegEnAt: 34 } as const;
const STATUS = { EventOverflow: 0 } as const;

/** PASIDs that a GCR3 table of GLX + 1 levels has: 9 bits a level, 20 at most (2.2.3.3). */
const PASID_BITS = [9, 18, 20];

/** GCR3 table root pointer, in three pieces (2.2.2.1). */
function gcr3Root(words: Uint32Array): number {
  return bitsOf(words, 58, 3) * 2 ** 12 + bitsOf(words, 80, 16) * 2 ** 15 + bitsOf(words, 107, 21) * 2 ** 31;
}

/** Device table entries that translate are listed; those that forward or abort everything are counted. */
export class AmdVi implements IommuModel {
  readonly name = 'amd-vi';
  readonly #reader: StructureReader;
  readonly #registers: Registers;
  readonly #table: number;
  readonly #count: number;

  constructor(reader: PhysicalReader, registers: Registers) {
    this.#reader = reader;
    this.#registers = registers;
    const base = register(registers, 'DEV_TAB_BASE');
    this.#table = registerBits(base, 12, 40) * PAGE;
    this.#count = ((registerBits(base, 0, 9) + 1) * PAGE) / DTE_BYTES;
  }

  state(): readonly StateNote[] {
    const notes: StateNote[] = [];
    const off = (bit: number): boolean => isClear(this.#registers, 'CONTROL', bit);
    const add = (rule: StateNote['rule'], text: string, section: string) => notes.push({ rule, text, section });
    if (off(CONTROL.IommuEn)) add('translation-off', 'IommuEn is 0', 'AMD 48882 3.4.2');
    if (off(CONTROL.CmdBufEn)) add('queue-off', 'CmdBufEn is 0', 'AMD 48882 3.4.2');
    if (off(CONTROL.EventLogEn)) add('queue-off', 'EventLogEn is 0', 'AMD 48882 3.4.2');
    if (registerBits(register(this.#registers, 'STATUS'), STATUS.EventOverflow, 1) === 1) {
      add('error-pending', 'the event log overflowed: events were lost', 'AMD 48882 2.5.2');
    }
    return notes;
  }

  structures(): readonly Structure[] {
    const all: Structure[] = [{ name: 'device table', address: this.#table, bytes: this.#count * DTE_BYTES }];
    for (const [name, words] of [
      ['CMD_BUF', 'command buffer'],
      ['EVENT_LOG', 'event log'],
    ] as const) {
      const base = register(this.#registers, `${name}_BASE`);
      const length = registerBits(base, 56, 4);
      if (base !== 0n) all.push({ name: words, address: registerBits(base, 12, 40) * PAGE, bytes: 2 ** length * 16 });
    }
    return all;
  }

  contexts(): ContextList {
    const contexts: DeviceContext[] = [];
    const missing: MissingPart[] = [];
    let aborting = 0;
    for (let stream = 0; stream < this.#count; stream++) {
      const at = this.#table + stream * DTE_BYTES;
      const low = this.#reader.read32(at);
      if (low === undefined) {
        addMissing(missing, at, DTE_BYTES, 'device table');
      } else if (low & 1) {
        const context = this.context(stream);
        if (context.action === 'abort') aborting++;
        else contexts.push(context);
      }
    }
    return { contexts, aborting, missing };
  }

  context(stream: number, substream?: number): DeviceContext {
    const entryAddress = this.#table + stream * DTE_BYTES;
    const at = { stream, ...(substream === undefined ? {} : { substream }), entryAddress, fields: {} };
    const segments = registerBits(register(this.#registers, 'CONTROL'), CONTROL.devTblSegEnAt, 3);
    if (segments !== 0) {
      return { ...at, action: 'fault', reason: 'not-supported', why: 'device table segments are not read here' };
    }
    if (stream >= this.#count) {
      return { ...at, action: 'fault', reason: 'stream-out-of-range', why: 'the device table has no such device' };
    }
    const words = readStructure(this.#reader, 'stream', entryAddress, DTE_BYTES);
    if (words === undefined) {
      return {
        ...at,
        action: 'fault',
        reason: 'stream-outside-memory',
        why: 'the device table entry is not in memory',
      };
    }
    return this.#entry({ ...at, fields: fieldsOf(words, DTE_FIELDS) }, words);
  }

  #entry(at: Omit<DeviceContext, 'action'>, words: Uint32Array): DeviceContext {
    const mode = bitsOf(words, 9, 3);
    const rights = { read: bitsOf(words, 61, 1) === 1, write: bitsOf(words, 62, 1) === 1 };
    if (bitsOf(words, 0, 1) === 0) return { ...at, action: 'bypass' };
    if (RESERVED_BITS.some(([first, bits]) => bitsOf(words, first, bits) !== 0)) {
      return {
        ...at,
        action: 'fault',
        reason: 'stream-invalid',
        why: 'reserved bits of the device table entry are set',
      };
    }
    if (bitsOf(words, 1, 1) === 0) return { ...at, action: 'abort', reason: 'stream-invalid', why: 'TV is 0' };
    const guest = bitsOf(words, 55, 1) === 1;
    const pasid = at.substream ?? (bitsOf(words, 54, 1) === 1 ? 0 : undefined);
    if (guest && pasid !== undefined) return this.#guest(at, words, mode, pasid);
    if (at.substream !== undefined) {
      return { ...at, action: 'fault', reason: 'substream-out-of-range', why: 'GV is 0: no request with a PASID' };
    }
    if (mode === 7) return { ...at, action: 'fault', reason: 'stream-invalid', why: 'Mode is reserved' };
    if (mode === 0) return { ...at, action: rights.read || rights.write ? 'bypass' : 'abort', reason: 'stream-aborts' };
    return { ...at, action: 'translate', tables: this.#tables(words, mode, rights) };
  }

  /** Guest translation: the GCR3 table names the tables of each PASID, in the processor's format. */
  #guest(at: Omit<DeviceContext, 'action'>, words: Uint32Array, mode: number, pasid: number): DeviceContext {
    const refuse = (reason: Reason, why: string): DeviceContext => ({ ...at, action: 'fault', reason, why });
    if (mode !== 0) return refuse('not-supported', 'guest tables on top of host tables are not read here');
    const levels = bitsOf(words, 182, 2) + 4;
    if (levels > 5) return refuse('stream-invalid', 'GuestPagingMode is reserved');
    const bits = PASID_BITS[bitsOf(words, 56, 2)];
    if (bits === undefined) return refuse('stream-invalid', 'GLX is reserved');
    if (pasid >= 2 ** bits) return refuse('substream-out-of-range', `GLX allows PASIDs of ${bits} bits`);
    let table = gcr3Root(words);
    for (let level = bitsOf(words, 56, 2); ; level--) {
      const kind = level === 0 ? 'substream' : 'substream-directory';
      const entry = readStructure(this.#reader, kind, table + (Math.floor(pasid / 2 ** (9 * level)) % 512) * 8, 8);
      if (entry === undefined) return refuse('context-outside-memory', 'the GCR3 table entry is not in memory');
      if (bitsOf(entry, 0, 1) === 0) return refuse('context-invalid', 'the GCR3 table entry is not valid');
      table = bitsOf(entry, 12, 40) * PAGE;
      if (level === 0) break;
    }
    return { ...at, action: 'translate', tables: guestTables(table, levels, bitsOf(words, 64, 16), pasid) };
  }

  #tables(words: Uint32Array, mode: number, rights: { readonly read: boolean; readonly write: boolean }): DomainTables {
    const root = bitsOf(words, 12, 40) * PAGE;
    return {
      key: `amd/${root}/${mode}/${rights.read}/${rights.write}`,
      id: `domain ${bitsOf(words, 64, 16)}`,
      root,
      geometry: { format: 'amd-v1', granule: PAGE, ias: Math.min(64, 12 + 9 * mode), oas: PHYSICAL_BITS },
      regime: amdV1({ root, levels: mode, oas: PHYSICAL_BITS, ...rights }),
      tag: { domain: bitsOf(words, 64, 16), space: ANY, stages: STAGES.second },
    };
  }

  /** What a device's access becomes. */
  translate(stream: number, iova: Address, access: Access = READ, substream?: number): { result: Leaf | Fault } {
    const context = this.context(stream, substream);
    if (context.tables !== undefined) return { result: walkerOf(this.#reader, context.tables).translate(iova, access) };
    const bypass = context.action === 'bypass' ? bypassLeaf(iova, PHYSICAL_BITS) : undefined;
    return { result: bypass ?? contextFault(context, iova, 'ILLEGAL_DEV_TABLE_ENTRY or IO_PAGE_FAULT') };
  }
}

function guestTables(root: number, levels: number, domain: number, pasid: number): DomainTables {
  const superpages = { superpage2M: true, superpage1G: true } as const;
  const shared = { root, levels, oas: PHYSICAL_BITS, ...superpages, execute: true, mode: 'first' } as const;
  return {
    key: `amd-guest/${root}/${levels}`,
    id: `domain ${domain}, pasid ${pasid}`,
    root,
    geometry: { format: 'x86-64', granule: PAGE, ias: 12 + 9 * levels, oas: PHYSICAL_BITS },
    regime: vtdFirstStage({ ...shared, syndrome: amdSyndrome }),
    tag: { domain, space: pasid, stages: STAGES.first },
  };
}
