/**
 * A live VT-d unit: registers, queued invalidation, caches that may be stale, fault recording (Intel VT-d, 6.5 and 11.4).
 * Legacy and scalable mode.
 * @module
 */
import type { Address } from '../../address.ts';
import type { PhysicalMemory } from '../../bus.ts';
import { bitsOf, registerBits } from '../../hardware/bits.ts';
import { ANY, type Scope, STAGES } from '../../hardware/command.ts';
import { contextFault, type DeviceContext } from '../../hardware/iommu.ts';
import { VTD_DESCRIPTORS, VTD_WIDE_DESCRIPTORS } from '../../hardware/vt-d/descriptors.ts';
import { vtdFaultText, vtdWalkCode } from '../../hardware/vt-d/faults.ts';
import { VtdUnit } from '../../hardware/vt-d/vtd.ts';
import { type Access, type Fault, READ } from '../../hardware/walk/types.ts';
import { RegisterBank } from '../register-bank.ts';
import type { TranslatorUnit, UnitAnswer } from '../translator.ts';
import { LiveUnit, type UnitOptions } from '../unit.ts';
import { FaultRegisters } from './faults.ts';
import { AT, CAP, DEFAULT_CAP, DEFAULT_ECAP, FSTS, FSTS_CLEARED, GCMD, IQA_WIDE, WIDE } from './registers.ts';

/** Options of a live VT-d unit. */
export interface VtdOptions extends UnitOptions {
  /** CAP and ECAP; CAP.CM makes the unit keep what is not present. */
  readonly cap?: bigint;
  readonly ecap?: bigint;
}

// 11.4.9.9 IQERCD.IQEI
const IQEI = { badTail: 1, fetch: 2, type: 3, reserved: 4, width: 5, unaligned: 6 } as const;
const READ_ONLY: ReadonlySet<number> = new Set([AT.VER, AT.CAP, AT.CAP + 4, AT.ECAP, AT.ECAP + 4, AT.GSTS, AT.IQH]);
/** Bytes of IQH and IQT that count: 18:4. */
const POINTER_BYTES = 2 ** 19;
const BLOCKED = 0x0d;

/** A live VT-d unit. */
export class LiveVtd extends LiveUnit {
  readonly name = 'intel-vtd';
  readonly faults: FaultRegisters;
  readonly cachesAbsent: boolean;
  #model: VtdUnit | undefined;
  /** RTADDR as GCMD.SRTP took it. */
  #root = 0n;
  #silentDevice: number | undefined;

  constructor(memory: PhysicalMemory, options: VtdOptions = {}) {
    const bank = new RegisterBank(AT, WIDE);
    super(memory, bank, (self) => rulesOf(self as LiveVtd), options);
    const cap = options.cap ?? DEFAULT_CAP;
    bank.set64(AT.CAP, cap);
    bank.set64(AT.ECAP, options.ecap ?? DEFAULT_ECAP);
    bank.set(AT.VER, 0x10);
    this.cachesAbsent = registerBits(cap, CAP.CM, 1) === 1;
    this.faults = new FaultRegisters(bank, cap);
  }

  /** What the registers and the kept configuration say. */
  get model(): VtdUnit {
    if (this.#model === undefined) {
      const named = new Map(this.bank.named());
      named.set('RTADDR', this.#root);
      this.#model = new VtdUnit(this.caches.config, named);
    }
    return this.#model;
  }

  /** GSTS.TES. */
  get translates(): boolean {
    return (this.bank.get(AT.GSTS) & GCMD.TE) !== 0;
  }

  override read32(offset: number): number {
    return this.faults.holds(offset) ? this.bank.get(offset) : super.read32(offset);
  }

  write32(offset: number, value: number): void {
    if (this.faults.holds(offset)) this.faults.write(offset, value);
    else if (READ_ONLY.has(offset)) return;
    else if (offset === AT.GCMD) this.#command(value);
    else if (offset === AT.FSTS) this.#clearStatus(value);
    else if (offset === AT.ICS) this.bank.set(AT.ICS, this.bank.get(AT.ICS) & ~value);
    else {
      this.bank.write(offset, value);
      if (offset === AT.IQT) this.ring();
    }
  }

  /** A translation request of a device (ATS), which its context must allow: TT = 1, or DTE in scalable mode. */
  translateAts(stream: number, iova: Address, access: Access = READ, substream: number = ANY): UnitAnswer {
    this.caches.config.begin(stream, substream);
    const context = this.model.context(stream, substream === ANY ? undefined : substream);
    const allowed = context.fields['TT'] === 1 || context.fields['DTE'] === 1;
    if (!this.translates || context.action !== 'translate' || allowed) {
      return this.caches.translateAts(stream, iova, access, substream);
    }
    this.record(context, BigInt(iova), BLOCKED, access);
    return { from: 'tables', result: contextFault(context, iova, vtdFaultText(BLOCKED)) };
  }

  /** Records a fault of an access. */
  record({ stream, substream }: DeviceContext, iova: bigint, code: number, access: Access): void {
    const kind = { write: access.kind === 'write', execute: access.kind === 'execute' };
    const page = BigInt.asUintN(64, iova) >> 12n;
    this.faults.record({ stream, substream, page, code, ...kind, privileged: access.privileged === true });
  }

  step(): boolean {
    const stopped = (this.bank.get(AT.FSTS) & (FSTS.IQE | FSTS.ITE)) !== 0;
    if (stopped || (this.bank.get(AT.GSTS) & GCMD.QIE) === 0) return false;
    const iqa = this.bank.get(AT.IQA);
    const bytes = (iqa & IQA_WIDE) !== 0 ? 32 : 16;
    const ring = 4096 * 2 ** (iqa & 7);
    const [head, tail] = [this.bank.get(AT.IQH) % POINTER_BYTES, this.bank.get(AT.IQT) % POINTER_BYTES];
    if (head === tail) return false;
    if (tail >= ring) return this.#stop(IQEI.badTail);
    // a head between descriptors: their width was changed while the queue was on
    if (tail % bytes !== 0 || head % bytes !== 0) return this.#stop(IQEI.unaligned);
    const base = this.bank.get(AT.IQA + 4) * 2 ** 32 + (iqa - (iqa % 4096));
    if (!this.fetch(base + head, bytes / 4)) return this.#stop(IQEI.fetch);
    const error = this.#execute(bytes);
    if (error !== 0) return this.#stop(error);
    this.bank.set(AT.IQH, (head + bytes) % ring);
    return true;
  }

  /** @returns 0, or why the descriptor stops the queue (IQEI) */
  #execute(bytes: number): number {
    const decoder = bytes === 32 ? VTD_WIDE_DESCRIPTORS : VTD_DESCRIPTORS;
    const scope = this.decode(decoder);
    if (scope.kind === 'illegal') return decoder.typeOf(this.words) === undefined ? IQEI.type : IQEI.reserved;
    if (scope.kind === 'completion') this.#wait(scope);
    else if (scope.kind === 'device-tlb' && this.silent.has(scope.stream)) this.#silentDevice = scope.stream;
    else this.invalidate(scope);
    return 0;
  }

