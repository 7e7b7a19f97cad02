/**
 * The arm-smmu-v3 driver: a command queue, stream table entries and context descriptors in memory, as Linux 6.1, 6.12 and 7.3
 * use them (drivers/iommu/arm/arm-smmu-v3).
 * @module
 */
import type { Registers } from '../../formats/contract.ts';
import { QUIRK } from '../../formats/quirks.ts';
import type { DomainContext, Driver, DriverFactory, DriverHooks } from '../contract.ts';
import type { DriverKind } from '../kind.ts';
import { checkFormat, checkMemory, deviceIds, driverOptions, flag, oneOf, unitOf } from '../options.ts';
import type { Holder } from '../queue/attachments.ts';
import type { IdPool } from '../queue/id-pool.ts';
import { checkSmmuV3 } from './capabilities.ts';
import { CFGI_LEAF, KIND, SMMU_V3_NAMES } from './commands.ts';
import { ABORT, cdUsed, contextDescriptor, type Entry, EntryWriter, NO_CD, stage1Ste, stage2Ste } from './entries.ts';
import { SmmuV3Tlb } from './tlb.ts';
import { SmmuV3Unit, type SmmuV3UnitOptions } from './unit.ts';

const FORMATS = ['arm-64-lpae-s1', 'arm-64-lpae-s2'] as const;
const KERNELS = ['6.1', '6.12', '7.3'] as const;

/** Settings of the driver. */
export interface ArmSmmuV3Options extends SmmuV3UnitOptions {
  /** The kernel; default 6.12. */
  readonly kernel?: (typeof KERNELS)[number];
  /** The SMMU, where several domains share one; the options of a unit are then not looked at. Default one of its own. */
  readonly unit?: SmmuV3Unit;
  /** Streams of the device behind this domain; default [0]. */
  readonly streams?: readonly number[];
  /** Range invalidation (IDR3.RIL); default true. */
  readonly rangeInvalidation?: boolean;
  /** Whether the device has a TLB of its own (ATS); default false. */
  readonly ats?: boolean;
  /** Whether the host runs at EL2 with E2H; default false. */
  readonly e2h?: boolean;
  /** ASID of a first stage, VMID of a second one; default the lowest that is free. */
  readonly tag?: number;
}

const OPTIONS: readonly (keyof ArmSmmuV3Options)[] = [
  'kernel',
  'unit',
  'streams',
  'rangeInvalidation',
  'ats',
  'e2h',
  'tag',
  'port',
  'queueBits',
  'streamBits',
  'msi',
  'forceSync',
];

const DRIVEN_QUIRKS = QUIRK.ARM_NS | QUIRK.ARM_OUTER_WBWA | QUIRK.ARM_CONTIGUOUS | QUIRK.ARM_HD | QUIRK.NO_WARN;

class ArmSmmuV3 implements Driver, Holder {
  readonly name = 'arm-smmu-v3';
  readonly hooks: DriverHooks = { mapSg: true, unmapRange: true };
  readonly cannotFail: boolean;
  readonly tlb: SmmuV3Tlb;
  readonly #unit: SmmuV3Unit;
  readonly #owned: boolean;
  readonly #kernel: string;
  readonly #stage: 1 | 2;
  readonly #tag: number;
  readonly #ats: boolean;
  readonly #e2h: boolean;
  readonly #dirty: boolean;
  readonly #streams: readonly number[];
  readonly #stes: readonly number[];
  readonly #cds: EntryWriter;
  /** Address of the context descriptor; −1 for a second stage. */
  readonly #cd: number;

