/**
 * A RISC-V IOMMU: device and process directories to first- and second-stage tables (RISC-V IOMMU 1.0, chapters 3 and 6).
 * Requests are translated in either byte order and with 32-bit tables; such tables are not enumerated.
 * @module
 */
import type { Address } from '../../address.ts';
import type { PhysicalReader } from '../../bus.ts';
import { bitsOf, type Field, fieldsOf, isClear, type Registers, readWords, register, registerBits } from '../bits.ts';
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
import { ATTR, configKey, permsText } from '../walk/regime.ts';
import { riscvTables } from '../walk/riscv.ts';
import { type Access, type Fault, faultClass, type Leaf, READ, type Reason } from '../walk/types.ts';
import { type RiscvChoices, type RiscvFeatures, riscvFeatures } from './capabilities.ts';
import { CAUSE, causeText } from './causes.ts';
import { HOST_DOMAIN } from './commands.ts';
import { field, isFault, modeOf, pageOf, type RequestFault, TC, tc } from './directory.ts';
import { locateContexts, type RiscvTranslation, type Stages, translateRequest } from './process.ts';

const PAGE = 4096;

// 6.5 ddtp: iommu_mode
const DDTP = { bare: 1, lvl1: 2, lvl3: 4 } as const;
// 6.12 cqcsr, 6.13 fqcsr
const CSR = { enable: 0, memoryFault: 8, second: 9, third: 10 } as const;
// 3.1.1 non-leaf entry, 3.1.3 device context
const DC_FIELDS: readonly Field[] = [
  { name: 'V', at: 0, bits: 1 },
  { name: 'EN_ATS', at: 1, bits: 1 },
  { name: 'T2GPA', at: 3, bits: 1 },
  { name: 'DTF', at: 4, bits: 1 },
  { name: 'PDTV', at: 5, bits: 1 },
  { name: 'GADE', at: 7, bits: 1 },
  { name: 'SADE', at: 8, bits: 1 },
  { name: 'DPE', at: 9, bits: 1 },
  { name: 'SBE', at: 10, bits: 1 },
  { name: 'SXL', at: 11, bits: 1 },
  { name: 'iohgatp.PPN', at: 64, bits: 44, shift: 12 },
  { name: 'GSCID', at: 108, bits: 16 },
  { name: 'iohgatp.MODE', at: 124, bits: 4 },
  { name: 'PSCID', at: 140, bits: 20 },
  { name: 'iosatp.PPN', at: 192, bits: 44, shift: 12 },
  { name: 'iosatp.MODE', at: 252, bits: 4 },
];
// 3.1.3.5 MSI page table of an extended device context
const MSI_FIELDS: readonly Field[] = [
  { name: 'msiptp.PPN', at: 256, bits: 44, shift: 12 },
  { name: 'msiptp.MODE', at: 316, bits: 4 },
  { name: 'msi_addr_mask', at: 320, bits: 52, shift: 12 },
  { name: 'msi_addr_pattern', at: 384, bits: 52, shift: 12 },
];
// 3.2.2 process context
const PC_FIELDS: readonly Field[] = [
  { name: 'PC.V', at: 0, bits: 1 },
  { name: 'PC.ENS', at: 1, bits: 1 },
  { name: 'PC.SUM', at: 2, bits: 1 },
  { name: 'PC.PSCID', at: 12, bits: 20 },
  { name: 'PC.fsc.PPN', at: 64, bits: 44, shift: 12 },
  { name: 'PC.fsc.MODE', at: 124, bits: 4 },
];

/** Widths by MODE: 8 Sv39, 9 Sv48, 10 Sv57. */
const MODE_BITS: Readonly<Record<number, 39 | 48 | 57>> = { 8: 39, 9: 48, 10: 57 };

/** The reader's reason behind a cause (4.2). */
const REASONS: ReadonlyMap<number, Reason> = new Map<number, Reason>([
  [CAUSE.allDisallowed, 'translation-off'],
  [CAUSE.ddtAccess, 'stream-outside-memory'],
  [CAUSE.ddtCorrupt, 'stream-outside-memory'],
  [CAUSE.ddtNotValid, 'stream-invalid'],
  [CAUSE.ddtMisconfigured, 'context-invalid'],
  [CAUSE.typeDisallowed, 'stream-out-of-range'],
  [CAUSE.pdtAccess, 'context-outside-memory'],
  [CAUSE.pdtCorrupt, 'context-outside-memory'],
  [CAUSE.msiAccess, 'context-outside-memory'],
  [CAUSE.msiCorrupt, 'context-outside-memory'],
  [CAUSE.pdtNotValid, 'context-invalid'],
  [CAUSE.pdtMisconfigured, 'context-invalid'],
  [CAUSE.msiNotValid, 'context-invalid'],
  [CAUSE.msiMisconfigured, 'context-invalid'],
  [CAUSE.instructionAccess, 'table-outside-memory'],
  [CAUSE.readAccess, 'table-outside-memory'],
  [CAUSE.writeAccess, 'table-outside-memory'],
  [CAUSE.tableCorrupt, 'table-outside-memory'],
]);

