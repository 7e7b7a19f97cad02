/**
 * How a live unit answers accesses: from its TLB, else by a walk that its walk cache shortens, through contexts that it
 * may have kept. Written once for all units with tables.
 * @module
 */
import { type Address, busAddress } from '../address.ts';
import type { PhysicalReader } from '../bus.ts';
import { ANY, type Scope, STAGES } from '../hardware/command.ts';
import {
  type AnyWalker,
  type DeviceContext,
  type DomainTables,
  type TranslationTag,
  walkerOf,
} from '../hardware/iommu.ts';
import { ATTR, permsText } from '../hardware/walk/regime.ts';
import { type Access, type Fault, type Leaf, READ } from '../hardware/walk/types.ts';
import { accessReason } from '../hardware/walk/walker.ts';
import { ConfigCache, type ConfigRules } from './config-cache.ts';
import { type DropPoint, Invalidations } from './drop.ts';
import type { UnitObserver } from './observer.ts';
import type { CacheGeometry } from './sets.ts';
import { Tlb, type TlbLeaf } from './tlb.ts';
import { CachedTables, WalkCache } from './walk-cache.ts';

/** What a unit's caches are like. */
export interface CacheOptions {
  /** 1024 entries in sets of 8 unless given. */
  readonly tlb?: CacheGeometry;
  /** Table entries kept; 64 unless given. */
  readonly walkCache?: CacheGeometry;
  /** Streams whose configuration is kept; all unless given, 0 for none. */
  readonly configStreams?: number;
  /** TLB of each device that asks for translations (ATS); 64 entries unless given. */
  readonly deviceTlb?: CacheGeometry;
  /** At the completion unless given: the latest that is allowed. */
  readonly dropAt?: DropPoint;
  /** Of `dropAt: 'random'`; 1 unless given. */
  readonly seed?: number;
}

const DEFAULTS = {
  tlb: { entries: 1024, ways: 8 },
  walkCache: { entries: 64 },
  deviceTlb: { entries: 64 },
} as const;
const PAGE = 4096;
const KINDS = { read: ATTR.read, write: ATTR.write, execute: ATTR.execute } as const;

/** What a unit adds to the common way of answering. */
export interface TranslatorUnit extends ConfigRules {
  /** The context of a stream, read through `reader`. */
  contextOf(reader: ConfigCache, stream: number, substream: number | undefined): DeviceContext;
  /** Whether a translation that is not present may be kept, of tables that a tag names. */
  keepsAbsent?(tag: TranslationTag): boolean;
  /** Whether an invalidation of stage 2 takes nested translations, too. */
  readonly secondTakesNested?: boolean;
  /** Whether a leaf serves every address space of its domain. */
  isGlobal(leaf: Leaf, tables: DomainTables): boolean;
  /** The answer of a context that does not translate, recorded by the unit where it is a fault. */
  untranslated(context: DeviceContext, iova: bigint, access: Access): Leaf | Fault;
  /** Records a fault of a walk, and gives it under the unit's own name. */
  faulted(context: DeviceContext, fault: Fault, access: Access): Fault;
  /** The unit's own process, where it adds to what a walk of the tables found. */
  walk?(context: DeviceContext, tables: CachedTables, access: Access, iova: bigint, walked: Leaf | Fault): Leaf | Fault;
}

interface Bound {
  readonly key: number;
  readonly context: DeviceContext;
  readonly tag: TranslationTag;
  readonly tables: DomainTables | undefined;
  readonly memory: CachedTables;
  readonly walker: AnyWalker | undefined;
}

const NO_TAG: TranslationTag = { domain: ANY, space: ANY, stages: STAGES.first };
/** PASIDs and substreams have 20 bits, and one value stands for none. */
const SUBSTREAMS = 2 ** 21;

/** What an access became. */
export interface UnitAnswer {
  readonly result: Leaf | Fault;
  readonly from: 'tlb' | 'device-tlb' | 'tables';
}

/** Answers accesses from caches and tables. */
export class Translator {
  readonly tlb: Tlb;
  readonly walkCache: WalkCache;
  readonly config: ConfigCache;
  readonly invalidations: Invalidations;
  /** TLBs of devices, by stream. */
  readonly deviceTlbs: Map<number, Tlb> = new Map();
  observer: UnitObserver | undefined;
  readonly #unit: TranslatorUnit;
  readonly #options: CacheOptions;
  readonly #bound: Map<number, Bound> = new Map();
  #last: Bound | undefined;
  #fault: Fault | undefined;

  constructor(reader: PhysicalReader, unit: TranslatorUnit, options: CacheOptions = {}) {
    this.#unit = unit;
    this.#options = options;
    this.tlb = new Tlb(options.tlb ?? DEFAULTS.tlb);
    this.walkCache = new WalkCache(options.walkCache ?? DEFAULTS.walkCache);
    this.config = new ConfigCache(reader, options.configStreams ?? Number.POSITIVE_INFINITY, unit);
    this.invalidations = new Invalidations(options.dropAt ?? 'completion', options.seed ?? 1, (scope) =>
      this.drop(scope),
    );
  }

