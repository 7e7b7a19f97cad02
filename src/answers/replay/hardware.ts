/**
 * Which device each row of a replay drives: the user's word, else what the machine's files say, else an assumption that is said.
 * @module
 */
import type { DriverFactory } from '../../drivers/contract.ts';
import type { DriverKind } from '../../drivers/kind.ts';
import { DRIVERS, driverById, driversOf } from '../../drivers/registry.ts';
import { IommuError, shown } from '../../errors.ts';
import type { Hardware } from '../../machine/hardware.ts';
import type { RowDevice, RowSpec } from '../../replay/row.ts';
import { wordsOf } from '../words.ts';

/** The format that Linux's DMA uses on a device, where nothing else is known. */
const USUAL_FORMATS: Readonly<Record<string, string>> = {
  'intel-vtd': 'vtd-ss',
  'amd-vi': 'amd-v1',
  'riscv-iommu': 'riscv-sv48',
};
const ARM_FORMAT = 'arm-64-lpae-s1';

/** The devices that a question asks for. */
export interface DeviceChoices {
  /** Ids of drivers, with commas between, or `all`. */
  readonly iommu?: string | undefined;
  /** The kernel whose driver it is: `6.1`, `6.12`, `7.3`. */
  readonly kernel?: string | undefined;
  /** Ids of table formats. */
  readonly format?: string | undefined;
  /** What the machine's files say. */
  readonly hardware?: Hardware | undefined;
}

/** A device and the format of its tables. */
export interface DeviceRow {
  readonly device: RowDevice;
  readonly format: string;
}

function versionOf(release: string): number {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return major * 1000 + minor;
}

/** Refuses a kernel that no driver has. @throws IommuError `BAD_OPTION`. */
function checkKernel(asked: string): void {
  const known = [...new Set(DRIVERS.flatMap(({ kernels }) => kernels))];
  if (known.includes(asked)) return;
  throw new IommuError('BAD_OPTION', 'kernel', `expected one of ${known.join(', ')}, got ${shown(asked)}`);
}

/**
 * The kernel of a driver that stands for a release: the newest that is not newer, or the oldest.
 * @throws IommuError `BAD_OPTION` where a kernel is asked for that the driver does not have.
 */
function kernelOf(kind: DriverKind, asked: string | undefined, release: string | undefined): string | undefined {
  const { kernels, id } = kind;
  if (kernels.length === 0) {
    if (asked !== undefined) checkKernel(asked);
    return undefined;
  }
  if (asked !== undefined) {
    if (kernels.includes(asked)) return asked;
    throw new IommuError('BAD_OPTION', 'kernel', `expected one of ${kernels.join(', ')} for ${id}, got '${asked}'`);
  }
  if (release === undefined) return undefined;
  return kernels.filter((kernel) => versionOf(kernel) <= versionOf(release)).at(-1) ?? kernels[0];
}

function deviceOf(kind: DriverKind, { kernel, hardware }: DeviceChoices, assumed: boolean): RowDevice {
  const own = hardware?.driver === kind.id ? hardware.features : {};
  const features = Object.fromEntries(Object.entries(own).filter(([name]) => kind.options.includes(name)));
  const known = kernelOf(kind, kernel, hardware?.release);
  return {
    driver: kind.id,
    kernel: known ?? kind.kernels.at(-1),
    kernelAssumed: known === undefined,
    features,
    assumed,
  };
}

/** Formats of one driver: those asked for, that of the machine, or the usual one. */
function formatsOf(kind: DriverKind, { format, hardware }: DeviceChoices): readonly string[] {
  if (format !== undefined) return format.split(',').map((one) => one.trim());
  const own = hardware?.driver === kind.id ? hardware.format : undefined;
  return [own ?? USUAL_FORMATS[kind.id] ?? ARM_FORMAT];
}

/** The device that stands for a format alone: the first that walks it. */
function standIn(format: string, choices: DeviceChoices): RowDevice {
  const kind = DRIVERS.find(({ formats }) => formats?.includes(format) === true) ?? driverById('bare');
  const { hardware } = choices;
  const own = hardware?.driver === undefined ? undefined : driversOf(format).find(({ id }) => id === hardware.driver);
  return deviceOf(own ?? kind, choices, own === undefined);
}

/**
 * The devices and formats that a question asks for.
 * @throws IommuError `BAD_OPTION` for a driver or kernel that there is not.
 */
export function deviceRows(choices: DeviceChoices): DeviceRow[] {
  const { iommu, format, hardware } = choices;
  if (iommu !== undefined) {
    const ids = DRIVERS.map(({ id }) => id);
    const kinds = wordsOf('iommu', iommu, ids).map(driverById);
    return kinds.flatMap((kind) =>
      formatsOf(kind, choices).map((one) => ({ device: deviceOf(kind, choices, false), format: one })),
    );
  }
  if (format === undefined && hardware?.driver !== undefined) {
    const kind = driverById(hardware.driver);
    return formatsOf(kind, choices).map((one) => ({ device: deviceOf(kind, choices, false), format: one }));
  }
  return (format ?? ARM_FORMAT)
    .split(',')
    .map((one) => one.trim())
    .map((one) => ({ device: standIn(one, choices), format: one }));
}

/**
 * Refuses a format that a device does not walk.
 * @throws IommuError `UNSUPPORTED`.
 */
export function checkWalks(driver: string, format: string): void {
  const { formats } = driverById(driver);
  if (formats === undefined || formats.includes(format)) return;
  const message = `expected a format that ${driver} walks (${formats.join(', ')}), got '${format}'`;
  throw new IommuError('UNSUPPORTED', 'format', message, { got: format });
}

/** Makes the driver of a device. */
export function deviceDriver({ driver, kernel, features }: RowDevice): DriverFactory {
  return driverById(driver).make(kernel === undefined ? features : { ...features, kernel });
}

/** Makes the driver of a row. */
export function rowDriver({ device }: RowSpec): DriverFactory {
  return deviceDriver(device);
}
