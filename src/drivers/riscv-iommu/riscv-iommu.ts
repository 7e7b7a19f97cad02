/**
 * The RISC-V IOMMU driver: a command queue and device contexts in memory, as Linux 6.13 and 7.3 use them (drivers/iommu/riscv).
 * @module
 */
import type { Registers } from '../../formats/contract.ts';
import { QUIRK } from '../../formats/quirks.ts';
import type { DomainContext, Driver, DriverFactory, DriverHooks } from '../contract.ts';
import type { DriverKind } from '../kind.ts';
import { checkFormat, checkMemory, deviceIds, driverOptions, oneOf, unitOf } from '../options.ts';
import type { Holder } from '../queue/attachments.ts';
import { checkRiscv } from './capabilities.ts';
import { RISCV_NAMES } from './commands.ts';
import { RiscvTlb } from './tlb.ts';
import { RiscvUnit, type RiscvUnitOptions } from './unit.ts';

const FORMATS = ['riscv-sv39', 'riscv-sv48', 'riscv-sv57'] as const;
const KERNELS = ['6.13', '7.3'] as const;

/** Settings of the driver. */
export interface RiscvIommuOptions extends RiscvUnitOptions {
  /** The kernel; default 7.3. */
  readonly kernel?: (typeof KERNELS)[number];
  /** The unit, where several domains share one; the options of a unit are then not looked at. Default one of its own. */
  readonly unit?: RiscvUnit;
  /** Device ids behind this domain; default [0]. */
  readonly devices?: readonly number[];
  /** PSCID; default the lowest that is free. */
  readonly pscid?: number;
}

const OPTIONS: readonly (keyof RiscvIommuOptions)[] = [
  'kernel',
  'unit',
  'devices',
  'pscid',
  'port',
  'queueBits',
  'extended',
  'naturalRanges',
  'nonLeaf',
];

const DRIVEN_QUIRKS =
  QUIRK.SIGN_EXTEND |
  QUIRK.FLUSH_RANGE |
  QUIRK.FLUSH_RANGE_NO_GAPS |
  QUIRK.DETAILED_GATHER |
  QUIRK.SVNAPOT_64K |
  QUIRK.SVPBMT;

class RiscvIommu implements Driver, Holder {
  readonly name = 'riscv-iommu';
  readonly hooks: DriverHooks = { mapSg: true, unmapRange: true };
  readonly cannotFail: boolean;
  readonly tlb: RiscvTlb;
  readonly #unit: RiscvUnit;
  readonly #owned: boolean;
  readonly #devices: readonly number[];
  readonly #pscid: number;

  constructor(context: DomainContext, options: RiscvIommuOptions) {
    const { geometry, memory, meter } = context;
    checkFormat(this.name, FORMATS, geometry, DRIVEN_QUIRKS);
    const kernel = oneOf('kernel', options.kernel, KERNELS, '7.3');
    this.#devices = deviceIds('devices', options.devices, 0xffffff);
    this.#owned = options.unit === undefined;
    this.#unit = unitOf(options.unit, RiscvUnit) ?? new RiscvUnit(memory, meter, options);
    this.cannotFail = this.#unit.cannotFail;
    try {
      checkMemory(this.#unit.pages, memory);
      checkRiscv(geometry, this.#unit.capabilities);
      this.#pscid = this.#unit.pscids.take(options.pscid);
    } catch (error) {
      if (this.#owned) this.#unit.abandon();
      throw error;
    }
    this.tlb = new RiscvTlb(this.#unit, geometry, { kernel, pscid: this.#pscid });
  }

  /** Linux invalidates a context that becomes valid, too. */
  attach(registers: Registers): void {
    for (const device of this.#devices) {
      this.#unit.attachments.attach(device, this);
      this.#unit.enter(device, registers, this.#pscid);
      this.tlb.flushContext(device);
    }
  }

  sync(): void {
    this.tlb.sync();
  }

  detach(): void {
    for (const device of this.#devices) if (this.#unit.attachments.has(device, this)) this.leave(device);
    this.tlb.flushAll();
  }

  release(): void {
    if (this.#owned) this.#unit.free();
    this.#unit.attachments.detachAll(this);
    this.#unit.pscids.give(this.#pscid);
  }

  leave(device: number): void {
    this.#unit.clear(device);
    this.tlb.flushContext(device);
  }
}

/**
 * The RISC-V IOMMU driver.
 * @throws IommuError `BAD_OPTION`; when the domain is made: `UNSUPPORTED` for a format that it does not walk, `NO_MEMORY`.
 */
export function riscvIommu(options: RiscvIommuOptions = {}): DriverFactory {
  const given = driverOptions('riscv-iommu', OPTIONS, options);
  return (context) => new RiscvIommu(context, given);
}

/** The RISC-V IOMMU driver in the registry. */
export const RISCV_IOMMU: DriverKind = {
  id: 'riscv-iommu',
  title: 'RISC-V IOMMU: a command queue',
  formats: FORMATS,
  kernels: KERNELS,
  options: OPTIONS,
  commands: RISCV_NAMES,
  completion: 'IOFENCE.C',
  make: (options) => riscvIommu(options),
};
