/**
 * A RISC-V IOMMU: device directory to first- and second-stage tables (RISC-V IOMMU 1.0, chapters 3 and 6). Process
 * directories are refused by name.
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
  LISTING_LIMITS,
  type MissingPart,
  type StateNote,
  type Structure,
  walkerOf,
} from '../iommu.ts';
import { riscvTables } from '../walk/riscv.ts';
import { type Access, type Fault, type Leaf, READ, type Reason } from '../walk/types.ts';

const PAGE = 4096;

// 6.3 capabilities: MSI_FLAT, PAS; 6.5 ddtp: iommu_mode, PPN
const MSI_FLAT = 22;
const PAS_AT = 32;
const DDTP = { modeBits: 4, ppnAt: 10, off: 0, bare: 1, lvl1: 2, lvl3: 4 } as const;
// 6.12 cqcsr, 6.13 fqcsr
const CSR = { enable: 0, memoryFault: 8, second: 9, third: 10 } as const;
// 3.1.1 non-leaf entry, 3.1.3 device context
const DC_FIELDS: readonly Field[] = [
  { name: 'V', at: 0, bits: 1 },
  { name: 'EN_ATS', at: 1, bits: 1 },
  { name: 'PDTV', at: 5, bits: 1 },
  { name: 'GADE', at: 7, bits: 1 },
  { name: 'SADE', at: 8, bits: 1 },
  { name: 'SBE', at: 10, bits: 1 },
  { name: 'SXL', at: 11, bits: 1 },
  { name: 'iohgatp.PPN', at: 64, bits: 44, shift: 12 },
  { name: 'GSCID', at: 108, bits: 16 },
  { name: 'iohgatp.MODE', at: 124, bits: 4 },
  { name: 'PSCID', at: 140, bits: 20 },
  { name: 'iosatp.PPN', at: 192, bits: 44, shift: 12 },
  { name: 'iosatp.MODE', at: 252, bits: 4 },
];
/** Modes of iosatp and iohgatp: 0 bare, 8 Sv39, 9 Sv48, 10 Sv57. */
const MODE_BITS: Readonly<Record<number, 39 | 48 | 57>> = { 8: 39, 9: 48, 10: 57 };

// 3.2 causes of device directory faults
const CAUSES: Readonly<Partial<Record<Reason, string>>> = {
  'translation-off': 'all inbound transactions disallowed (cause 256)',
  'stream-outside-memory': 'DDT entry load access fault (cause 257)',
  'stream-invalid': 'DDT entry not valid (cause 258)',
  'context-invalid': 'DDT entry misconfigured (cause 259)',
  'stream-out-of-range': 'transaction type disallowed (cause 260)',
};

/** Reads a RISC-V IOMMU's configuration and tables from a memory. */
export class RiscvIommu implements IommuModel {
  readonly name = 'riscv-iommu';
  readonly #reader: PhysicalReader;
  readonly #registers: Registers;
  readonly #mode: number;
  readonly #root: number;
  readonly #dcBytes: number;
  readonly #physicalBits: number;
  #entriesLeft = 0;

  constructor(reader: PhysicalReader, registers: Registers) {
    this.#reader = reader;
    this.#registers = registers;
    const ddtp = register(registers, 'DDTP');
    const capabilities = registers.get('CAPABILITIES') ?? 0n;
    this.#mode = registerBits(ddtp, 0, DDTP.modeBits);
    this.#root = registerBits(ddtp, DDTP.ppnAt, 44) * PAGE;
    this.#dcBytes = registerBits(capabilities, MSI_FLAT, 1) === 1 ? 64 : 32;
    const pas = registerBits(capabilities, PAS_AT, 6);
    this.#physicalBits = pas === 0 ? 56 : pas;
  }