  constructor(context: DomainContext, options: ArmSmmuV3Options) {
    const { geometry, memory, meter, semantics } = context;
    checkFormat(this.name, FORMATS, geometry, DRIVEN_QUIRKS);
    const kernel = oneOf('kernel', options.kernel, KERNELS, '6.12');
    this.#kernel = kernel;
    this.#stage = geometry.format === 'arm-64-lpae-s2' ? 2 : 1;
    this.#dirty = (geometry.quirks & QUIRK.ARM_HD) !== 0;
    this.#streams = deviceIds('streams', options.streams, 2 ** 24 - 1);
    this.#ats = flag('ats', options.ats, false);
    this.#e2h = flag('e2h', options.e2h, false) && this.#stage === 1;
    const ranges = flag('rangeInvalidation', options.rangeInvalidation, true);
    this.#owned = options.unit === undefined;
    this.#unit = unitOf(options.unit, SmmuV3Unit) ?? new SmmuV3Unit(memory, meter, options);
    this.cannotFail = this.#unit.cannotFail;
    this.#cds = new EntryWriter(this.#unit.pages, cdUsed, 1n << 31n);
    try {
      checkMemory(this.#unit.pages, memory);
      checkSmmuV3(geometry, this.#unit.ids);
      this.#stes = this.#streams.map((stream) => this.#unit.steAt(stream));
      this.#cd = this.#stage === 1 ? this.#unit.takeCd() : -1;
      this.#tag = this.#takeTag(options.tag);
    } catch (error) {
      if (this.#owned) this.#unit.abandon();
      throw error;
    }
    this.tlb = new SmmuV3Tlb(this.#unit.queue, geometry, {
      kernel,
      stage: this.#stage,
      tag: this.#tag,
      e2h: this.#e2h,
      ranges,
      atsStreams: this.#ats ? this.#streams : [],
      minding: semantics === 'safe',
    });
  }

  attach(registers: Registers): void {
    const setup = { ats: this.#ats, e2h: this.#e2h };
    const first = this.#stage === 1;
    const ste = first ? stage1Ste(this.#cd, setup) : stage2Ste(registers, this.#tag, setup);
    if (first) this.#writeCd(contextDescriptor(registers, this.#tag, this.#dirty));
    for (const [i, stream] of this.#streams.entries()) {
      this.#unit.attachments.attach(stream, this);
      this.#writeSte(i, ste);
    }
    this.tlb.attached = true;
    this.tlb.flushDeviceTlbs();
  }

  sync(): void {
    this.tlb.sync();
  }

  detach(): void {
    for (const [i, stream] of this.#streams.entries()) if (this.#unit.attachments.has(stream, this)) this.#leaveSte(i);
    this.tlb.flushDeviceTlbs();
    if (this.#stage === 1 && this.#kernel !== '6.1') this.#writeCd(NO_CD);
    this.tlb.attached = false;
    this.tlb.flushTag();
  }

  release(): void {
    if (this.#owned) this.#unit.free();
    this.#unit.attachments.detachAll(this);
    this.#tags.give(this.#tag);
    if (this.#cd !== -1) this.#unit.giveCd(this.#cd);
  }

  /** Linux 6.1 writes an entry over one that aborts only; later kernels replace it in steps, each of which the device may see. */
  leave(stream: number): void {
    if (this.#kernel !== '6.1') return;
    for (const [i, own] of this.#streams.entries()) if (own === stream) this.#leaveSte(i);
  }

  get #tags(): IdPool {
    return this.#stage === 1 ? this.#unit.asids : this.#unit.vmids;
  }

  #takeTag(wanted: number | undefined): number {
    try {
      return this.#tags.take(wanted);
    } catch (error) {
      if (this.#cd !== -1) this.#unit.giveCd(this.#cd);
      throw error;
    }
  }

  /** Linux 6.1 knows of no stream yet when it writes the descriptor: only the synchronisations are sent. */
  #writeCd(entry: Entry): void {
    if (this.#kernel === '6.1') this.#cds.fillLast(this.#cd, entry, () => this.#unit.queue.sync());
    else this.#cds.write(this.#cd, entry, () => this.#invalidateCds());
  }

  #invalidateCds(): void {
    for (const stream of this.#streams) this.#unit.queue.add(KIND.cfgiCd, 0, stream, CFGI_LEAF, 0);
    this.#unit.queue.sync();
  }

  #writeSte(index: number, entry: Entry): void {
    const at = this.#stes[index] as number;
    const stream = this.#streams[index] as number;
    const invalidate = (): void => this.#invalidateSte(stream);
    if (this.#kernel === '6.1') this.#unit.stes.fillLast(at, entry, invalidate);
    else this.#unit.stes.write(at, entry, invalidate);
    this.#prefetch(stream);
  }

  #leaveSte(index: number): void {
    if (this.#kernel !== '6.1') {
      this.#writeSte(index, ABORT);
      return;
    }
    this.#unit.stes.fill(this.#stes[index] as number, ABORT);
    this.#invalidateSte(this.#streams[index] as number);
  }

  #invalidateSte(stream: number): void {
    this.#unit.queue.add(KIND.cfgiSte, 0, stream, CFGI_LEAF, 0);
    this.#unit.queue.sync();
  }

  #prefetch(stream: number): void {
    this.#unit.queue.add(KIND.prefetchConfig, 0, stream, 0, 0);
    this.#unit.queue.send();
  }
}

/**
 * The arm-smmu-v3 driver.
 * @throws IommuError `BAD_OPTION`; when the domain is made: `UNSUPPORTED` for a format that no SMMUv3 walks, `NO_MEMORY`.
 */
export function armSmmuV3(options: ArmSmmuV3Options = {}): DriverFactory {
  const given = driverOptions('arm-smmu-v3', OPTIONS, options);
  return (context) => new ArmSmmuV3(context, given);
}

/** The arm-smmu-v3 driver in the registry. */
export const ARM_SMMU_V3: DriverKind = {
  id: 'arm-smmu-v3',
  title: 'Arm SMMUv3: a command queue',
  formats: FORMATS,
  kernels: KERNELS,
  options: OPTIONS,
  commands: SMMU_V3_NAMES,
  completion: 'CMD_SYNC',
  make: (options) => armSmmuV3(options),
};