  /** The fault of the last access that `touch` answered with −1. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /**
   * The output address of an access, or −1 where it faults ({@link Translator.fault}). A hit allocates nothing.
   * @param iova below 2^53
   * @param substream −1 for none
   */
  touch(stream: number, iova: number, access: Access = READ, substream: number = ANY): number {
    const bound = this.#context(stream, substream);
    const page = Math.floor(iova / PAGE);
    const slot =
      bound.walker === undefined ? -1 : this.tlb.find(bound.tag.domain, bound.tag.space, bound.tag.stages, page);
    if (slot >= 0 && this.#allows(slot, access)) {
      const output = this.tlb.pageOutput(slot, page) + (iova - page * PAGE);
      if (this.observer !== undefined) this.#seen(bound, page, access, 'tlb', output);
      this.invalidations.step();
      return output;
    }
    const { result } = this.#answer(bound, BigInt(iova), page, access, slot);
    return result.ok ? result.pa : -1;
  }

  /**
   * What an access becomes, with all that is known of it.
   * @throws IommuError those of `checkAddress`
   */
  translate(stream: number, iova: Address, access: Access = READ, substream: number = ANY): UnitAnswer {
    const bound = this.#context(stream, substream);
    const address = busAddress(iova);
    const page = Number(address >> 12n);
    const { domain, space, stages } = bound.tag;
    const slot = bound.walker === undefined ? -1 : this.tlb.find(domain, space, stages, page);
    return this.#answer(bound, address, page, access, slot);
  }

  /** An access of a device that keeps translations itself (ATS): from its own TLB, else asked of the unit. */
  translateAts(stream: number, iova: Address, access: Access = READ, substream: number = ANY): UnitAnswer {
    const own = this.deviceTlb(stream);
    const address = busAddress(iova);
    const page = Number(address >> 12n);
    const slot = own.find(0, substream, STAGES.first, page);
    if (slot >= 0 && accessReason(own.attributesOf(slot), access) === undefined) {
      const leaf = served(own.leafOf(slot), address);
      if (this.observer !== undefined)
        this.#seen(this.#context(stream, substream), page, access, 'device-tlb', leaf.pa);
      return { result: leaf, from: 'device-tlb' };
    }
    const answer = this.translate(stream, iova, access, substream);
    if (answer.result.ok) own.add({ ...tlbLeaf(answer.result, DEVICE_TAG, false, false), space: substream });
    return answer;
  }

  /** The TLB of one device. */
  deviceTlb(stream: number): Tlb {
    let own = this.deviceTlbs.get(stream);
    if (own === undefined) {
      own = new Tlb(this.#options.deviceTlb ?? DEFAULTS.deviceTlb);
      this.deviceTlbs.set(stream, own);
    }
    return own;
  }

  /** Takes out what a scope names, now. */
  drop(scope: Scope): void {
    if (scope.kind === 'tlb') {
      this.tlb.invalidate(scope, this.#unit.secondTakesNested === true);
      this.walkCache.invalidate(scope);
    } else if (scope.kind === 'config') this.#dropConfig(scope);
    else if (scope.kind === 'device-tlb') this.#dropDevice(scope);
  }

  /** Forgets everything, as at reset. */
  clear(): void {
    this.tlb.clear();
    this.walkCache.clear();
    this.deviceTlbs.clear();
    this.config.clear();
    this.rebind();
  }

  /** Makes contexts anew from the configuration that is kept, as after a change of registers. */
  rebind(): void {
    this.#bound.clear();
    this.#last = undefined;
  }

  #dropConfig(scope: Scope): void {
    this.config.invalidate(scope);
    this.rebind();
  }

  #dropDevice(scope: Scope): void {
    const own = this.deviceTlbs.get(scope.stream);
    if (own === undefined) return;
    own.invalidate({ ...scope, kind: 'tlb', domain: ANY, space: scope.substream, stages: STAGES.both, globals: true });
  }

