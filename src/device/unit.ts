/**
 * What all live units have in common: a register port, caches, a command queue that they consume through memory.
 * @module
 */
import type { Address } from '../address.ts';
import type { PhysicalMemory, RegisterPort } from '../bus.ts';
import { type CommandDecoder, type CommandLimits, emptyScope, type Scope } from '../hardware/command.ts';
import { bypassLeaf, contextFault } from '../hardware/iommu.ts';
import type { Access, Fault, Leaf } from '../hardware/walk/types.ts';
import type { UnitObserver } from './observer.ts';
import type { RegisterBank } from './register-bank.ts';
import { type CacheOptions, Translator, type TranslatorUnit, type UnitAnswer } from './translator.ts';

/** Options of every live unit. */
export interface UnitOptions extends CacheOptions {
  /** `at-once` (unless given): commands are consumed as soon as a doorbell is written; `stepwise`: by `step` only. */
  readonly consume?: 'at-once' | 'stepwise';
  readonly observer?: UnitObserver;
}

/** Physical address bits that an access which is not translated may have. */
const BYPASS_BITS = 52;
/** Words of the longest entry of any command queue. */
const MOST_WORDS = 8;

/** A live unit: registers in front, queues and tables in memory, accesses of devices behind. */
export abstract class LiveUnit implements RegisterPort {
  /** `arm-smmu-v3`, `intel-vtd`, `amd-vi`, `riscv-iommu`. */
  abstract readonly name: string;
  /** Caches and contexts. */
  readonly caches: Translator;
  /** Streams whose device does not answer an invalidation of its TLB in time. */
  readonly silent: Set<number> = new Set();
  /** Commands consumed. */
  consumed = 0;
  protected readonly memory: PhysicalMemory;
  protected readonly bank: RegisterBank;
  protected readonly words: Uint32Array = new Uint32Array(MOST_WORDS);
  protected readonly scope: Scope = emptyScope();
  readonly #stepwise: boolean;

  protected constructor(
    memory: PhysicalMemory,
    bank: RegisterBank,
    unit: (self: LiveUnit) => TranslatorUnit,
    options: UnitOptions,
  ) {
    this.memory = memory;
    this.bank = bank;
    this.caches = new Translator(memory, unit(this), options);
    this.caches.observer = options.observer;
    this.#stepwise = options.consume === 'stepwise';
  }

  /** Offsets accessed that have no meaning here, with how often. */
  get unknown(): ReadonlyMap<number, number> {
    return this.bank.unknown;
  }

  /** What an access becomes. */
  translate(stream: number, iova: Address, access?: Access, substream?: number): UnitAnswer {
    return this.caches.translate(stream, iova, access, substream);
  }

  /** The output address of an access or −1; see {@link Translator.touch}. */
  touch(stream: number, iova: number, access?: Access, substream?: number): number {
    return this.caches.touch(stream, iova, access, substream);
  }

  /** An access that passes unchanged while translation is off. */
  passed(iova: bigint): Leaf | Fault {
    const leaf = bypassLeaf(iova, BYPASS_BITS);
    const context = { stream: 0, action: 'abort', entryAddress: 0, fields: {}, reason: 'output-too-large' } as const;
    return leaf ?? contextFault(context, iova, 'beyond the physical addresses');
  }

  /**
   * Consumes commands until the queue is empty or stopped.
   * @returns commands consumed
   */
  run(most: number = Number.POSITIVE_INFINITY): number {
    const { observer } = this.caches;
    let done = 0;
    observer?.consuming?.(true);
    while (done < most && this.step()) done++;
    observer?.consuming?.(false);
    return done;
  }

  /** Consumes one command; false where there is none or the queue is stopped. */
  abstract step(): boolean;

  read32(offset: number): number {
    return this.bank.read(offset);
  }

  read64(offset: number): bigint {
    return (BigInt(this.read32(offset + 4)) << 32n) | BigInt(this.read32(offset));
  }

  abstract write32(offset: number, value: number): void;

  /** The upper half is written first, so that a register takes effect with its lower half. */
  write64(offset: number, value: bigint): void {
    this.write32(offset + 4, Number((value >> 32n) & 0xffff_ffffn));
    this.write32(offset, Number(value & 0xffff_ffffn));
  }

  /** A doorbell was written, or a queue was started again. */
  protected ring(): void {
    if (!this.#stepwise) this.run();
  }

  /** Fetches an entry into {@link LiveUnit.words}; false where it cannot be read. */
  protected fetch(address: number, words: number): boolean {
    for (let i = 0; i < words; i++) {
      const word = this.memory.read32(address + 4 * i);
      if (word === undefined) return false;
      this.words[i] = word;
    }
    return true;
  }

  /** Decodes what was fetched and lets an observer see it. */
  protected decode(decoder: CommandDecoder, limits?: CommandLimits): Scope {
    decoder.scope(this.words, this.scope, limits);
    this.consumed++;
    this.caches.observer?.consumed?.({ words: this.words, scope: this.scope });
    return this.scope;
  }

  /** Executes a decoded command that invalidates; true where it was one. */
  protected invalidate(scope: Scope): boolean {
    if (scope.kind !== 'tlb' && scope.kind !== 'config' && scope.kind !== 'device-tlb') return false;
    this.caches.invalidations.consumed(scope);
    return true;
  }

  /** Completes everything before a completion command, and makes its store. False where the store fails. */
  protected complete(scope: Scope): boolean {
    this.caches.invalidations.complete();
    const stored = this.#store(scope);
    this.caches.observer?.completed?.();
    return stored;
  }

  #store({ storeBytes, storeAddress, storeLow, storeHigh }: Scope): boolean {
    if (storeBytes === 0) return true;
    if (storeAddress > Number.MAX_SAFE_INTEGER) return false;
    if (storeBytes === 4) return this.memory.write32(storeAddress, storeLow);
    return this.memory.write64(storeAddress, (BigInt(storeHigh) << 32n) | BigInt(storeLow));
  }
}