  state(): readonly StateNote[] {
    const notes: StateNote[] = [];
    const add = (rule: StateNote['rule'], text: string, section: string) => notes.push({ rule, text, section });
    if (this.#mode <= DDTP.bare) add('translation-off', `ddtp.iommu_mode is ${this.#mode}`, 'RISC-V IOMMU 6.5');
    for (const name of ['CQCSR', 'FQCSR']) {
      const value = register(this.#registers, name);
      if (isClear(this.#registers, name, CSR.enable))
        add('queue-off', `${name}: the queue is off`, 'RISC-V IOMMU 6.12');
      const errors = registerBits(value, CSR.memoryFault, name === 'CQCSR' ? 3 : 2);
      if (errors !== 0) add('error-pending', `${name} holds errors: 0x${errors.toString(16)}`, 'RISC-V IOMMU 6.12');
    }
    return notes;
  }

  structures(): readonly Structure[] {
    const all: Structure[] = [];
    if (this.#mode >= DDTP.lvl1) all.push({ name: 'device directory', address: this.#root, bytes: PAGE });
    for (const [name, words, entry] of [
      ['CQB', 'command queue', 16],
      ['FQB', 'fault queue', 32],
      ['PQB', 'page request queue', 16],
    ] as const) {
      const base = register(this.#registers, name);
      const bytes = 2 ** (registerBits(base, 0, 5) + 1) * entry;
      if (base !== 0n) all.push({ name: words, address: registerBits(base, 10, 44) * PAGE, bytes });
    }
    return all;
  }

  contexts(): ContextList {
    const contexts: DeviceContext[] = [];
    const missing: MissingPart[] = [];
    this.#entriesLeft = LISTING_LIMITS.entries;
    const levels = this.#mode - DDTP.lvl1 + 1;
    if (levels >= 1 && this.#mode <= DDTP.lvl3) this.#directory(this.#root, levels - 1, 0, contexts, missing);
    return { contexts, aborting: 0, missing };
  }

  /** Device id bits below a level of the directory (3.1.2). */
  #shift(level: number): number {
    const leaf = this.#dcBytes === 64 ? 6 : 7;
    return level === 0 ? 0 : leaf + (level - 1) * 9;
  }

  #directory(table: number, level: number, first: number, contexts: DeviceContext[], missing: MissingPart[]): void {
    if (this.#reader.read32(table) === undefined) {
      addMissing(missing, table, PAGE, `device directory, level ${level}`);
      return;
    }
    const bytes = level === 0 ? this.#dcBytes : 8;
    // Device ids have 24 bits: the last level of 32-byte contexts has 8 index bits.
    const most = Math.min(PAGE / bytes, 2 ** (24 - this.#shift(level)));
    for (let i = 0; i < most; i++) {
      const at = table + i * bytes;
      if (this.#entriesLeft-- <= 0 || contexts.length >= LISTING_LIMITS.contexts) {
        addMissing(missing, at, (most - i) * bytes, 'more devices than are listed');
        return;
      }
      const words = readWords(this.#reader, at, 8);
      if (words === undefined || bitsOf(words, 0, 1) === 0) continue;
      const id = first + i * 2 ** this.#shift(level);
      if (level === 0) contexts.push(this.context(id));
      else this.#directory(bitsOf(words, 10, 44) * PAGE, level - 1, id, contexts, missing);
    }
  }

  context(stream: number): DeviceContext {
    const levels = this.#mode - DDTP.lvl1 + 1;
    const at = { stream, entryAddress: this.#root, fields: {} };
    if (this.#mode === DDTP.bare) return { ...at, action: 'bypass' };
    if (levels < 1 || this.#mode > DDTP.lvl3) {
      return { ...at, action: 'abort', reason: 'translation-off', why: `ddtp.iommu_mode is ${this.#mode}` };
    }
    if (stream >= 2 ** Math.min(24, this.#shift(levels))) {
      return {
        ...at,
        action: 'fault',
        reason: 'stream-out-of-range',
        why: 'the device id is wider than the directory',
      };
    }
    let table = this.#root;
    for (let level = levels - 1; level > 0; level--) {
      const entryAddress = table + (Math.floor(stream / 2 ** this.#shift(level)) % 512) * 8;
      const words = readWords(this.#reader, entryAddress, 8);
      const bad = this.#unusable({ ...at, entryAddress }, words);
      if (bad !== undefined || words === undefined) return bad ?? { ...at, action: 'fault' };
      table = bitsOf(words, 10, 44) * PAGE;
    }
    const entryAddress = table + (stream % (PAGE / this.#dcBytes)) * this.#dcBytes;
    const words = readWords(this.#reader, entryAddress, this.#dcBytes);
    const bad = this.#unusable({ ...at, entryAddress }, words);
    if (bad !== undefined || words === undefined) return bad ?? { ...at, action: 'fault' };
    return this.#device({ ...at, entryAddress, fields: fieldsOf(words, DC_FIELDS) }, words);
  }

  #unusable(at: Omit<DeviceContext, 'action'>, words: Uint32Array | undefined): DeviceContext | undefined {
    if (words === undefined) {
      return { ...at, action: 'fault', reason: 'stream-outside-memory', why: 'the directory entry is not in memory' };
    }
    if (bitsOf(words, 0, 1) === 1) return undefined;
    return { ...at, action: 'fault', reason: 'stream-invalid', why: 'the directory entry is not valid' };
  }

  #device(at: Omit<DeviceContext, 'action'>, words: Uint32Array): DeviceContext {
    const refuse = (reason: Reason, why: string): DeviceContext => ({ ...at, action: 'fault', reason, why });
    if (bitsOf(words, 5, 1) === 1) return refuse('not-supported', 'process directories (PDTV) are not read here');
    if (bitsOf(words, 10, 1) === 1) return refuse('not-supported', 'big-endian tables (SBE) are not read here');
    if (bitsOf(words, 11, 1) === 1) return refuse('not-supported', '32-bit tables (SXL) are not read here');
    const firstMode = bitsOf(words, 252, 4);
    const secondMode = bitsOf(words, 124, 4);
    for (const mode of [firstMode, secondMode]) {
      if (mode !== 0 && MODE_BITS[mode] === undefined) return refuse('context-invalid', `mode ${mode} is reserved`);
    }
    if (firstMode === 0 && secondMode === 0) return { ...at, action: 'bypass' };
    return { ...at, action: 'translate', tables: this.#tables(words, MODE_BITS[firstMode], MODE_BITS[secondMode]) };
  }

  #tables(words: Uint32Array, first: 39 | 48 | 57 | undefined, second: 39 | 48 | 57 | undefined): DomainTables {
    const oas = this.#physicalBits;
    const secondRoot = Math.floor(bitsOf(words, 64, 44) / 4) * 4 * PAGE;
    const stage2 =
      second === undefined
        ? undefined
        : riscvTables({ root: secondRoot, bits: second, stage: 2, oas, hardwareAD: bitsOf(words, 7, 1) === 1 });
    const gscid = bitsOf(words, 108, 16);
    if (first === undefined) {
      const geometry = { format: `riscv-sv${second ?? 39}x4`, granule: PAGE, ias: (second ?? 39) + 2, oas };
      const regime = stage2 ?? riscvTables({ root: secondRoot, bits: 39, stage: 2, oas });
      return { key: `g/${secondRoot}/${second}`, id: `gscid ${gscid}`, root: secondRoot, geometry, regime };
    }
    const root = bitsOf(words, 192, 44) * PAGE;
    const regime = riscvTables({ root, bits: first, stage: 1, oas, hardwareAD: bitsOf(words, 8, 1) === 1 });
    const key = `s/${root}/${first}/${stage2 === undefined ? '' : secondRoot}`;
    const geometry = { format: `riscv-sv${first}`, granule: PAGE, ias: first, oas };
    const tables = { key, id: `pscid ${bitsOf(words, 140, 20)}`, root, geometry, regime };
    return stage2 === undefined ? tables : { ...tables, stage2 };
  }

  /** What a device's access becomes. */
  translate(stream: number, iova: Address, access: Access = READ): { result: Leaf | Fault } {
    const context = this.context(stream);
    if (context.tables !== undefined) return { result: walkerOf(this.#reader, context.tables).translate(iova, access) };
    const bypass = context.action === 'bypass' ? bypassLeaf(iova, Math.min(53, this.#physicalBits)) : undefined;
    const words = CAUSES[context.reason ?? 'stream-invalid'] ?? 'DDT entry misconfigured (cause 259)';
    return { result: bypass ?? contextFault(context, iova, words) };
  }
}
