/**
 * An AMD I/O MMU: device table entries to host page tables (AMD 48882, 2.2.2 and 3.4). Guest (GCR3) tables and device
 * table segments are refused by name.
 * @module
 */
import type { Address } from '../../address.ts';
import type { PhysicalReader } from '../../bus.ts';
import { bitsOf, type Field, fieldsOf, isClear, type Registers, readWords, register, registerBits } from '../bits.ts';
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
import { amdV1 } from '../walk/amd.ts';
import { type Access, type Fault, type Leaf, READ } from '../walk/types.ts';

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
  { name: 'GV', at: 55, bits: 1 },
  { name: 'IR', at: 61, bits: 1 },
  { name: 'IW', at: 62, bits: 1 },
  { name: 'DomainID', at: 64, bits: 16 },
  { name: 'SE', at: 97, bits: 1 },
  { name: 'SA', at: 98, bits: 1 },
];
// 3.4.2 IOMMU Control Register, 3.4.3.12 IOMMU Status Register
const CONTROL = { IommuEn: 0, EventLogEn: 2, CmdBufEn: 12, devTblSegEnAt: 34 } as const;
const STATUS = { EventOverflow: 0 } as const;

/** Device table entries that translate are listed; those that forward or abort everything are counted. */
export class AmdVi implements IommuModel {
  readonly name = 'amd-vi';
  readonly #reader: PhysicalReader;
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
        const bytes = Math.min(PAGE - (at % PAGE), (this.#count - stream) * DTE_BYTES);
        addMissing(missing, at, bytes, 'device table');
        stream += bytes / DTE_BYTES - 1;
      } else if (low & 1) {
        const context = this.context(stream);
        if (context.action === 'abort') aborting++;
        else contexts.push(context);
      }
    }
    return { contexts, aborting, missing };
  }

  context(stream: number): DeviceContext {
    const entryAddress = this.#table + stream * DTE_BYTES;
    const at = { stream, entryAddress, fields: {} };
    const segments = registerBits(register(this.#registers, 'CONTROL'), CONTROL.devTblSegEnAt, 3);
    if (segments !== 0) {
      return { ...at, action: 'fault', reason: 'not-supported', why: 'device table segments are not read here' };
    }
    if (stream >= this.#count) {
      return { ...at, action: 'fault', reason: 'stream-out-of-range', why: 'the device table has no such device' };
    }
    const words = readWords(this.#reader, entryAddress, DTE_BYTES);
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
    if (bitsOf(words, 1, 1) === 0) return { ...at, action: 'abort', reason: 'stream-invalid', why: 'TV is 0' };
    if (bitsOf(words, 55, 1) === 1) {
      return {
        ...at,
        action: 'fault',
        reason: 'not-supported',
        why: 'guest translation (GCR3 tables) is not read here',
      };
    }
    if (mode === 7) return { ...at, action: 'fault', reason: 'stream-invalid', why: 'Mode is reserved' };
    if (mode === 0) return { ...at, action: rights.read || rights.write ? 'bypass' : 'abort', reason: 'stream-aborts' };
    return { ...at, action: 'translate', tables: this.#tables(words, mode, rights) };
  }

  #tables(words: Uint32Array, mode: number, rights: { readonly read: boolean; readonly write: boolean }): DomainTables {
    const root = bitsOf(words, 12, 40) * PAGE;
    return {
      key: `amd/${root}/${mode}/${rights.read}/${rights.write}`,
      id: `domain ${bitsOf(words, 64, 16)}`,
      root,
      geometry: { format: 'amd-v1', granule: PAGE, ias: Math.min(64, 12 + 9 * mode), oas: PHYSICAL_BITS },
      regime: amdV1({ root, levels: mode, oas: PHYSICAL_BITS, ...rights }),
    };
  }

  /** What a device's access becomes. */
  translate(stream: number, iova: Address, access: Access = READ): { result: Leaf | Fault } {
    const context = this.context(stream);
    if (context.tables !== undefined) return { result: walkerOf(this.#reader, context.tables).translate(iova, access) };
    const bypass = context.action === 'bypass' ? bypassLeaf(iova, PHYSICAL_BITS) : undefined;
    return { result: bypass ?? contextFault(context, iova, 'ILLEGAL_DEV_TABLE_ENTRY or IO_PAGE_FAULT') };
  }
}
