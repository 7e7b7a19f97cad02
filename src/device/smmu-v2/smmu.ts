/**
 * An SMMUv2 as a device: registers, stream matching, context banks, a TLB that serves what it holds until an invalidation
 * is complete, and fault records (Arm IHI 0062).
 * @module
 */
import { type Address, busAddress } from '../../address.ts';
import type { PhysicalReader, RegisterPort } from '../../bus.ts';
import { bypassLeaf } from '../../hardware/iommu.ts';
import { NestedWalker } from '../../hardware/walk/nested.ts';
import { type Access, type Fault, faultClass, type Leaf, READ, type Reason } from '../../hardware/walk/types.ts';
import { accessReason, Walker } from '../../hardware/walk/walker.ts';
import { type ContextBank, decodeBank } from './context.ts';
import { RegisterFile } from './register-file.ts';
import { CB, CBAR_TYPE, FSR, FSYNR0, GFSR, GR0, GR1, S2CR_TYPE, SCR0, SCTLR, SMR } from './registers.ts';
import { type Invalidation, Tlb, type TlbEntry, type TlbTag, WalkCache } from './tlb.ts';
import { CachedTables } from './walk-cache.ts';

/** What an SMMUv2 is made of. */
export interface SmmuV2Options {
  /** Bytes of a register page (sIDR1.PAGESIZE): 4 KiB unless given. */
  readonly pageBytes?: 4096 | 65536;
  /** First page of the context banks; 16 unless given. */
  readonly contextBankPage?: number;
  readonly contextBanks?: number;
  readonly streamGroups?: number;
  /** Output address bits. */
  readonly oas?: number;
  readonly tlbEntries?: number;
  /** Table entries that the walker keeps; 64 unless given, 0 for none. */
  readonly walkCacheEntries?: number;
  /** When an invalidation takes effect: at the sync that waits for it, or at once. A device may do either. */
  readonly invalidateAt?: 'sync' | 'write';
  /** Reads of a sync's status that say it is still active. */
  readonly syncPolls?: number;
  /** Whether registers and TLB survive a loss of power. */
  readonly retainsState?: boolean;
}

/** A register touched while the device had no power. */
export interface PowerViolation {
  readonly offset: number;
  readonly write: boolean;
  readonly value: bigint;
}

/** What an access became. */
export interface SmmuV2Answer {
  readonly result: Leaf | Fault;
  /** The answer came from the TLB. */
  readonly cached: boolean;
  /** Context bank that translated, where one did. */
  readonly bank?: number;
}

const DEFAULT_BANK_PAGE = 16;
const DEFAULT_BANKS = 16;
const DEFAULT_GROUPS = 32;
const DEFAULT_TLB = 1024;
const DEFAULT_WALK_CACHE = 64;
const MOST_VIOLATIONS = 1000;
const ASID_AT = 48n;
const VA_BITS = 44n;

// FSR bits by class of fault (16.5.14)
const FSR_BITS: Readonly<Record<string, number>> = {
  translation: FSR.TF,
  'access-flag': FSR.AFF,
  permission: FSR.PF,
  'external-abort': FSR.EF,
  'address-size': FSR.ASF,
};
const ATOS: ReadonlyMap<number, Access> = new Map<number, Access>([
  [CB.ATS1PR, { kind: 'read', privileged: true }],
  [CB.ATS1PW, { kind: 'write', privileged: true }],
  [CB.ATS1UR, { kind: 'read' }],
  [CB.ATS1UW, { kind: 'write' }],
]);
/** The nG bit of a leaf: AArch64, long and level 2 of short; sections have it higher. */
const NG = 1n << 11n;
const NG_SECTION = 1n << 17n;

function signExtend(page: bigint): bigint {
  const low = BigInt.asUintN(Number(VA_BITS), page) << 12n;
  return (low >> 55n) & 1n ? low | (0xffn << 56n) : low;
}

