/**
 * A live SMMUv3: registers, a command queue consumed through memory, caches that may be stale, an event queue (Arm IHI 0070).
 * @module
 */

import type { Address } from '../../address.ts';
import type { PhysicalMemory } from '../../bus.ts';
import type { StructureReader } from '../../hardware/bits.ts';
import { ANY, type Scope, STAGES } from '../../hardware/command.ts';
import type { DeviceContext, DomainTables } from '../../hardware/iommu.ts';
import { CERROR, COMMAND_BYTES, SMMU_V3_COMMANDS } from '../../hardware/smmu-v3/commands.ts';
import { eventType } from '../../hardware/smmu-v3/events.ts';
import { faultAnswer } from '../../hardware/smmu-v3/fault-answer.ts';
import { SmmuV3 } from '../../hardware/smmu-v3/smmu.ts';
import { type Access, type Fault, faultClass, type Leaf, READ } from '../../hardware/walk/types.ts';
import { RegisterBank } from '../register-bank.ts';
import type { TranslatorUnit, UnitAnswer } from '../translator.ts';
import { LiveUnit, type UnitOptions } from '../unit.ts';
import { EventQueue } from './event-queue.ts';
import { AT, CONS_ERR, CR0, DEFAULT_IDS, GERROR, MOST_LOG2, WIDE } from './registers.ts';

/** Options of a live SMMUv3. */
export interface SmmuV3Options extends UnitOptions {
  /** Identification registers (`IDR0` …) that are not as they are unless given. */
  readonly ids?: Readonly<Record<string, number>>;
}

/** nG of a stage 1 leaf. */
const NOT_GLOBAL = 1n << 11n;
const F_BAD_ATS_TREQ = 0x05;
/** Registers that only count while their queue is off (6.3.26 to 6.3.28). */
const FIXED_WHILE_ON: ReadonlyMap<number, number> = new Map([
  [AT.CMDQ_BASE, CR0.CMDQEN],
  [AT.CMDQ_BASE + 4, CR0.CMDQEN],
  [AT.CMDQ_CONS, CR0.CMDQEN],
  [AT.EVENTQ_BASE, CR0.EVENTQEN],
  [AT.EVENTQ_BASE + 4, CR0.EVENTQEN],
  [AT.EVENTQ_PROD, CR0.EVENTQEN],
  [AT.STRTAB_BASE, CR0.SMMUEN],
  [AT.STRTAB_BASE + 4, CR0.SMMUEN],
  [AT.STRTAB_BASE_CFG, CR0.SMMUEN],
]);

/** A live SMMUv3. */
export class LiveSmmuV3 extends LiveUnit {
  readonly name = 'arm-smmu-v3';
  readonly events: EventQueue;
  /** Times that the pointers of the command queue made no sense, which is unpredictable: nothing is consumed then. */
  unpredictable = 0;
  #model: SmmuV3 | undefined;
  readonly #reader: StructureReader;
  /** An ATC invalidation was not answered: the next sync finds it. */
  #timedOut = false;

  constructor(memory: PhysicalMemory, options: SmmuV3Options = {}) {
    const bank = new RegisterBank(AT, WIDE);
    super(memory, bank, (self) => rulesOf(self as LiveSmmuV3), options);
    this.events = new EventQueue(memory, bank);
    this.#reader = this.caches.config;
    const ids = { ...DEFAULT_IDS, ...options.ids };
    for (const [name, offset] of Object.entries(AT)) bank.set(offset, ids[name] ?? 0);
  }

  /** What the registers and the kept configuration say. */
  get model(): SmmuV3 {
    this.#model ??= new SmmuV3(this.#reader, this.bank.named());
    return this.#model;
  }

  write32(offset: number, value: number): void {
    const fixed = FIXED_WHILE_ON.get(offset);
    if (fixed !== undefined && (this.bank.get(AT.CR0) & fixed) !== 0) return;
    if (offset <= AT.AIDR || offset === AT.CR0ACK || offset === AT.GERROR || offset === AT.IRQ_CTRLACK) return;
    this.bank.write(offset, value);
    if (offset === AT.CR0) this.#control(value);
    else if (offset === AT.IRQ_CTRL) this.bank.set(AT.IRQ_CTRLACK, value);
    else if (offset === AT.CMDQ_PROD || offset === AT.GERRORN) this.ring();
    else if (offset !== AT.EVENTQ_CONS) this.#changed();
    if (offset === AT.EVENTQ_CONS || offset === AT.GERRORN) this.events.drain();
  }

