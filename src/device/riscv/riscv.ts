/**
 * A live RISC-V IOMMU: registers, a command queue consumed through memory, caches that may be stale, a fault queue
 * (RISC-V IOMMU 1.0).
 * @module
 */
import type { PhysicalMemory } from '../../bus.ts';
import type { StructureReader } from '../../hardware/bits.ts';
import { ANY, type CommandLimits, type Scope, STAGES } from '../../hardware/command.ts';
import { contextFault, type DeviceContext, type DomainTables } from '../../hardware/iommu.ts';
import { riscvFeatures } from '../../hardware/riscv/capabilities.ts';
import { CAUSE, causeText } from '../../hardware/riscv/causes.ts';
import { RISCV_COMMAND_BYTES, RISCV_COMMANDS } from '../../hardware/riscv/commands.ts';
import { faultRecord } from '../../hardware/riscv/fault-queue.ts';
import { type RiscvOutcome, type RiscvRequest, translateRequest } from '../../hardware/riscv/process.ts';
import { RiscvIommu } from '../../hardware/riscv/riscv.ts';
import type { Access, Fault, Leaf } from '../../hardware/walk/types.ts';
import { RegisterBank } from '../register-bank.ts';
import type { TranslatorUnit } from '../translator.ts';
import { LiveUnit, type UnitOptions } from '../unit.ts';
import { FaultQueue } from './fault-queue.ts';
import {
  AT,
  CAP_HIGH,
  CQCSR,
  CQCSR_CLEARED,
  CQCSR_ERRORS,
  DEFAULT_CAPABILITIES,
  FQCSR,
  FQCSR_CLEARED,
  IPSR,
  WIDE,
} from './registers.ts';

/** Options of a live RISC-V IOMMU. */
export interface RiscvOptions extends UnitOptions {
  readonly capabilities?: bigint;
}

/** G of a first-stage leaf. */
const GLOBAL = 1n << 5n;

/** A live RISC-V IOMMU. */
export class LiveRiscv extends LiveUnit {
  readonly name = 'riscv-iommu';
  readonly faults: FaultQueue;
  #model: RiscvIommu | undefined;
  /** An ATS invalidation was not answered: the next fence finds it. */
  #timedOut = false;
  readonly #limits: CommandLimits;

  constructor(memory: PhysicalMemory, options: RiscvOptions = {}) {
    const bank = new RegisterBank(AT, WIDE);
    super(memory, bank, (self) => rulesOf(self as LiveRiscv), options);
    bank.set64(AT.CAPABILITIES, options.capabilities ?? DEFAULT_CAPABILITIES);
    this.faults = new FaultQueue(memory, bank);
    const high = bank.get(AT.CAPABILITIES + 4);
    this.#limits = { nonLeaf: (high & CAP_HIGH.NL) !== 0, naturalRanges: (high & CAP_HIGH.S) !== 0 };
  }

  /** What the registers and the kept directories say. */
  get model(): RiscvIommu {
    this.#model ??= new RiscvIommu(this.caches.config, this.bank.named());
    return this.#model;
  }

  write32(offset: number, value: number): void {
    if (offset === AT.CAPABILITIES || offset === AT.CAPABILITIES + 4 || offset === AT.CQH || offset === AT.FQT) return;
    if (offset === AT.CQCSR) this.#commands(value);
    else if (offset === AT.FQCSR) this.#faultControl(value);
    else if (offset === AT.IPSR) this.bank.set(AT.IPSR, this.bank.get(AT.IPSR) & ~value);
    else {
      this.bank.write(offset, value);
      if (offset === AT.CQT) this.ring();
      else if (offset <= AT.DDTP + 4) this.#changed();
    }
  }

  /** The request of an access as the specification's process takes it, on memory as the unit sees it. */
  request(reader: StructureReader, context: DeviceContext, iova: bigint, access: Access): RiscvOutcome {
    const outcome = translateRequest(reader, riscvFeatures(this.bank.named()), requestOf(context, iova, access));
    for (const { address, bytes, after } of outcome.updates) {
      if (bytes === 8) this.memory.write64(Number(address), after);
      else this.memory.write32(Number(address), Number(after));
    }
    return outcome;
  }

  /** Records the fault of an outcome, if it is to be reported. */
  report(context: DeviceContext, iova: bigint, access: Access, outcome: RiscvOutcome): void {
    const record = faultRecord(requestOf(context, iova, access), outcome);
    if (record !== undefined) this.faults.record(record);
  }

  step(): boolean {
    const status = this.bank.get(AT.CQCSR);
    if ((status & CQCSR.cqon) === 0 || (status & CQCSR_ERRORS) !== 0) return false;
    const low = this.bank.get(AT.CQB);
    const entries = 2 ** ((low & 31) + 1);
    const [head, tail] = [this.bank.get(AT.CQH) % entries, this.bank.get(AT.CQT) % entries];
    if (head === tail) return false;
    const page = ((this.bank.get(AT.CQB + 4) & 0x3f_ffff) * 2 ** 32 + low - (low % 1024)) / 1024;
    const error = this.#execute(page * 4096 + head * RISCV_COMMAND_BYTES);
    if (error === 0) this.bank.set(AT.CQH, (head + 1) % entries);
    else this.#fail(error);
    return error === 0;
  }

