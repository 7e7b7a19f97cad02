/**
 * Live units beside their drivers: what a driver writes to memory and registers is all that the unit knows.
 * @module
 */
import type { RegisterPort } from '../../src/bus.ts';
import { Domain, type DomainOptions } from '../../src/core/index.ts';
import {
  LiveAmdVi,
  LiveRiscv,
  LiveSmmuV3,
  type LiveUnit,
  LiveVirtio,
  LiveVtd,
  SmmuV2,
  type SmmuV3Options,
  type VtdOptions,
} from '../../src/device/index.ts';
import {
  amdVi,
  armSmmu,
  armSmmuV3,
  type DomainContext,
  type DriverFactory,
  intelVtd,
  riscvIommu,
  virtioIommu,
} from '../../src/drivers/index.ts';
import { DEVICE } from '../support/device-view.ts';

export { DEVICE };

/** What can be asked of any unit. */
export type Unit = Pick<LiveUnit, 'unknown'> & Pick<LiveVirtio, 'translate'>;

/** A domain and the unit that its driver programs. */
export interface Live {
  readonly domain: Domain;
  readonly unit: Unit;
}

/** What lies between the driver and the unit's registers; nothing unless given. */
export type Wrap = (port: RegisterPort) => RegisterPort;
const BARE: Wrap = (port) => port;

/** Makes a unit, and the driver that is connected to it. */
export type Make = (context: DomainContext, wrap?: Wrap) => { readonly unit: Unit; readonly driver: DriverFactory };

/** A domain whose driver programs a live unit. */
export function live(options: DomainOptions, make: Make, wrap: Wrap = BARE): Live {
  const made: { unit?: Unit } = {};
  const domain = new Domain({
    ...options,
    driver: (context) => {
      const { unit, driver } = make(context, wrap);
      made.unit = unit;
      return driver(context);
    },
  });
  if (made.unit === undefined) throw new Error('no unit');
  return { domain, unit: made.unit };
}

/** An SMMUv2 that always has power. */
export const smmuV2 =
  (options: object): Make =>
  ({ memory }, wrap = BARE) => {
    const unit = new SmmuV2(memory);
    return { unit, driver: armSmmu({ port: wrap(unit), streams: [DEVICE], ...options }) };
  };

/** An SMMUv3. */
export const smmu =
  (options: object, having: SmmuV3Options = {}): Make =>
  ({ memory }, wrap = BARE) => {
    const unit = new LiveSmmuV3(memory, having);
    return { unit, driver: armSmmuV3({ port: wrap(unit), streams: [DEVICE], ...options }) };
  };

/** A VT-d unit. */
export const vtd =
  (options: object, having: VtdOptions = {}): Make =>
  ({ memory }, wrap = BARE) => {
    const unit = new LiveVtd(memory, having);
    return { unit, driver: intelVtd({ port: wrap(unit), sources: [DEVICE], ...options }) };
  };

/** An AMD-Vi unit. */
export const amd =
  (options: object, npCache = false): Make =>
  ({ memory }, wrap = BARE) => {
    const unit = new LiveAmdVi(memory, { npCache });
    return { unit, driver: amdVi({ port: wrap(unit), devices: [DEVICE], npCache, ...options }) };
  };

/** A RISC-V IOMMU. */
export const riscv =
  (options: object, more = 0n): Make =>
  ({ memory }, wrap = BARE) => {
    const unit = new LiveRiscv(memory, { capabilities: 0x01f8_e2cf_4f10n | more });
    return { unit, driver: riscvIommu({ port: wrap(unit), devices: [DEVICE], ...options }) };
  };

/** A virtio-iommu device, which has no tables. */
export const virtio =
  (options: object): Make =>
  ({ memory }, wrap = BARE) => {
    const unit = new LiveVirtio(memory);
    return { unit, driver: virtioIommu({ port: wrap(unit), endpoints: [DEVICE], ...options }) };
  };
