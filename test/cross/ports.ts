/**
 * Register ports between the driver and the device that lose writes, or let the device's power follow the driver's.
 * @module
 */
import type { RegisterPort } from '../../src/bus.ts';
import { Domain, type DomainOptions } from '../../src/core/index.ts';
import { CB, GR0, SmmuV2, type SmmuV2Options } from '../../src/device/index.ts';
import { type ArmSmmuOptions, armSmmu } from '../../src/drivers/index.ts';
import { TableMemory } from '../../src/memory/index.ts';

const PAGE = 4096;
const FIRST_BANK = 16 * PAGE;

/** Passes on what `keeps` says of a write's offset, and every read. */
export class LossyPort implements RegisterPort {
  keeps: (offset: number) => boolean = () => true;
  readonly #device: RegisterPort;

  constructor(device: RegisterPort) {
    this.#device = device;
  }

  read32(offset: number): number {
    return this.#device.read32(offset);
  }

  write32(offset: number, value: number): void {
    if (this.keeps(offset)) this.#device.write32(offset, value);
  }

  read64(offset: number): bigint {
    return this.#device.read64(offset);
  }

  write64(offset: number, value: bigint): void {
    if (this.keeps(offset)) this.#device.write64(offset, value);
  }
}

/** Whether an offset is a TLB invalidation (IHI 0062: 9.6, 16.5). */
export function isInvalidation(offset: number): boolean {
  if (offset >= FIRST_BANK) return offset % PAGE >= CB.TLBIVA && offset % PAGE < CB.TLBSYNC;
  return offset >= GR0.STLBIALL && offset < GR0.sTLBGSYNC;
}

/** Whether an offset starts a synchronisation. */
export function isSync(offset: number): boolean {
  return offset >= FIRST_BANK ? offset % PAGE === CB.TLBSYNC : offset === GR0.sTLBGSYNC;
}

/** Gives the device power while the driver holds that it has it. */
class PowerLine extends LossyPort {
  active: () => boolean = () => true;
  readonly #smmu: SmmuV2;

  constructor(smmu: SmmuV2) {
    super(smmu);
    this.#smmu = smmu;
  }

  follow(): void {
    this.#smmu.powered = this.active();
  }

  override read32(offset: number): number {
    this.follow();
    return super.read32(offset);
  }

  override write32(offset: number, value: number): void {
    this.follow();
    super.write32(offset, value);
  }

  override read64(offset: number): bigint {
    this.follow();
    return super.read64(offset);
  }

  override write64(offset: number, value: bigint): void {
    this.follow();
    super.write64(offset, value);
  }
}

/** A domain, the SMMU that its driver programs, and the line between them. */
export interface System {
  readonly domain: Domain;
  readonly smmu: SmmuV2;
  readonly port: PowerLine;
}

/** What a {@link System} is made of. */
export interface SystemOptions {
  readonly domain?: DomainOptions;
  readonly driver?: ArmSmmuOptions;
  readonly smmu?: SmmuV2Options;
}

/** Attaches a domain to an SMMU; stream 0 unless the driver's options say otherwise. */
export function attach(options: SystemOptions = {}): System {
  const memory = new TableMemory();
  const smmu = new SmmuV2(memory, options.smmu);
  const port = new PowerLine(smmu);
  const domain = new Domain({ memory, ...options.domain, driver: armSmmu({ ...options.driver, port }) });
  port.active = () => domain.driver.power === undefined || powerOf(domain);
  return { domain, smmu, port };
}

function powerOf(domain: Domain): boolean {
  const { power } = domain.driver;
  return power !== undefined && 'active' in power && power.active === true;
}