  /** A wait; if a device did not answer before it, it is aborted and the queue stops behind it (6.5.2.10). */
  #wait(scope: Scope): void {
    if (this.#silentDevice !== undefined) {
      this.bank.set(AT.FSTS, this.bank.get(AT.FSTS) | FSTS.ITE);
      this.bank.set(AT.IQERCD + 4, this.#silentDevice);
      this.#silentDevice = undefined;
      return;
    }
    this.complete(scope);
    if (scope.signals) this.bank.set(AT.ICS, 1);
  }

  #stop(reason: number): false {
    this.bank.set(AT.FSTS, this.bank.get(AT.FSTS) | FSTS.IQE);
    this.bank.set(AT.IQERCD, reason);
    return false;
  }

  #clearStatus(value: number): void {
    const before = this.bank.get(AT.FSTS);
    this.bank.set(AT.FSTS, before & ~(value & FSTS_CLEARED));
    if ((value & FSTS.IQE) !== 0) this.bank.set(AT.IQERCD, 0);
    if ((value & FSTS.ITE) !== 0) this.bank.set(AT.IQERCD + 4, 0);
    if ((value & (FSTS.IQE | FSTS.ITE)) !== 0) this.ring();
  }

  /** TE, QIE and IRE are set and cleared; SRTP and WBF are done at once (11.4.4.1). */
  #command(value: number): void {
    const status = this.bank.get(AT.GSTS);
    const modes = GCMD.TE | GCMD.QIE | GCMD.IRE;
    const latched = (value & GCMD.SRTP) !== 0 ? GCMD.SRTP : 0;
    this.bank.set(AT.GSTS, (status & ~modes) | (value & modes) | latched);
    if (latched !== 0) this.#root = this.bank.get64(AT.RTADDR);
    if ((value & GCMD.QIE) === 0) this.bank.set(AT.IQH, 0);
    this.#model = undefined;
    this.caches.rebind();
    this.ring();
  }
}

function codeOf(fault: Fault, context: DeviceContext, access: Access): number {
  const format = context.tables?.geometry.format;
  const mode = format === 'vtd-fs' ? 'first' : context.tables?.key.endsWith('second') === true ? 'second' : 'legacy';
  return vtdWalkCode(fault.reason, mode, access);
}

/** What makes the common way of answering a VT-d unit. */
function rulesOf(unit: LiveVtd): TranslatorUnit {
  return {
    contextOf: (_reader, stream, substream) => {
      if (unit.translates) return unit.model.context(stream, substream);
      return { stream, action: 'bypass', entryAddress: 0, fields: {} };
    },
    // 6.1: what is not present may be kept with CAP.CM only
    keeps: (_kind, words) => unit.cachesAbsent || bitsOf(words, 0, 1) === 1,
    domainOf: (kind, words) => {
      if (bitsOf(words, 0, 1) === 0) return 0;
      if (kind === 'stream') return words.length === 4 ? bitsOf(words, 72, 16) : ANY;
      return kind === 'substream' ? bitsOf(words, 64, 16) : ANY;
    },
    // 6.1: and never of first-stage tables
    keepsAbsent: ({ stages }) => unit.cachesAbsent && stages === STAGES.second,
    isGlobal: () => false,
    untranslated: (context, iova, access) => {
      if (!unit.translates) return unit.passed(iova);
      const { result, code } = unit.model.translate(context.stream, iova, access, context.substream);
      if (!result.ok && code !== undefined) unit.record(context, iova, code, access);
      return result;
    },
    faulted: (context, fault, access) => {
      const code = codeOf(fault, context, access);
      unit.record(context, fault.iova, code, access);
      return { ...fault, syndrome: vtdFaultText(code) };
    },
  };
}