function reasonOf(cause: number): Reason {
  return REASONS.get(cause) ?? 'never-mapped';
}

/** Doublewords as the 32-bit words that fields are read from. */
function wordsOf(doublewords: readonly bigint[]): Uint32Array {
  return Uint32Array.from(doublewords.flatMap((each) => [Number(each & 0xffff_ffffn), Number(each >> 32n)]));
}

/** Reads a RISC-V IOMMU's configuration and tables from a memory. */
export class RiscvIommu implements IommuModel {
  readonly name = 'riscv-iommu';
  readonly #reader: PhysicalReader;
  readonly #registers: Registers;
  readonly #features: RiscvFeatures;
  #entriesLeft = 0;

  /** @param choices what the registers leave to the implementation */
  constructor(reader: PhysicalReader, registers: Registers, choices: RiscvChoices = {}) {
    this.#reader = reader;
    this.#registers = registers;
    this.#features = riscvFeatures(registers, choices);
  }

  /** ddtp.iommu_mode. */
  get #mode(): number {
    return this.#features.mode;
  }

  get #root(): number {
    return Number(this.#features.root);
  }

  /** Bytes of a device context. */
  get #dcBytes(): number {
    return this.#features.msiFlat ? 64 : 32;
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

  context(stream: number, substream?: number): DeviceContext {
    const at = { stream, ...(substream === undefined ? {} : { substream }), entryAddress: this.#root, fields: {} };
    if (this.#mode === DDTP.bare) return { ...at, action: 'bypass' };
    if (this.#mode < DDTP.lvl1 || this.#mode > DDTP.lvl3) {
      return { ...at, action: 'abort', reason: 'translation-off', why: `ddtp.iommu_mode is ${this.#mode}` };
    }
    const located = locateContexts(this.#reader, this.#features, stream, substream);
    if (isFault(located)) return this.#refused(at, located);
    const { device, stages } = located;
    const inDevice = { ...at, entryAddress: Number(device.address), fields: this.#fieldsOf(device.words) };
    return isFault(stages) ? this.#refused(inDevice, stages) : this.#staged(inDevice, stages);
  }

  #refused(at: Omit<DeviceContext, 'action'>, { cause, at: entry }: RequestFault): DeviceContext {
    const entryAddress = entry === undefined ? at.entryAddress : Number(entry);
    const tooWide = cause === CAUSE.typeDisallowed && at.substream !== undefined;
    const reason = tooWide ? 'substream-out-of-range' : reasonOf(cause);
    return { ...at, entryAddress, action: 'fault', reason, why: causeText(cause) };
  }

  #fieldsOf(words: readonly bigint[]): Record<string, string | number> {
    return fieldsOf(wordsOf(words), words.length > 4 ? [...DC_FIELDS, ...MSI_FIELDS] : DC_FIELDS);
  }

  #staged(at: Omit<DeviceContext, 'action'>, stages: Stages): DeviceContext {
    const { process, first, device } = stages;
    const fields = process === undefined ? at.fields : { ...at.fields, ...fieldsOf(wordsOf(process.words), PC_FIELDS) };
    const here = { ...at, fields };
    const second = modeOf(device[1] ?? 0n);
    const bits = this.#features.gxl ? 32 : MODE_BITS[second];
    const unread = first?.bits === 32 || (second !== 0 && bits === 32) ? '32-bit tables' : this.#bigEndian(stages);
    if (unread !== undefined) {
      return { ...here, action: 'fault', reason: 'not-supported', why: `${unread} are translated, not enumerated` };
    }
    if (first === undefined && second === 0) return { ...here, action: 'bypass' };
    return { ...here, action: 'translate', tables: this.#tables(stages, bits === 32 ? undefined : bits) };
  }

  #bigEndian({ first, device }: Stages): string | undefined {
    const second = modeOf(device[1] ?? 0n) !== 0 && this.#features.bigEndian;
    return first?.bigEndian === true || second ? 'big-endian tables' : undefined;
  }

  #tables({ first, device, sum, process }: Stages, second: 39 | 48 | 57 | undefined): DomainTables {
    const { physicalBits: oas, svpbmt, svrsw60t59b: softwareBits } = this.#features;
    const shared = { oas, svpbmt, softwareBits };
    const root = Number(pageOf(device[1] ?? 0n, 0));
    const config2 = { root, bits: second ?? 39, stage: 2, ...shared, hardwareAD: tc(device, TC.GADE) } as const;
    const stage2 = second === undefined ? undefined : riscvTables(config2);
    if (first === undefined || first.bits === 32) {
      const geometry = { format: `riscv-sv${second ?? 39}x4`, granule: PAGE, ias: (second ?? 39) + 2, oas };
      const regime = stage2 ?? riscvTables({ root, bits: 39, stage: 2, ...shared });
      const tag = { domain: Number(field(device, 1, 44, 16)), space: ANY, stages: STAGES.second };
      return { key: `g/${second}/${configKey(config2)}`, id: `gscid ${tag.domain}`, root, geometry, regime, tag };
    }
    const { bits, hardwareAd: hardwareAD } = first;
    const firstRoot = Number(first.root);
    const config = { root: firstRoot, bits, stage: 1, ...shared, hardwareAD, sum } as const;
    const regime = riscvTables(config);
    const key = `s/${configKey(config)}/${stage2 === undefined ? '' : configKey(config2)}`;
    const geometry = { format: `riscv-sv${bits}`, granule: PAGE, ias: bits, oas };
    const pscid = process === undefined ? field(device, 2, 12, 20) : field(process.words, 0, 12, 20);
    const domain = stage2 === undefined ? HOST_DOMAIN : Number(field(device, 1, 44, 16));
    const tag = { domain, space: Number(pscid), stages: STAGES.first };
    const tables = { key, id: `pscid ${pscid}`, root: firstRoot, geometry, regime, tag };
    return stage2 === undefined ? tables : { ...tables, stage2 };
  }

  /** What a device's access becomes: an untranslated request with empty caches. */
  translate(stream: number, iova: Address, access: Access = READ, substream?: number): { result: Leaf | Fault } {
    const address = BigInt(iova);
    const request = { device: stream, type: 'untranslated', access: access.kind, iova: address } as const;
    const privileged = access.privileged === true;
    const outcome = translateRequest(this.#reader, this.#features, {
      ...request,
      privileged,
      ...(substream === undefined ? {} : { process: substream }),
    });
    const context = this.context(stream, substream);
    const { fault, translation } = outcome;
    if (fault !== undefined) return { result: this.#fault(context, address, access, fault) };
    if (translation === undefined || translation.size === 0n) {
      const leaf = bypassLeaf(iova, this.#features.physicalBits);
      return { result: leaf ?? contextFault(context, iova, causeText(CAUSE.readAccess)) };
    }
    const walked = translation.msi === undefined ? this.#walked(context, address, access) : undefined;
    return { result: walked?.ok === true ? walked : requestLeaf(address, translation) };
  }

  #walked({ tables }: DeviceContext, iova: bigint, access: Access): Leaf | Fault | undefined {
    return tables === undefined ? undefined : walkerOf(this.#reader, tables).translate(iova, access);
  }

  /** A fault under the name that the unit reports it by; the walk says more about its place where it fails too. */
  #fault(context: DeviceContext, iova: bigint, access: Access, { cause, iotval2 }: RequestFault): Fault {
    const walked = this.#walked(context, iova, access);
    if (walked?.ok === false) return { ...walked, syndrome: causeText(cause) };
    const reason = context.reason ?? reasonOf(cause);
    const plain = { ...contextFault(context, iova, causeText(cause)), reason, class: faultClass(reason) };
    return iotval2 === 0n ? plain : { ...plain, stage: 2, ipa: iotval2 & ~3n };
  }
}

/** A translation as a leaf, where no enumerable tables hold it: an MSI page, 32-bit or big-endian tables. */
function requestLeaf(iova: bigint, { address, size, read, write, execute, msi, leaf }: RiscvTranslation): Leaf {
  const rights = (read ? ATTR.read : 0) | (write ? ATTR.write : 0) | (execute ? ATTR.execute : 0);
  const attributes = rights | (rights << 3);
  const within = iova % size;
  return {
    ok: true,
    iova: iova - within,
    pa: Number(address),
    output: address,
    base: Number(address - within),
    size: Number(size),
    level: leaf?.level ?? 0,
    perms: permsText(attributes),
    attributes,
    memoryType: msi === undefined ? 'PMA' : `MSI, ${msi.mode}`,
    entryAddress: Number(msi?.at ?? leaf?.at ?? 0n),
    entry: msi?.entry ?? leaf?.entry ?? 0n,
  };
}