/** An SMMUv2: a register port on one side, translations on the other. */
export class SmmuV2 implements RegisterPort {
  /** The TLB, for tests and displays. */
  readonly tlb: Tlb;
  /** Registers touched without power: the first thousand. */
  readonly violations: PowerViolation[] = [];
  readonly #reader: PhysicalReader;
  readonly #walkCache: WalkCache;
  readonly #page: number;
  readonly #banks: number;
  readonly #groups: number;
  readonly #oas: number;
  readonly #options: SmmuV2Options;
  readonly #registers: RegisterFile;
  /** Banks as decoded from the registers; forgotten when one is stored. */
  readonly #decoded: Map<number, ContextBank> = new Map();
  #pending: { readonly bank: number | undefined; readonly what: Invalidation }[] = [];
  #active = 0;
  #powered = true;

  constructor(reader: PhysicalReader, options: SmmuV2Options = {}) {
    this.#reader = reader;
    this.#options = options;
    this.#page = options.pageBytes ?? 4096;
    this.#banks = options.contextBanks ?? DEFAULT_BANKS;
    this.#groups = options.streamGroups ?? DEFAULT_GROUPS;
    this.#oas = options.oas ?? 48;
    this.#registers = new RegisterFile({
      page: this.#page,
      bankPage: options.contextBankPage ?? DEFAULT_BANK_PAGE,
      banks: this.#banks,
      groups: this.#groups,
      oas: this.#oas,
    });
    this.tlb = new Tlb(options.tlbEntries ?? DEFAULT_TLB);
    this.#walkCache = new WalkCache(options.walkCacheEntries ?? DEFAULT_WALK_CACHE);
    this.#reset();
  }

  /** Offsets written or read that this model gives no meaning, with how often. */
  get unknown(): ReadonlyMap<number, number> {
    return this.#registers.unknown;
  }

  /** Whether the device has power. Without it, registers read as 0, writes are lost, and both are recorded. */
  get powered(): boolean {
    return this.#powered;
  }

  set powered(on: boolean) {
    if (this.#powered && !on && this.#options.retainsState !== true) this.#reset();
    this.#powered = on;
  }

  /** Invalidations that were written and not yet waited for. */
  get pendingInvalidations(): number {
    return this.#pending.length;
  }

  read32(offset: number): number {
    if (!this.#hasPower(offset, false, 0n)) return 0;
    const { bank, register } = this.#registers.place(offset);
    const status = bank === undefined ? GR0.sTLBGSTATUS : CB.TLBSTATUS;
    if (register === status && (bank !== undefined || offset < this.#page)) {
      if (this.#active === 0) return 0;
      this.#active--;
      return 1;
    }
    return this.#registers.read(offset);
  }

  write32(offset: number, value: number): void {
    if (!this.#hasPower(offset, true, BigInt(value >>> 0))) return;
    this.#write(offset, BigInt(value >>> 0), false);
  }

  read64(offset: number): bigint {
    return (BigInt(this.read32(offset + 4)) << 32n) | BigInt(this.read32(offset));
  }

  write64(offset: number, value: bigint): void {
    if (!this.#hasPower(offset, true, value)) return;
    this.#write(offset, BigInt.asUintN(64, value), true);
  }

  /** What a stream's access becomes: as a device sees it, from the TLB if that has an answer. */
  translate(stream: number, iova: Address, access: Access = READ): SmmuV2Answer {
    const address = busAddress(iova);
    if (!this.#powered) return uncached(faultOf('translation-off', address, 'the device has no power'));
    if (this.#registers.get(GR0.sCR0) & SCR0.CLIENTPD) return uncached(this.#bypass(address));
    const route = this.#route(stream);
    if (route === 'unmatched') return this.#unmatched(stream, address, GFSR.USF);
    if (route === 'conflict') return this.#globalFault(stream, address, GFSR.SMCF);
    const type = (route >>> 16) & 3;
    if (type === S2CR_TYPE.bypass) return uncached(this.#bypass(address));
    if (type !== S2CR_TYPE.translation) return this.#globalFault(stream, address, GFSR.ICF);
    const bank = route & 0xff;
    if (bank >= this.#banks) return this.#globalFault(stream, address, GFSR.UCBF);
    return this.#inBank(bank, stream, address, access);
  }

  #inBank(bank: number, stream: number, iova: bigint, access: Access): SmmuV2Answer {
    const context = this.#decode(bank);
    if (!context.enabled) return { ...uncached(this.#bypass(iova)), bank };
    if (context.type === CBAR_TYPE.stage1Fault) return this.#globalFault(stream, iova, GFSR.ICF);
    const tag: TlbTag = { vmid: context.vmid, asid: context.type === CBAR_TYPE.stage2 ? undefined : context.asid };
    const held = this.tlb.find(tag, iova);
    if (held !== undefined) return this.#served(bank, stream, context, held, iova, access);
    const result = this.#walk(context, tag, iova, access);
    if (result.ok)
      this.tlb.add({ ...tag, global: isGlobal(context, result), leaf: result, attributes: result.attributes });
    else this.#record(bank, stream, context, result, access);
    return { result, cached: false, bank };
  }

  #served(
    bank: number,
    stream: number,
    context: ContextBank,
    held: TlbEntry,
    iova: bigint,
    access: Access,
  ): SmmuV2Answer {
    const { leaf } = held;
    const reason = accessReason(held.attributes, access);
    if (reason === undefined)
      return { result: { ...leaf, pa: leaf.base + Number(iova - leaf.iova) }, cached: true, bank };
    const words = `Permission fault, level ${leaf.level}`;
    const fault = {
      ...faultOf(reason, iova, words),
      level: leaf.level,
      entryAddress: leaf.entryAddress,
      entry: leaf.entry,
    };
    this.#record(bank, stream, context, fault, access);
    return { result: fault, cached: true, bank };
  }

  #walk(context: ContextBank, tag: TlbTag, iova: bigint, access: Access): Leaf | Fault {
    const second = context.type === CBAR_TYPE.nested ? this.#decode(context.stage2Bank) : undefined;
    if (second?.enabled === true) {
      return new NestedWalker(this.#reader, context.regime, second.regime).translate(iova, access);
    }
    return new CachedTables(this.#reader, this.#walkCache, tag).translate(context.regime, iova, access);
  }

  #decode(bank: number): ContextBank {
    const known = this.#decoded.get(bank);
    if (known !== undefined) return known;
    const decoded = this.#decodeRegisters(bank);
    this.#decoded.set(bank, decoded);
    return decoded;
  }

  #decodeRegisters(bank: number): ContextBank {
    const at = this.#registers.bankOffset(bank);
    const read32 = (register: number) => this.#registers.get(at + register);
    const read64 = (register: number) => (BigInt(read32(register + 4)) << 32n) | BigInt(read32(register));
    const one = this.#page;
    const cbar = this.#registers.get(one + GR1.CBAR + 4 * bank);
    return decodeBank({ read32, read64, cbar, cba2r: this.#registers.get(one + GR1.CBA2R + 4 * bank) }, this.#oas);
  }

  /** S2CR of the one stream-match group that a stream matches (9.6.16). */
  #route(stream: number): number | 'unmatched' | 'conflict' {
    let found: number | undefined;
    for (let group = 0; group < this.#groups; group++) {
      const smr = this.#registers.get(GR0.SMR + 4 * group);
      if ((smr & SMR.VALID) === 0) continue;
      const mask = (smr >>> SMR.maskAt) & SMR.idMask;
      if (((smr ^ stream) & SMR.idMask & ~mask) !== 0) continue;
      if (found !== undefined) return 'conflict';
      found = this.#registers.get(GR0.S2CR + 4 * group);
    }
    return found ?? 'unmatched';
  }

  #unmatched(stream: number, iova: bigint, bit: number): SmmuV2Answer {
    if ((this.#registers.get(GR0.sCR0) & SCR0.USFCFG) === 0) return uncached(this.#bypass(iova));
    return this.#globalFault(stream, iova, bit);
  }

  #globalFault(stream: number, iova: bigint, bit: number): SmmuV2Answer {
    const before = this.#registers.get(GR0.sGFSR);
    this.#registers.set(GR0.sGFSR, before === 0 ? bit : before | GFSR.MULTI);
    if (before === 0) {
      this.#registers.set64(GR0.sGFAR, iova);
      this.#registers.set(GR0.sGFSYNR1, stream & SMR.idMask);
    }
    const reason = bit === GFSR.ICF ? 'context-invalid' : bit === GFSR.UCBF ? 'stream-invalid' : 'no-stream-match';
    const name = Object.entries(GFSR).find(([, value]) => value === bit)?.[0] ?? '';
    return uncached(faultOf(reason, iova, `global fault, sGFSR.${name}`));
  }

  /** Writes FSR, FAR, FSYNR0 and the stream; a second fault only sets MULTI (16.5.14). */
  #record(bank: number, stream: number, context: ContextBank, fault: Fault, access: Access): void {
    const at = this.#registers.bankOffset(bank);
    const before = this.#registers.get(at + CB.FSR);
    if (before !== 0) {
      this.#registers.set(at + CB.FSR, before | FSR.MULTI);
      return;
    }
    const stalls = this.#registers.get(at + CB.SCTLR) & SCTLR.CFCFG ? FSR.SS : 0;
    const bits = FSR_BITS[faultClass(fault.reason)] ?? FSR.TF;
    this.#registers.set(at + CB.FSR, bits | stalls | (context.format << FSR.formatAt));
    this.#registers.set64(at + CB.FAR, fault.iova);
    const access32 =
      (access.kind === 'write' ? FSYNR0.WNR : 0) |
      (access.privileged === true ? FSYNR0.PNU : 0) |
      (access.kind === 'execute' ? FSYNR0.IND : 0);
    this.#registers.set(at + CB.FSYNR0, (fault.level & 3) | access32 | (bank << FSYNR0.bankAt));
    if (fault.ipa !== undefined) this.#registers.set64(at + CB.IPAFAR, fault.ipa);
    this.#registers.set(this.#page + GR1.CBFRSYNRA + 4 * bank, stream & SMR.idMask);
  }

  #bypass(iova: bigint): Leaf | Fault {
    return bypassLeaf(iova, this.#oas) ?? faultOf('output-too-large', iova, 'Address size fault, level 0');
  }

  #write(offset: number, value: bigint, wide: boolean): void {
    const { bank, register } = this.#registers.place(offset);
    if (bank !== undefined) this.#writeBank(bank, register, value, wide);
    else if (offset < this.#page) this.#writeGlobal(register, value, wide);
    else this.#store(offset, value, wide);
  }

  #store(offset: number, value: bigint, wide: boolean): void {
    this.#decoded.clear();
    this.#registers.store(offset, value, wide);
  }

  #writeGlobal(register: number, value: bigint, wide: boolean): void {
    if (register === GR0.sGFSR) this.#registers.clear(register, value);
    else if (register === GR0.sGFSRRESTORE) this.#registers.set(GR0.sGFSR, Number(value));
    else if (register === GR0.TLBIVMID) this.#invalidate(undefined, { vmid: Number(value & 0xffn), all: true });
    else if (register === GR0.TLBIALLNSNH || register === GR0.STLBIALL) this.#invalidate(undefined, { all: true });
    else if (register === GR0.TLBIALLH) this.#invalidate(undefined, { vmid: -1, all: true });
    else if (register === GR0.sTLBGSYNC) this.#sync(undefined);
    else this.#store(register, value, wide);
  }

  #writeBank(bank: number, register: number, value: bigint, wide: boolean): void {
    const at = this.#registers.bankOffset(bank);
    const access = ATOS.get(register);
    if (register === CB.FSR) this.#registers.clear(at + register, value);
    else if (register === CB.FSRRESTORE) this.#registers.set(at + CB.FSR, Number(value));
    else if (register === CB.RESUME)
      this.#registers.set(at + CB.FSR, (this.#registers.get(at + CB.FSR) & ~FSR.SS) >>> 0);
    else if (register === CB.TLBSYNC) this.#sync(bank);
    else if (register >= CB.TLBIVA && register < CB.TLBSYNC) this.#bankInvalidation(bank, register, value);
    else if (access !== undefined) this.#addressTranslation(bank, value, access);
    else this.#store(at + register, value, wide);
  }

  /** TLBI operations of a context bank (16.5.37 and following). */
  #bankInvalidation(bank: number, register: number, value: bigint): void {
    const { vmid, format } = this.#decode(bank);
    const wide = format === 2;
    const iova = wide ? signExtend(value) : value & 0xffff_f000n;
    const asid = wide ? Number(value >> ASID_AT) : Number(value & 0xffn);
    const ipa = BigInt.asUintN(36, value) << 12n;
    const lastLevel = register === CB.TLBIVAL || register === CB.TLBIVAAL || register === CB.TLBIIPAS2L;
    if (register === CB.TLBIVA || register === CB.TLBIVAL) this.#invalidate(bank, { vmid, asid, iova, lastLevel });
    else if (register === CB.TLBIVAA || register === CB.TLBIVAAL) this.#invalidate(bank, { vmid, iova, lastLevel });
    else if (register === CB.TLBIASID) this.#invalidate(bank, { vmid, asid: Number(value & 0xffffn) });
    else if (register === CB.TLBIALL) this.#invalidate(bank, { vmid });
    else if (register === CB.TLBIIPAS2 || register === CB.TLBIIPAS2L)
      this.#invalidate(bank, { vmid, iova: ipa, stage2: true, lastLevel });
    else this.#registers.count(this.#registers.bankOffset(bank) + register);
  }

  /** ATS1xx: translates by stage 1 and leaves the answer in PAR (16.5.1, 16.5.24). */
  #addressTranslation(bank: number, value: bigint, access: Access): void {
    const context = this.#decode(bank);
    const result = new Walker(this.#reader, context.regime).translate(value & ~0xfffn, access);
    const par = result.ok ? BigInt(result.pa - (result.pa % 4096)) : 1n | BigInt(FSR_BITS[result.class] ?? FSR.TF);
    this.#registers.set64(this.#registers.bankOffset(bank) + CB.PAR, par);
    this.#registers.set(this.#registers.bankOffset(bank) + CB.ATSR, 0);
  }

  #invalidate(bank: number | undefined, what: Invalidation): void {
    if (this.#options.invalidateAt === 'write') this.#drop(what);
    else this.#pending.push({ bank, what });
  }

  /** A bank's sync completes what the bank asked for; the global sync completes everything (9.6.29, 16.5.40). */
  #sync(bank: number | undefined): void {
    const waits = (one: { readonly bank: number | undefined }): boolean => bank === undefined || one.bank === bank;
    for (const one of this.#pending) if (waits(one)) this.#drop(one.what);
    this.#pending = this.#pending.filter((one) => !waits(one));
    this.#active = this.#options.syncPolls ?? 0;
  }

  #drop(what: Invalidation): void {
    this.tlb.invalidate(what);
    this.#walkCache.invalidate(what);
  }

  #hasPower(offset: number, write: boolean, value: bigint): boolean {
    if (this.#powered) return true;
    if (this.violations.length < MOST_VIOLATIONS) this.violations.push({ offset, write, value });
    return false;
  }

  #reset(): void {
    this.#registers.reset();
    this.#decoded.clear();
    this.#pending = [];
    this.#active = 0;
    this.tlb.clear();
    this.#walkCache.clear();
  }
}

function uncached(result: Leaf | Fault): SmmuV2Answer {
  return { result, cached: false };
}

function isGlobal(context: ContextBank, leaf: Leaf): boolean {
  if (context.type === CBAR_TYPE.stage2) return true;
  return (leaf.entry & (context.format === 0 && leaf.level === 1 ? NG_SECTION : NG)) === 0n;
}

function faultOf(reason: Reason, iova: bigint, syndrome: string): Fault {
  const where = { level: 0, entryAddress: undefined, entry: undefined };
  return { ok: false, reason, class: faultClass(reason), stage: 1, ...where, syndrome, iova };
}
