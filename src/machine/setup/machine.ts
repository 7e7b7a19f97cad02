/**
 * A machine's IOMMU set-up as its files tell it. Everywhere `undefined` means "not known", `null` and empty lists "known to be none".
 * @module
 */
import type { Unread } from '../files/evidence-reader.ts';
import type { TreeKind } from '../files/locate.ts';
import type { DeviceTree } from '../firmware/device-tree.ts';
import type { FirmwareTable } from '../firmware/tables.ts';
import type { ReservedRegion } from '../groups.ts';
import type { MemoryMap } from '../iomem.ts';
import type { BootLog } from './boot-log.ts';
import type { ConfigFacts } from './config-space.ts';
import type { KernelOptions } from './options.ts';

/** Architectures whose IOMMUs differ. */
export type Architecture = 'x86' | 'arm64' | 'riscv64' | 's390x' | 'ppc64';

/** One device. */
export interface MachineDevice {
  /** `0000:00:02.0`, or the name of a platform device. */
  readonly name: string;
  readonly isPci: boolean;
  /** Vendor and device id as `8086:9a49`, or words. */
  readonly label: string | undefined;
  readonly class: string | undefined;
  readonly classCode: number | undefined;
  /** Null: bound to none. */
  readonly driver: string | null | undefined;
  /** Null: in no group. */
  readonly group: number | null | undefined;
  /** `removable`: behind a port that faces outside, which the kernel does not trust. */
  readonly removable: 'removable' | 'fixed' | 'unknown' | undefined;
  readonly config: ConfigFacts;
  /** Bits of the addresses that its driver asks for. */
  readonly dmaBits: number | undefined;
  /** Name of the unit under /sys/class/iommu. */
  readonly unit: string | undefined;
}

/** One group. */
export interface MachineGroup {
  readonly id: number;
  /** Default domain as sysfs has it: `DMA`, `DMA-FQ`, `identity`, `blocked`, … */
  readonly type: string | undefined;
  /** Name of a named group: `vfio-noiommu`. */
  readonly name: string | undefined;
  readonly devices: readonly string[];
  readonly reserved: readonly ReservedRegion[] | undefined;
}

/** One unit that a driver registered. */
export interface MachineUnit {
  readonly name: string;
  /** `intel-vtd`, `amd-vi`, `arm-smmu-v3`, … */
  readonly kind: string;
  readonly base: bigint | undefined;
  /** Bits of input addresses, at most. */
  readonly addressBits: number | undefined;
  readonly interruptRemapping: boolean | undefined;
  readonly passthrough: boolean | undefined;
  /** True for a unit that a hypervisor emulates and says so. */
  readonly emulated: boolean | undefined;
  /** Capability registers in hex, by name. */
  readonly registers: Readonly<Record<string, string>>;
  readonly devices: readonly string[];
}

/** A Thunderbolt or USB4 host controller's domain. */
export interface ThunderboltDomain {
  readonly name: string;
  readonly dmaProtection: boolean | undefined;
  readonly security: string | undefined;
  /** Devices that are authorised. */
  readonly authorized: number;
}

/** Whether interrupts are remapped, and how that is known. */
export interface InterruptFacts {
  readonly remapped: boolean | undefined;
  readonly path: string;
}

/** What runs the machine. */
export interface HostFacts {
  /** Name of the hypervisor of a guest; null for bare metal. */
  readonly hypervisor: string | null | undefined;
  /** True for Xen's control domain. */
  readonly xenDom0: boolean;
  /** Where that is from. */
  readonly path: string;
}

/** A setting of a module, or of a file of modprobe.d. */
export interface ModuleSetting {
  readonly path: string;
  readonly name: string;
  readonly value: string;
}

/** A machine. */
export interface Machine {
  readonly root: string;
  readonly kind: TreeKind;
  readonly release: string | undefined;
  readonly architecture: Architecture | undefined;
  readonly host: HostFacts;
  readonly options: KernelOptions;
  /** File that the options are from; undefined where they are not known. */
  readonly optionsPath: string | undefined;
  /** Built-in defaults by name, of those that are read; undefined where the kernel's configuration is not there. */
  readonly defaults: ReadonlyMap<string, string> | undefined;
  readonly devices: ReadonlyMap<string, MachineDevice>;
  /** Undefined where nothing tells the groups. */
  readonly groups: readonly MachineGroup[] | undefined;
  readonly groupsPath: string;
  readonly units: readonly MachineUnit[] | undefined;
  readonly tables: readonly FirmwareTable[];
  /** Names of tables that are there, those that could not be read among them; undefined where that is not known. */
  readonly tableNames: readonly string[] | undefined;
  readonly deviceTree: DeviceTree | null;
  readonly log: BootLog | undefined;
  /** Xen's own log, `xl dmesg`. */
  readonly xenLog: BootLog | undefined;
  readonly interrupts: InterruptFacts;
  readonly memory: MemoryMap;
  readonly thunderbolt: readonly ThunderboltDomain[];
  readonly settings: readonly ModuleSetting[];
  readonly unread: readonly Unread[];
}

/** Base class of bridges (PCI Code and ID Assignment Specification, 1.7), and PCI-to-PCI bridges in it. */
const BRIDGE = 0x06;
const PCI_BRIDGE = 0x0604;
/** Functions that reach memory on their own only as bridges do: host and ISA bridges too. */
export function isBridge({ classCode }: MachineDevice): boolean {
  return classCode !== undefined && classCode >>> 16 === BRIDGE;
}

/** True for a PCI-to-PCI bridge or a port of PCI Express. */
export function isPciBridge({ classCode, config }: MachineDevice): boolean {
  return classCode === undefined ? config.buses !== undefined : classCode >>> 8 === PCI_BRIDGE;
}

/** True for a device that makes requests of its own. */
export function isEndpoint(device: MachineDevice): boolean {
  return !isBridge(device);
}

/** IOMMUs that are PCI functions themselves (class 0806). */
export function isIommuFunction({ classCode }: MachineDevice): boolean {
  return classCode !== undefined && classCode >>> 8 === 0x0806;
}

/** `0000:01:00.0 (nvme)`: a device as people read it. */
export function deviceTitle(device: MachineDevice | undefined, name: string): string {
  const what = device?.driver ?? device?.class;
  return what === undefined ? name : `${name} (${what})`;
}

/** A translated default domain. */
export function isTranslated(type: string | undefined): boolean {
  return type === 'DMA' || type === 'DMA-FQ' || type === 'blocked';
}

/** Drivers that give a device away (VFIO and its variants), as `vfio-pci`, `mlx5_vfio_pci`. */
export function isVfioDriver(driver: string | null | undefined): boolean {
  return typeof driver === 'string' && (/\bvfio\b|vfio[-_]pci/.test(driver) || driver.endsWith('-vfio'));
}

/** Devices of a group that are known by more than their name. */
export function membersOf({ devices }: Machine, group: MachineGroup): MachineDevice[] {
  return group.devices.flatMap((name) => devices.get(name) ?? []);
}