  /** @returns 0, or the bit of cqcsr that says why the queue stops at the command */
  #execute(address: number): number {
    if (!this.fetch(address, RISCV_COMMAND_BYTES / 4)) return CQCSR.cqmf;
    const scope = this.decode(RISCV_COMMANDS, this.#limits);
    if (scope.kind === 'illegal') return CQCSR.cmd_ill;
    if (scope.kind === 'completion') return this.#fence(scope);
    if (scope.kind === 'device-tlb' && this.silent.has(scope.stream)) this.#timedOut = true;
    else this.invalidate(scope);
    return 0;
  }

  #fence(scope: Scope): number {
    if (this.#timedOut) {
      this.#timedOut = false;
      return CQCSR.cmd_to;
    }
    if (!this.complete(scope)) return CQCSR.cqmf;
    if (scope.signals) this.bank.set(AT.CQCSR, this.bank.get(AT.CQCSR) | CQCSR.fence_w_ip);
    return 0;
  }

  #fail(bit: number): void {
    const status = this.bank.get(AT.CQCSR) | bit;
    this.bank.set(AT.CQCSR, status);
    if ((status & CQCSR.cie) !== 0) this.bank.set(AT.IPSR, this.bank.get(AT.IPSR) | IPSR.cip);
  }

  /** Enabling zeroes the head and clears errors; what is written as 1 among errors is cleared (6.12). */
  #commands(value: number): void {
    const before = this.bank.get(AT.CQCSR);
    const starts = (value & CQCSR.cqen) !== 0 && (before & CQCSR.cqen) === 0;
    const errors = starts ? 0 : before & CQCSR_CLEARED & ~value;
    const on = (value & CQCSR.cqen) !== 0 ? CQCSR.cqon : 0;
    this.bank.set(AT.CQCSR, (value & (CQCSR.cqen | CQCSR.cie)) | errors | on);
    if (starts) this.bank.set(AT.CQH, 0);
    this.ring();
  }

  #faultControl(value: number): void {
    const before = this.bank.get(AT.FQCSR);
    const starts = (value & FQCSR.fqen) !== 0 && (before & FQCSR.fqen) === 0;
    const errors = starts ? 0 : before & FQCSR_CLEARED & ~value;
    const on = (value & FQCSR.fqen) !== 0 ? FQCSR.fqon : 0;
    this.bank.set(AT.FQCSR, (value & (FQCSR.fqen | FQCSR.fie)) | errors | on);
    if (starts) this.bank.set(AT.FQT, 0);
  }

  #changed(): void {
    this.#model = undefined;
    this.caches.rebind();
  }
}

function requestOf({ stream, substream }: DeviceContext, iova: bigint, access: Access): RiscvRequest {
  const process = substream === undefined ? {} : { process: substream };
  const { kind, privileged = false } = access;
  return { device: stream, ...process, privileged, type: 'untranslated', access: kind, iova };
}

/** Page faults by access, of the first stage and of the second. */
const PAGE_FAULTS = {
  read: [CAUSE.readPage, CAUSE.readGuestPage],
  write: [CAUSE.writePage, CAUSE.writeGuestPage],
  execute: [CAUSE.instructionPage, CAUSE.instructionGuestPage],
} as const;

/** What makes the common way of answering a RISC-V IOMMU. */
function rulesOf(unit: LiveRiscv): TranslatorUnit {
  let outcome: RiscvOutcome | undefined;
  return {
    contextOf: (_reader, stream, substream) => unit.model.context(stream, substream),
    // 4.1.3: only valid entries are kept
    keeps: (_kind, words) => ((words[0] ?? 0) & 1) === 1,
    domainOf: () => ANY,
    secondTakesNested: true,
    isGlobal: (leaf: Leaf, tables: DomainTables) => tables.tag?.stages === STAGES.first && (leaf.entry & GLOBAL) !== 0n,
    untranslated: (context, iova, access) => {
      if (context.action !== 'bypass')
        unit.report(context, iova, access, unit.request(unit.caches.config, context, iova, access));
      return unit.model.translate(context.stream, iova, access, context.substream).result;
    },
    walk: (context, memory, access, iova, walked): Leaf | Fault => {
      outcome = unit.request(memory, context, iova, access);
      const { fault, translation } = outcome;
      if (translation?.msi !== undefined) {
        return unit.model.translate(context.stream, iova, access, context.substream).result;
      }
      return fault === undefined || !walked.ok ? walked : contextFault(context, iova, causeText(fault.cause));
    },
    faulted: (context, fault, access) => {
      const known = outcome?.fault === undefined ? undefined : outcome;
      outcome = undefined;
      const cause = PAGE_FAULTS[access.kind][fault.stage === 2 ? 1 : 0];
      const plain: RiscvOutcome = {
        status: 'unsupported-request',
        fault: { cause, iotval2: 0n },
        reported: true,
        updates: [],
      };
      const recorded = known ?? plain;
      unit.report(context, fault.iova, access, recorded);
      return { ...fault, syndrome: causeText(recorded.fault?.cause ?? cause) };
    },
  };
}