  #allows(slot: number, access: Access): boolean {
    return !this.tlb.isAbsent(slot) && accessReason(this.tlb.attributesOf(slot), access) === undefined;
  }

  #answer(bound: Bound, iova: bigint, page: number, access: Access, slot: number): UnitAnswer {
    const from = slot >= 0 ? 'tlb' : 'tables';
    const found = slot >= 0 ? this.#held(slot, iova, access) : this.#walk(bound, iova, page, access);
    const result = found.ok || slot < 0 ? found : this.#unit.faulted(bound.context, found, access);
    this.#fault = result.ok ? undefined : result;
    if (this.observer !== undefined) this.#seen(bound, page, access, from, result.ok ? result.pa : -1);
    this.invalidations.step();
    return { result, from };
  }

  /** The answer of an entry, also where it does not allow the access. */
  #held(slot: number, iova: bigint, access: Access): Leaf | Fault {
    const held = this.tlb.leafOf(slot);
    const leaf = served(held, iova);
    const reason = held.absent ? 'never-mapped' : accessReason(held.attributes, access);
    if (reason === undefined) return leaf;
    const where = { level: held.level, entryAddress: undefined, entry: undefined, syndrome: '' };
    const kind = reason === 'never-mapped' ? 'translation' : reason === 'access-flag' ? 'access-flag' : 'permission';
    return { ok: false, reason, class: kind, stage: held.stages === STAGES.second ? 2 : 1, ...where, iova };
  }

  #walk(bound: Bound, iova: bigint, page: number, access: Access): Leaf | Fault {
    const { context, tables, walker, memory, tag } = bound;
    if (tables === undefined || walker === undefined) return this.#unit.untranslated(context, iova, access);
    const { steps, result: walked } = walker.walk(iova, access);
    this.config.begin(context.stream, context.substream ?? ANY);
    const result = this.#unit.walk?.(context, memory, access, iova, walked) ?? walked;
    if (!result.ok) {
      this.#keepAbsent(result, tag, page);
      return this.#unit.faulted(context, result, access);
    }
    memory.keep(tables, steps, iova);
    const nested = tables.stage2 !== undefined;
    this.tlb.add(tlbLeaf(result, tag, this.#unit.isGlobal(result, tables), nested, tables.geometry.granule));
    return result;
  }

  #keepAbsent(fault: Fault, tag: TranslationTag, page: number): void {
    if (fault.reason !== 'never-mapped' || this.#unit.keepsAbsent?.(tag) !== true) return;
    const shape = { log2Pages: 0, level: Math.max(0, fault.level), granuleBits: 12, attributes: 0, base: 0 };
    this.tlb.add({ ...tag, global: false, nested: false, absent: true, page, ...shape });
  }

  #context(stream: number, substream: number): Bound {
    const key = stream * SUBSTREAMS + substream;
    const last = this.#last;
    if (last !== undefined && last.key === key) return last;
    const bound = this.#bound.get(key) ?? this.#bind(key, stream, substream);
    this.#last = this.#options.configStreams === 0 ? undefined : bound;
    return bound;
  }

  #bind(key: number, stream: number, substream: number): Bound {
    this.config.begin(stream, substream);
    const context = this.#unit.contextOf(this.config, stream, substream === ANY ? undefined : substream);
    const tables = context.tables;
    const tag = tables?.tag ?? NO_TAG;
    const memory = new CachedTables(this.config, this.walkCache, tag);
    const walker = tables === undefined ? undefined : walkerOf(memory, tables);
    const bound: Bound = { key, context, tag, tables, memory, walker };
    if (this.#isKept(context)) this.#bound.set(key, bound);
    return bound;
  }

  /** A context is as fresh as its parts: it is kept where each of them is. */
  #isKept(context: DeviceContext): boolean {
    const { configStreams = Number.POSITIVE_INFINITY } = this.#options;
    return configStreams === Number.POSITIVE_INFINITY && context.action === 'translate';
  }

  #seen({ key, tag }: Bound, page: number, access: Access, from: UnitAnswer['from'], output: number): void {
    const stream = Math.floor((key + 1) / SUBSTREAMS);
    const substream = key - stream * SUBSTREAMS;
    this.observer?.accessed?.({
      stream,
      substream,
      ...tag,
      page,
      write: (KINDS[access.kind] & ATTR.write) !== 0,
      from,
      output,
    });
  }
}

const DEVICE_TAG: TranslationTag = { domain: 0, space: ANY, stages: STAGES.first };

function log2Of(value: number): number {
  return Math.round(Math.log2(value));
}

function tlbLeaf(leaf: Leaf, tag: TranslationTag, global: boolean, nested: boolean, granule = PAGE): TlbLeaf {
  const log2Pages = Math.max(0, log2Of(leaf.size / PAGE));
  const page = Number(BigInt.asUintN(64, leaf.iova) >> 12n);
  const size = { page, log2Pages, level: leaf.level, granuleBits: log2Of(granule) };
  return { ...tag, global, nested, absent: false, ...size, attributes: leaf.attributes, base: leaf.base };
}

/** An entry as the leaf that it was. */
function served(held: TlbLeaf, iova: bigint): Leaf {
  const size = 2 ** held.log2Pages * PAGE;
  const within = Number(iova - BigInt(held.page) * BigInt(PAGE));
  return {
    ok: true,
    iova: iova - BigInt(within),
    pa: held.base + within,
    output: BigInt(held.base) + BigInt(within),
    base: held.base,
    size,
    level: held.level,
    perms: permsText(held.attributes),
    attributes: held.attributes,
    memoryType: '',
    entryAddress: 0,
    entry: 0n,
  };
}