  /** A translation request of a device (ATS): STE.EATS must allow it (IHI 0070 3.9). */
  translateAts(stream: number, iova: Address, access: Access = READ, substream: number = ANY): UnitAnswer {
    this.caches.config.begin(stream, substream);
    const context = this.model.context(stream, substream === ANY ? undefined : substream);
    if (context.action === 'translate' && context.fields['EATS'] !== 1) {
      const type = eventType(F_BAD_ATS_TREQ);
      const fields = { StreamID: BigInt(stream), InputAddr: BigInt(iova) };
      this.events.record({ code: type.code, name: type.name, fields });
      return { from: 'tables', result: refusal(BigInt(iova), type.name) };
    }
    return this.caches.translateAts(stream, iova, access, substream);
  }

  step(): boolean {
    const cr0 = this.bank.get(AT.CR0);
    const errors = this.bank.get(AT.GERROR) ^ this.bank.get(AT.GERRORN);
    if ((cr0 & CR0.CMDQEN) === 0 || (errors & GERROR.CMDQ_ERR) !== 0) return false;
    const entries = 1 << Math.min(MOST_LOG2, this.bank.get(AT.CMDQ_BASE) & 31);
    const mask = 2 * entries - 1;
    const cons = this.bank.get(AT.CMDQ_CONS) & mask;
    const ahead = (this.bank.get(AT.CMDQ_PROD) - cons) & mask;
    if (ahead > entries) this.unpredictable++;
    if (ahead === 0 || ahead > entries) return false;
    const error = this.#execute(this.#baseOf(entries) + (cons & (entries - 1)) * COMMAND_BYTES);
    if (error === CERROR.none) this.bank.set(AT.CMDQ_CONS, (cons + 1) & mask);
    else this.#stop(cons, error);
    return error === CERROR.none;
  }

  /** The unit ignores bits of the base below the queue's size (6.3.26). */
  #baseOf(entries: number): number {
    const lo = this.bank.get(AT.CMDQ_BASE);
    const base = (this.bank.get(AT.CMDQ_BASE + 4) & 0xff_ffff) * 2 ** 32 + (lo - (lo % 32));
    return base - (base % Math.max(32, entries * COMMAND_BYTES));
  }

  #execute(address: number): number {
    if (!this.fetch(address, COMMAND_BYTES / 4)) return CERROR.abort;
    const scope = this.decode(SMMU_V3_COMMANDS);
    if (scope.kind === 'illegal') return CERROR.illegal;
    if (scope.kind === 'completion') return this.#sync(scope);
    if (scope.kind === 'device-tlb' && this.silent.has(scope.stream)) this.#timedOut = true;
    else this.invalidate(scope);
    return CERROR.none;
  }

  #sync(scope: Scope): number {
    if (this.#timedOut) {
      this.#timedOut = false;
      return CERROR.atcInvSync;
    }
    if (!this.complete(scope)) this.bank.set(AT.GERROR, this.bank.get(AT.GERROR) ^ GERROR.MSI_CMDQ_ABT_ERR);
    return CERROR.none;
  }

  /** The queue stops at the command, with the code in CONS (7.1). */
  #stop(cons: number, error: number): void {
    this.bank.set(AT.CMDQ_CONS, cons | ((error & CONS_ERR.mask) << CONS_ERR.at));
    this.bank.set(AT.GERROR, this.bank.get(AT.GERROR) ^ GERROR.CMDQ_ERR);
  }

  #control(value: number): void {
    this.bank.set(AT.CR0ACK, value);
    this.#changed();
    this.events.drain();
    this.ring();
  }

  /** Registers say something else; what the unit keeps of its configuration it still keeps. */
  #changed(): void {
    this.#model = undefined;
    this.caches.rebind();
  }
}

function refusal(iova: bigint, syndrome: string): Fault {
  const where = { stage: 1, level: 0, entryAddress: undefined, entry: undefined, syndrome, iova } as const;
  return { ok: false, reason: 'stream-aborts', class: faultClass('stream-aborts'), ...where };
}

/** What makes the common way of answering an SMMUv3. */
function rulesOf(unit: LiveSmmuV3): TranslatorUnit {
  const recorded = (answer: ReturnType<SmmuV3['translate']>): Leaf | Fault => {
    if (answer.event !== undefined) unit.events.record(answer.event);
    return answer.result;
  };
  return {
    contextOf: (_reader, stream, substream): DeviceContext => {
      const context = unit.model.context(stream, substream);
      const { tables, ...rest } = context;
      return unit.model.setup.enabled || tables === undefined ? context : { ...rest, action: 'bypass' };
    },
    // 3.21.2: entries may be kept even where they are not valid
    keeps: () => true,
    domainOf: () => ANY,
    isGlobal: (leaf: Leaf, tables: DomainTables) =>
      tables.tag?.stages === STAGES.first && (leaf.entry & NOT_GLOBAL) === 0n,
    untranslated: ({ stream, substream }, iova, access) =>
      recorded(unit.model.translate(stream, iova, access, substream)),
    faulted: (context, fault, access) => {
      const result = recorded(faultAnswer(context, fault, access));
      return result.ok ? fault : result;
    },
  };
}
