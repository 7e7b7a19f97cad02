/**
 * The AMD-Vi driver: a command buffer, device table entries and GCR3 tables in memory, as Linux 6.1, 6.12 and 7.3 use them
 * (drivers/iommu/amd).
 * @module
 */
import { IommuError } from '../../errors.ts';
import type { Registers } from '../../formats/contract.ts';
import { QUIRK } from '../../formats/quirks.ts';
import type { DomainContext, Driver, DriverFactory, DriverHooks } from '../contract.ts';
import type { DriverKind } from '../kind.ts';
import { checkFormat, checkMemory, deviceIds, driverOptions, flag, oneOf, unitOf } from '../options.ts';
import type { Holder } from '../queue/attachments.ts';
import { checkAmdVi } from './capabilities.ts';
import { AMD_NAMES } from './commands.ts';
import { BLOCKED, type DeviceEntry, guestEntry, hostEntry } from './device-table.ts';
import { AmdViTlb } from './tlb.ts';
import { AmdViUnit, type AmdViUnitOptions } from './unit.ts';

const FORMATS = ['amd-v1', 'x86-64'] as const;
const KERNELS = ['6.1', '6.12', '7.3'] as const;

/** Settings of the driver. */
export interface AmdViOptions extends AmdViUnitOptions {
  /** The kernel; default 6.12. Guest tables need 6.12 or later. */
  readonly kernel?: (typeof KERNELS)[number];
  /** The unit, where several domains share one; the options of a unit are then not looked at. Default one of its own. */
  readonly unit?: AmdViUnit;
  /** Device ids behind this domain; default [0]. */
  readonly devices?: readonly number[];
  /** Whether the devices have TLBs of their own (ATS); default false. */
  readonly ats?: boolean;
  /** Domain id, with host tables; default the lowest that is free. */
  readonly domainId?: number;
}

const OPTIONS: readonly (keyof AmdViOptions)[] = [
  'kernel',
  'unit',
  'devices',
  'ats',
  'domainId',
  'port',
  'lastDevice',
  'npCache',
];

const DRIVEN_QUIRKS =
  QUIRK.FULL_VA |
  QUIRK.DYNAMIC_TOP |
  QUIRK.SIGN_EXTEND |
  QUIRK.FLUSH_RANGE |
  QUIRK.FLUSH_RANGE_NO_GAPS |
  QUIRK.ENCRYPT_TABLES |
  QUIRK.FORCE_COHERENCE;

class AmdVi implements Driver, Holder {
  readonly name = 'amd-vi';
  readonly hooks: DriverHooks;
  readonly cannotFail: boolean;
  readonly tlb: AmdViTlb;
  readonly #unit: AmdViUnit;
  readonly #owned: boolean;
  readonly #kernel: string;
  readonly #guest: boolean;
  readonly #ats: boolean;
  readonly #devices: readonly number[];
  readonly #domains: readonly number[];
  /** The page of the GCR3 table; 0 without one. */
  #gcr3 = 0;

