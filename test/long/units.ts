/**
 * What a campaign runs on: every configuration of every format, under every semantics that grants it, with every driver; each
 * history over all paths and both dispatches.
 * @module
 */
import { DISPATCHES, type Dispatch, Domain, PATHS, type Path } from '../../src/core/index.ts';
import { DEFAULT_CAP, DEFAULT_ECAP } from '../../src/device/vt-d/registers.ts';
import { type Driver, type DriverFactory, type DriverKind, driversOf } from '../../src/drivers/index.ts';
import { IommuError } from '../../src/errors.ts';
import { FORMATS, type Semantics } from '../../src/formats/index.ts';
import { TableMemory } from '../../src/memory/index.ts';
import { makeDomain, type Setup, semanticsFor } from '../../src/testing/setup.ts';
import { amd, type Unit as Device, live, type Make, riscv, smmu, smmuV2, virtio, vtd } from '../cross/live.ts';

/** One domain of a history. */
export interface Subject {
  readonly name: string;
  readonly domain: Domain;
  /** The live unit that its driver programs. */
  readonly device: Device | undefined;
}

/** Faults that are put into what a subject is made of. */
export interface Plant {
  /** Changes the memory before there are tables in it. */
  readonly memory?: (memory: TableMemory) => void;
  /** Changes the driver. */
  readonly driver?: (driver: Driver) => Driver;
}

/** What one history runs on. */
export interface CampaignUnit {
  /** `format/configuration/semantics/driver`, with hyphens for blanks. */
  readonly name: string;
  readonly setup: Setup;
  readonly semantics: Semantics;
  readonly driver: DriverKind;
  readonly make: Make | undefined;
  /** The paths that semantics and driver have. */
  readonly paths: readonly Path[];
}

/** An SMMUv3 whose hardware sets access flags and dirty state (IDR0.HTTU), with every granule, 52 output and 52 input bits (IHI 0070, 6.3.1 and 6.3.6). */
const WIDE_SMMU = { IDR0: 0x0d44_34bb, IDR5: 0x476 };

/** A VT-d unit with five levels in both stages (CAP.SAGAW, MGAW 57, FS5LP, 11.4.2) and snoop control (ECAP.SC, 11.4.3). */
const WIDE_VTD = { cap: DEFAULT_CAP | (1n << 11n) | (56n << 16n) | (1n << 60n), ecap: DEFAULT_ECAP | 0x80n };

/** Memory types in entries (RISC-V IOMMU 1.0, 6.3, capabilities.Svpbmt): without it their bits are reserved, and a leaf that has them faults. */
const SVPBMT = 1n << 15n;

/** How live units are made, by the driver's id. */
const LIVE: ReadonlyMap<string, (options: object) => Make> = new Map<string, (options: object) => Make>([
  ['arm-smmu', smmuV2],
  ['arm-smmu-v3', (options: object) => smmu(options, { ids: WIDE_SMMU })],
  ['intel-vtd', (options: object) => vtd(options, WIDE_VTD)],
  ['amd-vi', amd],
  ['riscv-iommu', (options: object) => riscv(options, SVPBMT)],
  ['virtio-iommu', virtio],
]);

/**
 * A driver's options under a semantics. Linux 6.1 splits a block and invalidates its pages with the level of a page as hint: a
 * device that heeds hints keeps the block. Range invalidations have hints, so they are off.
 */
function optionsFor({ id, kernels }: DriverKind, semantics: Semantics): object {
  const kernel = semantics.replace('linux-', '');
  const ranges = id === 'arm-smmu-v3' && semantics === 'linux-6.1' ? { rangeInvalidation: false } : {};
  return kernels.includes(kernel) ? { kernel, ...ranges } : ranges;
}

const name = (text: string): string => text.replaceAll(/[ ,]+/g, '-');

function unitsOf(setup: Setup, semantics: Semantics): CampaignUnit[] {
  const { format, configuration } = setup;
  return driversOf(format.id).flatMap((driver) => {
    const paths = pathsOf(setup, semantics, driver);
    const unit = {
      name: name(`${format.id}/${configuration.name}/${semantics}/${driver.id}`),
      setup,
      semantics,
      driver,
      // Live units do not strip the bit that marks encrypted memory
      make:
        configuration.request.encryptionBit === undefined
          ? LIVE.get(driver.id)?.(optionsFor(driver, semantics))
          : undefined,
      paths,
    };
    return paths.length > 0 ? [unit] : [];
  });
}

/** The paths that semantics and driver have; none where the driver does not take the tables. */
function pathsOf(setup: Setup, semantics: Semantics, driver: DriverKind): readonly Path[] {
  try {
    const domain = makeDomain(setup, { semantics, driver: driver.make() });
    const {
      driver: { hooks },
      table: { rules },
    } = domain;
    domain.free();
    const once = (semantics === 'safe' || rules.request === 'range') && hooks.mapSg && hooks.unmapRange;
    return PATHS.filter((path) => (path === 'one-walk' ? once : path !== 'map-sg' || hooks.mapSg));
  } catch (error) {
    if (error instanceof IommuError && error.code === 'UNSUPPORTED') return [];
    throw error;
  }
}

/** Every unit. */
export function allUnits(): CampaignUnit[] {
  return FORMATS.flatMap((format) =>
    format.configurations.flatMap((configuration) => {
      const setup = { format, configuration };
      return semanticsFor(setup).flatMap((semantics) => unitsOf(setup, semantics));
    }),
  );
}

function memoryFor({ setup, semantics }: CampaignUnit, plainKernels: boolean): TableMemory {
  const { tableLimit } = setup.format.configure({ ...setup.configuration.request, semantics });
  return new TableMemory({ base: tableLimit > 2 ** 32 ? 0x2_8000_0000 : 0x8000_0000, plainKernels });
}

interface Making {
  readonly unit: CampaignUnit;
  readonly path: Path;
  readonly dispatch: Dispatch;
  readonly plant: Plant;
  readonly memory: TableMemory;
}

function subject({ unit, path, dispatch, plant, memory }: Making): Subject {
  const { setup, semantics, driver, make } = unit;
  const planted = (factory: DriverFactory): DriverFactory =>
    plant.driver === undefined ? factory : (context) => plant.driver?.(factory(context)) ?? factory(context);
  const { format, configuration } = setup;
  const options = { format, request: configuration.request, semantics, memory, path, dispatch };
  const subjectName = `${path} ${dispatch}`;
  if (make === undefined) {
    return { name: subjectName, domain: new Domain({ ...options, driver: planted(driver.make()) }), device: undefined };
  }
  const { domain, unit: device } = live(options, (context) => {
    const made = make(context);
    return { unit: made.unit, driver: planted(made.driver) };
  });
  return { name: subjectName, domain, device };
}

/**
 * The domains of one history: each path with both dispatches.
 * @param neighbours whether the two domains of a path lie in one memory, so that the tables of each lie between those of the other
 */
export function subjectsOf(unit: CampaignUnit, plant: Plant, neighbours: boolean): Subject[] {
  const memory = (): TableMemory => {
    const made = memoryFor(unit, false);
    plant.memory?.(made);
    return made;
  };
  return unit.paths.flatMap((path) => {
    const common = memory();
    return DISPATCHES.map((dispatch, i) =>
      subject({ unit, path, dispatch, plant, memory: neighbours || i === 0 ? common : memory() }),
    );
  });
}

/** The slow twin: page by page, with plain kernels and no device. */
export function twinOf(unit: CampaignUnit): Domain {
  const { setup, semantics } = unit;
  return makeDomain(setup, { semantics, path: 'per-page', memory: memoryFor(unit, true) });
}
