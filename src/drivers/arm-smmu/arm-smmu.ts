/**
 * The arm-smmu driver (SMMUv2): runtime power around every call, TLB maintenance at once, context-bank registers. As
 * Linux 5.10 and 6.1 have it (drivers/iommu/arm/arm-smmu), with the `map_sg` hook of 2021.
 * @module
 */
import { IommuError } from '../../errors.ts';
import type { ListArrays } from '../../memory/scatter-list.ts';
import type { Meter } from '../../meter/meter.ts';
import { PageTable } from '../../pagetable/page-table.ts';
import type { Done } from '../../pagetable/runs.ts';
import type { DomainContext, DriverDomain, DriverFactory, ListWalk } from '../contract.ts';
import { contextWrites, drivenKind } from './context.ts';
import { type DeviceOptions, SmmuDevice } from './device.ts';
import { ATSR_ACTIVE, CB, PAR_F } from './registers.ts';
import { RuntimePower, type RuntimePowerOptions } from './runtime-power.ts';
import { SmmuTlb, type TableInvalidation } from './tlb.ts';

/** PAR.PA, bits 47:12 (IHI 0062, 16.5.24); Linux 6.1 keeps 39:12 of a hardware translation. */
const PAR_ADDRESS = 0xfffffffff000n;
const PAR_ADDRESS_LINUX = 0xfffffff000n;
const TRANSLATION_POLLS = 10;

/** Settings of the driver. */
export interface ArmSmmuOptions extends DeviceOptions {
  /** Runtime power. */
  readonly power?: RuntimePowerOptions;
  /** Context bank, 0 by default; its number is the ASID, one more is the VMID. */
  readonly contextBank?: number;
  /** Streams of the device behind this domain; default [0]. */
  readonly streams?: readonly number[];
  /** How a freed table is invalidated; default `address`. */
  readonly tableInvalidation?: TableInvalidation;
  /** Translate in hardware (ATS1PR) at stage 1; needs a port. Default false. */
  readonly hardwareTranslation?: boolean;
}

class ArmSmmuDomain implements DriverDomain {
  readonly name = 'arm-smmu';
  readonly table: PageTable;
  readonly power: RuntimePower;
  readonly #meter: Meter;
  readonly #device: SmmuDevice;
  readonly #tlb: SmmuTlb;
  readonly #bank: number;
  readonly #hardware: boolean;
  readonly #parAddress: bigint;

  constructor(context: DomainContext, options: ArmSmmuOptions) {
    const { geometry, memory, meter, semantics } = context;
    this.#meter = meter;
    this.#bank = options.contextBank ?? 0;
    this.#device = new SmmuDevice(meter, options);
    if (!(this.#bank >= 0 && this.#bank < this.#device.contextBanks)) {
      throw new IommuError(
        'BAD_OPTION',
        'contextBank',
        `${this.#bank} is outside 0 … ${this.#device.contextBanks - 1}`,
      );
    }
    const { stage } = drivenKind(geometry);
    this.#hardware = options.hardwareTranslation === true && this.#device.listened && stage === 1;
    this.#parAddress = semantics === 'linux-6.1' ? PAR_ADDRESS_LINUX : PAR_ADDRESS;
    this.#tlb = new SmmuTlb(this.#device, meter, geometry, this.#bank, options.tableInvalidation ?? 'address');
    this.table = new PageTable(geometry, memory, meter, this.#tlb, semantics);
    const writes = contextWrites(geometry, this.table.registers, this.#bank);
    const streams = options.streams ?? [0];
    const program = (): void => {
      this.#device.reset();
      for (const write of writes) this.#device.write(write);
      for (const [group, stream] of streams.entries()) this.#device.attachStream(group, stream, this.#bank);
    };
    this.power = new RuntimePower(meter, options.power ?? {}, program, () => {});
    this.power.get();
    this.power.put();
  }

  map(iova: number, pa: number, size: number, prot: number, done: Done): number {
    return this.mapPages(iova, pa, size, 1, prot, done);
  }

  mapPages(iova: number, pa: number, size: number, count: number, prot: number, done: Done): number {
    this.power.get();
    this.#meter.tableCalls++;
    try {
      return this.table.mapPages(iova, pa, size, count, prot, done);
    } finally {
      this.power.put();
    }
  }

  mapSg(iova: number, list: ListArrays, prot: number, walk: ListWalk, done: Done): number {
    this.power.get();
    this.#meter.tableCalls++;
    try {
      return this.table.mapList(iova, list, prot, walk, done);
    } finally {
      this.power.put();
    }
  }

  unmap(iova: number, size: number, queued: boolean): number {
    return this.unmapPages(iova, size, 1, queued);
  }

  unmapPages(iova: number, size: number, count: number, queued: boolean): number {
    this.power.get();
    this.#meter.tableCalls++;
    try {
      return this.table.unmapPages(iova, size, count, queued);
    } finally {
      this.power.put();
    }
  }

  unmapRange(iova: number, bytes: number, queued: boolean): number {
    this.power.get();
    this.#meter.tableCalls++;
    try {
      return this.table.unmapRange(iova, bytes, queued);
    } finally {
      this.power.put();
    }
  }

  iotlbSync(): void {
    this.power.get();
    try {
      this.#tlb.sync();
    } finally {
      this.power.put();
    }
  }

  flushIotlbAll(): void {
    this.power.get();
    try {
      this.#tlb.flushAll();
    } finally {
      this.power.put();
    }
  }

  iovaToPhys(iova: number): number {
    if (this.#hardware) return this.#translateInHardware(iova);
    this.#meter.tableCalls++;
    return this.table.iovaToPhys(iova);
  }

  free(): void {
    this.flushIotlbAll();
    this.table.destroy();
  }

  #translateInHardware(iova: number): number {
    const { tree } = this.table;
    const address = tree.geometry.iovaBase + BigInt(iova);
    this.power.get();
    this.#device.write([SmmuDevice.bank(this.#bank, CB.ATS1PR), address & ~0xfffn]);
    const answered = this.#waitForTranslation();
    const par = this.#device.read64(SmmuDevice.bank(this.#bank, CB.PAR));
    this.power.put();
    if (!answered) return this.table.iovaToPhys(iova);
    if ((par & PAR_F) !== 0n) return -1;
    return Number(par & this.#parAddress) + (iova % 4096);
  }

  #waitForTranslation(): boolean {
    for (let polls = 0; polls < TRANSLATION_POLLS; polls++) {
      if ((this.#device.read32(SmmuDevice.bank(this.#bank, CB.ATSR)) & ATSR_ACTIVE) === 0) return true;
    }
    return false;
  }
}

/**
 * The arm-smmu driver.
 * @throws IommuError, when the domain is made: `UNSUPPORTED` for a format that no SMMUv2 walks, `BAD_OPTION`.
 */
export function armSmmu(options: ArmSmmuOptions = {}): DriverFactory {
  return (context) => new ArmSmmuDomain(context, options);
}
