/**
 * Units that several domains share, each beside its live counterpart: drivers of one port, one memory, one set of ids.
 * @module
 */
import type { PhysicalMemory, RegisterPort } from '../../src/bus.ts';
import {
  LiveAmdVi,
  LiveRiscv,
  LiveSmmuV3,
  LiveVirtio,
  LiveVtd,
  SmmuV2,
  type UnitOptions,
} from '../../src/device/index.ts';
import {
  AmdViUnit,
  amdVi,
  armSmmu,
  armSmmuV3,
  type DriverFactory,
  intelVtd,
  RiscvUnit,
  riscvIommu,
  SmmuV3Unit,
  VirtioUnit,
  VtdUnit,
  virtioIommu,
} from '../../src/drivers/index.ts';
import type { TableMemory } from '../../src/memory/index.ts';
import { Meter } from '../../src/meter/index.ts';
import type { Answers } from './device-view.ts';

/** Makes the driver of a domain for devices; `tag` is the id that its translations have. */
export type DriverOf = (devices: readonly number[], tag?: number) => DriverFactory;

/** An architecture: a unit of it, and its driver. */
export interface UnitKind {
  readonly name: string;
  readonly format: string;
  /** A unit in front of a memory. */
  readonly live: (memory: PhysicalMemory, options: UnitOptions) => RegisterPort & Answers;
  /** Drivers with a unit of their own. */
  readonly own: (port: RegisterPort) => DriverOf;
  /** Drivers that share a unit, and what turns it off; absent where a driver is a whole unit. */
  readonly shared?: (memory: TableMemory, port: RegisterPort) => { readonly driver: DriverOf; free(): void };
}

type Kernel = '6.1' | '6.12' | '7.3';

const smmuV2 = (format: string): UnitKind => ({
  name: `arm-smmu, ${format}`,
  format,
  live: (memory, { tlb }) => new SmmuV2(memory, tlb?.entries === 0 ? { tlbEntries: 0, walkCacheEntries: 0 } : {}),
  own: (port) => (streams) => armSmmu({ port, streams, streamGroups: 4, contextBanks: 2, contextBank: 1 }),
});

const smmuV3 = (kernel: Kernel, format: string): UnitKind => ({
  name: `arm-smmu-v3 ${kernel}, ${format}`,
  format,
  live: (memory, options) => new LiveSmmuV3(memory, options),
  own: (port) => (streams, tag) => armSmmuV3({ port, streams, kernel, ...(tag === undefined ? {} : { tag }) }),
  shared: (memory, port) => {
    const unit = new SmmuV3Unit(memory, new Meter(), { port });
    const driver: DriverOf = (streams, tag) =>
      armSmmuV3({ unit, streams, kernel, ...(tag === undefined ? {} : { tag }) });
    return { driver, free: () => unit.free() };
  },
});

const vtd = (kernel: Kernel, format: string, scalable: boolean): UnitKind => ({
  name: `intel-vtd ${kernel}, ${format}${scalable ? ', scalable' : ''}`,
  format,
  live: (memory, options) => new LiveVtd(memory, options),
  own: (port) => (sources, did) => intelVtd({ port, sources, kernel, scalable, ...(did === undefined ? {} : { did }) }),
  shared: (memory, port) => {
    const unit = new VtdUnit(memory, new Meter(), { port, scalable });
    const driver: DriverOf = (sources, did) =>
      intelVtd({ unit, sources, kernel, ...(did === undefined ? {} : { did }) });
    return { driver, free: () => unit.free() };
  },
});

const amd = (kernel: Kernel, format: string): UnitKind => ({
  name: `amd-vi ${kernel}, ${format}`,
  format,
  live: (memory, options) => new LiveAmdVi(memory, options),
  own: (port) => (devices, domainId) =>
    amdVi({ port, devices, kernel, ...(domainId === undefined ? {} : { domainId }) }),
  shared: (memory, port) => {
    const unit = new AmdViUnit(memory, new Meter(), { port });
    const driver: DriverOf = (devices, domainId) =>
      amdVi({ unit, devices, kernel, ...(domainId === undefined ? {} : { domainId }) });
    return { driver, free: () => unit.free() };
  },
});

const riscv = (kernel: '6.13' | '7.3', format: string): UnitKind => ({
  name: `riscv-iommu ${kernel}, ${format}`,
  format,
  live: (memory, options) => new LiveRiscv(memory, options),
  own: (port) => (devices, pscid) => riscvIommu({ port, devices, kernel, ...(pscid === undefined ? {} : { pscid }) }),
  shared: (memory, port) => {
    const unit = new RiscvUnit(memory, new Meter(), { port });
    const driver: DriverOf = (devices, pscid) =>
      riscvIommu({ unit, devices, kernel, ...(pscid === undefined ? {} : { pscid }) });
    return { driver, free: () => unit.free() };
  },
});

const VIRTIO: UnitKind = {
  name: 'virtio-iommu',
  format: 'x86-64',
  live: (memory) => new LiveVirtio(memory),
  own: (port) => (endpoints, domainId) =>
    virtioIommu({ port, endpoints, ...(domainId === undefined ? {} : { domainId }) }),
  shared: (memory, port) => {
    const unit = new VirtioUnit(memory, new Meter(), { port });
    const driver: DriverOf = (endpoints, domainId) =>
      virtioIommu({ unit, endpoints, ...(domainId === undefined ? {} : { domainId }) });
    return { driver, free: () => unit.free() };
  },
};

/** Every driver, in the forms whose configuration structures differ. */
export const UNIT_KINDS: readonly UnitKind[] = [
  smmuV2('arm-64-lpae-s1'),
  smmuV2('arm-64-lpae-s2'),
  smmuV2('arm-v7s'),
  smmuV3('6.1', 'arm-64-lpae-s1'),
  smmuV3('6.1', 'arm-64-lpae-s2'),
  smmuV3('6.12', 'arm-64-lpae-s1'),
  smmuV3('7.3', 'arm-64-lpae-s2'),
  vtd('6.1', 'vtd-ss', false),
  vtd('6.12', 'vtd-ss', true),
  vtd('7.3', 'x86-64', true),
  amd('6.1', 'amd-v1'),
  amd('6.12', 'amd-v1'),
  amd('7.3', 'x86-64'),
  riscv('6.13', 'riscv-sv39'),
  riscv('7.3', 'riscv-sv48'),
  VIRTIO,
];
