/**
 * The VT-d driver: an invalidation queue, root, context and PASID tables in memory, as Linux 6.1, 6.12 and 7.3 use them
 * (drivers/iommu/intel).
 * @module
 */
import { IommuError } from '../../errors.ts';
import type { Registers } from '../../formats/contract.ts';
import { QUIRK } from '../../formats/quirks.ts';
import type { DomainContext, Driver, DriverFactory, DriverHooks } from '../contract.ts';
import type { DriverKind } from '../kind.ts';
import { checkFormat, checkMemory, deviceIds, driverOptions, flag, oneOf, unitOf } from '../options.ts';
import type { Holder } from '../queue/attachments.ts';
import { checkVtd } from './capabilities.ts';
import { VTD_NAMES } from './descriptors.ts';
import { VtdTlb } from './tlb.ts';
import { VtdUnit, type VtdUnitOptions } from './unit.ts';

const FORMATS = ['vtd-ss', 'x86-64'] as const;
const KERNELS = ['6.1', '6.12', '7.3'] as const;

/** Settings of the driver. */
export interface IntelVtdOptions extends VtdUnitOptions {
  /** The kernel; default 6.12. */
  readonly kernel?: (typeof KERNELS)[number];
  /** The unit, where several domains share one; the options of a unit are then not looked at. Default one of its own. */
  readonly unit?: VtdUnit;
  /** Source-ids of the devices behind this domain; default [0]. */
  readonly sources?: readonly number[];
  /** Whether the devices have TLBs of their own (ATS); default false. */
  readonly ats?: boolean;
  /** Domain id; default the lowest that is free. */
  readonly did?: number;
}

const OPTIONS: readonly (keyof IntelVtdOptions)[] = [
  'kernel',
  'unit',
  'sources',
  'ats',
  'did',
  'port',
  'scalable',
  'mamv',
  'pageSelective',
  'cachingMode',
  'writeBuffer',
  'draining',
];

const DRIVEN_QUIRKS =
  QUIRK.FULL_VA |
  QUIRK.SIGN_EXTEND |
  QUIRK.FLUSH_RANGE |
  QUIRK.FLUSH_RANGE_NO_GAPS |
  QUIRK.FORCE_COHERENCE |
  QUIRK.FORCE_WRITEABLE;

class IntelVtd implements Driver, Holder {
  readonly name = 'intel-vtd';
  readonly hooks: DriverHooks;
  readonly cannotFail: boolean;
  readonly tlb: VtdTlb;
  readonly #unit: VtdUnit;
  readonly #owned: boolean;
  readonly #did: number;
  readonly #ats: boolean;
  readonly #firstStage: boolean;
  readonly #sources: readonly number[];

  constructor(context: DomainContext, options: IntelVtdOptions) {
    const { geometry, memory, meter } = context;
    checkFormat(this.name, FORMATS, geometry, DRIVEN_QUIRKS);
    const kernel = oneOf('kernel', options.kernel, KERNELS, '6.12');
    this.#firstStage = geometry.format === 'x86-64';
    this.#sources = deviceIds('sources', options.sources, 0xffff);
    this.#ats = flag('ats', options.ats, false);
    this.#owned = options.unit === undefined;
    this.#unit =
      unitOf(options.unit, VtdUnit) ?? new VtdUnit(memory, meter, { scalable: this.#firstStage, ...options });
    this.cannotFail = this.#unit.cannotFail;
    try {
      this.#checkUnit(context);
      this.#did = this.#unit.dids.take(options.did);
    } catch (error) {
      if (this.#owned) this.#unit.abandon();
      throw error;
    }
    const atsSources = this.#ats ? this.#sources : [];
    this.tlb = new VtdTlb(this.#unit, geometry, { kernel, did: this.#did, firstStage: this.#firstStage, atsSources });
    this.hooks = this.#hooksOf(this.#unit);
  }

  attach(registers: Registers): void {
    const { structures, cachingMode } = this.#unit;
    const attachment = { did: this.#did, firstStage: this.#firstStage, registers, ats: this.#ats };
    for (const source of this.#sources) {
      this.#unit.attachments.attach(source, this);
      structures.enter(source, attachment);
      if (cachingMode) this.tlb.flushContext(source, false);
      else this.#unit.flushWriteBuffer();
    }
  }

  sync(): void {
    this.tlb.sync();
  }

  detach(): void {
    for (const source of this.#sources) if (this.#unit.attachments.has(source, this)) this.#clear(source);
    this.tlb.flushDevices();
  }

  release(): void {
    if (this.#owned) this.#unit.free();
    this.#unit.attachments.detachAll(this);
    this.#unit.dids.give(this.#did);
  }

  leave(source: number): void {
    this.#clear(source);
    this.tlb.flushDevices();
  }

  #clear(source: number): void {
    this.#unit.structures.clear(source);
    this.tlb.flushContext(source, true);
  }

  #hooksOf({ cachingMode, writeBuffer }: VtdUnit): DriverHooks {
    const plain = { mapSg: true, unmapRange: true };
    if (cachingMode && !this.#firstStage) {
      return { ...plain, strict: true, syncMap: (iova, bytes) => this.tlb.flushNotPresent(iova, bytes) };
    }
    const strict = cachingMode ? { strict: true } : {};
    return writeBuffer
      ? { ...plain, ...strict, syncMap: () => this.#unit.flushWriteBuffer() }
      : { ...plain, ...strict };
  }

  /** @throws IommuError `BAD_OPTION`, `UNSUPPORTED`. */
  #checkUnit({ memory, geometry }: DomainContext): void {
    checkMemory(this.#unit.pages, memory);
    const { scalable, capabilities } = this.#unit;
    if (this.#firstStage && !scalable) {
      const message = `expected a unit in scalable mode for '${geometry.format}', got one in legacy mode`;
      throw new IommuError('UNSUPPORTED', 'scalable', message, { got: geometry.format });
    }
    checkVtd(geometry, capabilities, scalable);
  }
}

/**
 * The VT-d driver.
 * @throws IommuError `BAD_OPTION`; when the domain is made: `UNSUPPORTED` for a format that no VT-d unit walks, `NO_MEMORY`.
 */
export function intelVtd(options: IntelVtdOptions = {}): DriverFactory {
  const given = driverOptions('intel-vtd', OPTIONS, options);
  return (context) => new IntelVtd(context, given);
}

/** The VT-d driver in the registry. */
export const INTEL_VTD: DriverKind = {
  id: 'intel-vtd',
  title: 'Intel VT-d: queued invalidation',
  formats: FORMATS,
  kernels: KERNELS,
  options: OPTIONS,
  commands: VTD_NAMES,
  completion: 'invalidation wait',
  make: (options) => intelVtd(options),
};
