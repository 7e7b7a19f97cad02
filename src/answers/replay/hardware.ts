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
  /** The release of Linux whose driver it is; the nearest modelled one stands for it. */
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

/** A release of Linux: `5.10`, `v6.8`, `6.12.107+deb13-amd64`. */
const RELEASE = /^v?([2-9]|[1-9]\d)\.\d{1,3}(?![^.+-])/;

/** @throws IommuError `BAD_OPTION` for a text that is not a release of Linux. */
function checkRelease(asked: string): void {
  if (RELEASE.test(asked)) return;
  const all = [...new Set(DRIVERS.flatMap(({ kernels }) => kernels))];
  const known = all.sort((a, b) => versionOf(a) - versionOf(b)).join(', ');
  const message = `expected a release of Linux such as 5.10 (modelled are ${known}), got ${shown(asked)}`;
  throw new IommuError('BAD_OPTION', 'kernel', message);
}

/** The kernel of a driver that stands for a release: the newest that is not newer, or the oldest. */
function kernelOf({ kernels }: DriverKind, release: string): string | undefined {
  return kernels.filter((kernel) => versionOf(kernel) <= versionOf(release)).at(-1) ?? kernels[0];
}

/** The release whose driver is wanted: the one asked for, else that of the trace. @throws IommuError `BAD_OPTION`. */
function releaseOf({ kernel, hardware }: DeviceChoices): string | undefined {
  if (kernel === undefined) return RELEASE.test(hardware?.release ?? '') ? hardware?.release : undefined;
  checkRelease(kernel);
  return kernel.replace(/^v/, '');
}

/** The modelled kernel, and the release that it stands for where that is another; a driver without kernels stands for any. */
function standing(kind: DriverKind, choices: DeviceChoices): Pick<RowDevice, 'kernel' | 'kernelFor' | 'kernelAssumed'> {
  const release = releaseOf(choices);
  if (release === undefined) return { kernel: kind.kernels.at(-1), kernelAssumed: true };
  const kernel = kernelOf(kind, release);
  const isOwn = kernel === undefined ? choices.kernel === undefined : versionOf(kernel) === versionOf(release);
  return { kernel, kernelAssumed: kernel === undefined, ...(isOwn ? {} : { kernelFor: release }) };
}

function deviceOf(kind: DriverKind, choices: DeviceChoices, assumed: boolean): RowDevice {
  const { hardware } = choices;
  const own = hardware?.driver === kind.id ? hardware.features : {};
  const features = Object.fromEntries(Object.entries(own).filter(([name]) => kind.options.includes(name)));
  return { driver: kind.id, ...standing(kind, choices), features, assumed };
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
 * @throws IommuError `BAD_OPTION` for a driver that there is not, and a text that is not a release of Linux.
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