  constructor(context: DomainContext, options: AmdViOptions) {
    const { geometry, memory, meter } = context;
    checkFormat(this.name, FORMATS, geometry, DRIVEN_QUIRKS);
    const kernel = oneOf('kernel', options.kernel, KERNELS, '6.12');
    this.#kernel = kernel;
    this.#guest = geometry.format === 'x86-64';
    if (this.#guest && kernel === '6.1') throw noGuestTables();
    this.#devices = deviceIds('devices', options.devices, 0xffff);
    this.#ats = flag('ats', options.ats, false);
    this.#owned = options.unit === undefined;
    const lastDevice = options.lastDevice ?? Math.max(0xff, ...this.#devices);
    this.#unit = unitOf(options.unit, AmdViUnit) ?? new AmdViUnit(memory, meter, { ...options, lastDevice });
    this.cannotFail = this.#unit.cannotFail;
    try {
      this.#checkUnit(context);
      this.#domains = this.#takeDomains(options.domainId);
    } catch (error) {
      if (this.#owned) this.#unit.abandon();
      throw error;
    }
    this.tlb = new AmdViTlb(this.#unit, geometry, {
      kernel,
      domains: this.#domains,
      guest: this.#guest,
      atsDevices: this.#ats ? this.#devices : [],
      changeTop: (root, level) => this.#moveRoot(root, level),
    });
    const plain = { mapSg: true, unmapRange: true };
    const syncMap = (iova: number, bytes: number): void => this.tlb.flushNotPresent(iova, bytes);
    this.hooks = this.#unit.npCache ? { ...plain, strict: true, syncMap } : plain;
  }

  attach(registers: Registers): void {
    const gcr3 = this.#guest ? this.#unit.takeGcr3(registers['gcr3_pt'] ?? 0n) : 0;
    this.#gcr3 = gcr3;
    for (const [i, device] of this.#devices.entries()) {
      this.#unit.attachments.attach(device, this);
      const domain = this.#domains[i] ?? (this.#domains[0] as number);
      const entry = this.#guest
        ? guestEntry(gcr3, registers['levels'] ?? 0n, domain, this.#ats)
        : hostEntry(registers['host_pt_root'] ?? 0n, registers['mode'] ?? 0n, domain, this.#ats);
      this.#write(device, entry);
    }
  }

  sync(): void {
    this.tlb.sync();
  }

  detach(): void {
    for (const device of this.#held) this.#write(device, BLOCKED);
    if (this.#kernel !== '6.1') this.tlb.flushAll();
  }

  release(): void {
    if (this.#owned) this.#unit.free();
    this.#unit.attachments.detachAll(this);
    for (const domain of this.#domains) this.#unit.domains.give(domain);
    if (this.#gcr3 !== 0) this.#unit.giveGcr3(this.#gcr3);
  }

  leave(device: number): void {
    this.#write(device, BLOCKED);
    if (this.#kernel !== '6.1') this.tlb.flushAll();
  }

  /** The devices that were not attached elsewhere since. */
  get #held(): readonly number[] {
    return this.#devices.filter((device) => this.#unit.attachments.has(device, this));
  }

  /** Writes a device's entry. Linux 6.1 flushes the domain with it; later kernels flush the entry twice, but once to block it (6.12). */
  #write(device: number, entry: DeviceEntry): void {
    const { commands, devices } = this.#unit;
    devices.write(device, entry);
    this.tlb.flushEntry(device);
    if (this.#kernel === '6.1') {
      this.tlb.flushAll();
      return;
    }
    commands.wait();
    if (entry === BLOCKED && this.#kernel === '6.12') return;
    this.tlb.flushEntry(device);
    commands.wait();
  }

  /** The root grew, or shrank: every device's entry says so before an address is used that needs it. */
  #moveRoot(root: number, level: number): void {
    const entry = hostEntry(BigInt(root), BigInt(level + 1), this.#domains[0] as number, this.#ats);
    for (const device of this.#held) {
      this.#unit.devices.write(device, entry);
      this.tlb.flushEntry(device);
    }
    if (this.#kernel === '7.3') this.#unit.commands.wait();
    else this.tlb.flushAll();
  }

  #takeDomains(wanted: number | undefined): readonly number[] {
    const { domains } = this.#unit;
    if (!this.#guest) return [domains.take(wanted)];
    const taken: number[] = [];
    try {
      for (const _ of this.#devices) taken.push(domains.take(undefined));
    } catch (error) {
      for (const domain of taken) domains.give(domain);
      throw error;
    }
    return taken;
  }

  /** @throws IommuError `BAD_OPTION`, `OUT_OF_RANGE`, `UNSUPPORTED`. */
  #checkUnit({ memory, geometry }: DomainContext): void {
    checkMemory(this.#unit.pages, memory);
    checkAmdVi(geometry, this.#unit.features);
    const beyond = this.#devices.find((device) => device > this.#unit.lastDevice);
    if (beyond === undefined) return;
    const message = `expected a device id up to ${this.#unit.lastDevice}, got ${beyond}`;
    throw new IommuError('OUT_OF_RANGE', 'devices', message, { got: beyond });
  }
}

function noGuestTables(): IommuError {
  const message = "expected 'amd-v1' for the amd-vi driver of Linux 6.1, got 'x86-64', which needs 6.12 or later";
  return new IommuError('UNSUPPORTED', 'format', message, { got: 'x86-64' });
}

/**
 * The AMD-Vi driver.
 * @throws IommuError `BAD_OPTION`; when the domain is made: `UNSUPPORTED` for a format that no AMD-Vi unit walks, `NO_MEMORY`.
 */
export function amdVi(options: AmdViOptions = {}): DriverFactory {
  const given = driverOptions('amd-vi', OPTIONS, options);
  return (context) => new AmdVi(context, given);
}

/** The AMD-Vi driver in the registry. */
export const AMD_VI: DriverKind = {
  id: 'amd-vi',
  title: 'AMD-Vi: a command buffer',
  formats: FORMATS,
  kernels: KERNELS,
  options: OPTIONS,
  commands: AMD_NAMES,
  completion: 'COMPLETION_WAIT',
  make: (options) => amdVi(options),
};
