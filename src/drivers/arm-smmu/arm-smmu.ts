/**
 * The arm-smmu driver (SMMUv2): runtime power around every call, TLB maintenance at once, context-bank registers. As
 * Linux 5.10 and 6.1 have it (drivers/iommu/arm/arm-smmu), with the `map_sg` hook of 2021.
 * @module
 */
import type { Geometry, Registers } from '../../formats/contract.ts';
import type { DomainContext, Driver, DriverFactory, DriverHooks } from '../contract.ts';
import type { DriverKind } from '../kind.ts';
import { deviceIds, driverOptions, whole } from '../options.ts';
import { checkSmmu } from './capabilities.ts';
import { contextWrites, DRIVEN_FORMATS, drivenKind } from './context.ts';
import { type DeviceOptions, type RegisterWrite, SmmuDevice } from './device.ts';
import { ATSR_ACTIVE, CB, PAR_F } from './registers.ts';
import { RuntimePower, type RuntimePowerOptions } from './runtime-power.ts';
import { SmmuTlb, type TableInvalidation } from './tlb.ts';

/** PAR.PA, bits 47:12 (IHI 0062, 16.5.24); Linux keeps 39:12 of a hardware translation. */
const PAR_ADDRESS = 0xfffffffff000n;
const PAR_ADDRESS_LINUX = 0xfffffff000n;
const TRANSLATION_POLLS = 10;
/** SMR.ID (9.6.16). */
const MOST_STREAM = 0x7fff;

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

const OPTIONS: readonly (keyof ArmSmmuOptions)[] = [
  'power',
  'contextBank',
  'streams',
  'tableInvalidation',
  'hardwareTranslation',
  'port',
  'streamGroups',
  'contextBanks',
];

class ArmSmmu implements Driver {
  readonly name = 'arm-smmu';
  readonly power: RuntimePower;
  readonly tlb: SmmuTlb;
  readonly hooks: DriverHooks;
  readonly cannotFail: boolean;
  readonly #geometry: Geometry;
  readonly #device: SmmuDevice;
  readonly #bank: number;
  readonly #streams: readonly number[];
  readonly #parAddress: bigint;
  /** What switches the context bank on; undefined before there are tables. */
  #writes: readonly RegisterWrite[] | undefined;

  constructor({ geometry, meter, semantics }: DomainContext, options: ArmSmmuOptions) {
    this.#geometry = geometry;
    this.#streams = deviceIds('streams', options.streams, MOST_STREAM);
    this.#device = new SmmuDevice(meter, options);
    this.#bank = whole('contextBank', options.contextBank, 0, this.#device.contextBanks - 1, 0);
    const kind = drivenKind(geometry);
    checkSmmu(geometry, kind, this.#device.ids);
    const hardware = options.hardwareTranslation === true && this.#device.listened && kind.stage === 1;
    const hooks = { mapSg: true, unmapRange: true };
    this.hooks = hardware ? { ...hooks, translate: (iova) => this.#translate(iova) } : hooks;
    this.#parAddress = semantics === 'safe' ? PAR_ADDRESS : PAR_ADDRESS_LINUX;
    this.tlb = new SmmuTlb(this.#device, meter, geometry, this.#bank, options.tableInvalidation ?? 'address');
    const program = (): void => this.#program();
    this.power = new RuntimePower(meter, options.power ?? {}, program, () => {});
    this.cannotFail = !this.#device.listened && !this.power.asksClock;
  }

  attach(registers: Registers): void {
    this.#writes = contextWrites(this.#geometry, registers, this.#bank);
    this.#program();
  }

  sync(): void {
    this.tlb.sync();
  }

  /** As `arm_smmu_destroy_domain_context`: streams fault, the context bank is off, and nothing of it is in the TLB. */
  detach(): void {
    for (const group of this.#streams.keys()) this.#device.detachStream(group);
    this.#device.write([SmmuDevice.bank(this.#bank, CB.SCTLR), 0]);
    this.tlb.flushAll();
  }

  #program(): void {
    if (this.#writes === undefined) return;
    const device = this.#device;
    device.reset();
    for (const write of this.#writes) device.write(write);
    for (const [group, stream] of this.#streams.entries()) device.attachStream(group, stream, this.#bank);
  }

  #translate(iova: number): number | undefined {
    const address = this.#geometry.iovaBase + BigInt(iova);
    this.#device.write([SmmuDevice.bank(this.#bank, CB.ATS1PR), address & ~0xfffn]);
    const answered = this.#waitForTranslation();
    const par = this.#device.read64(SmmuDevice.bank(this.#bank, CB.PAR));
    if (!answered) return undefined;
    return (par & PAR_F) !== 0n ? -1 : Number(par & this.#parAddress) + (iova % 4096);
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
 * @throws IommuError `BAD_OPTION`; when the domain is made: `UNSUPPORTED` for a format that no SMMUv2 walks, `BAD_OPTION`.
 */
export function armSmmu(options: ArmSmmuOptions = {}): DriverFactory {
  const given = driverOptions('arm-smmu', OPTIONS, options);
  return (context) => new ArmSmmu(context, given);
}

/** The arm-smmu driver in the registry. */
export const ARM_SMMU: DriverKind = {
  id: 'arm-smmu',
  title: 'Arm SMMUv2: registers',
  formats: DRIVEN_FORMATS,
  kernels: [],
  options: OPTIONS,
  commands: [],
  make: (options) => armSmmu(options),
};
