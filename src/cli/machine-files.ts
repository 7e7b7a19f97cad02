/**
 * The options that name the files of a machine, and devices given by either spelling.
 * @module
 */
import type { Command } from 'commander';
import { InputError } from '../errors.ts';
import { MachineNames } from '../machine/names.ts';
import { parsePci } from '../pci.ts';
import { dumpInFolder } from './evidence-folder.ts';
import { UsageError } from './exit.ts';
import { readFile } from './io.ts';

/** The flags of {@link addMachineOptions}. */
export interface MachineFlags {
  readonly pci?: string | undefined;
  readonly groups?: string | undefined;
  readonly iomem?: string | undefined;
}

/** Adds `--pci`, `--groups` and `--iomem`. */
export function addMachineOptions(command: Command): Command {
  return command
    .option('--pci <file>', 'names devices: text of lspci, or pci.txt of a recording')
    .option('--groups <file>', 'IOMMU groups as text: iommu_groups.txt of a recording')
    .option('--iomem <file>', 'names memory: text of /proc/iomem');
}

/** Refuses a text that an option names and of which no line is understood: nothing would be named, and nobody told. */
function refuseForeign(path: string | undefined, isUnderstood: boolean, expected: string): void {
  if (path === undefined || isUnderstood) return;
  throw new InputError('NOT_RECOGNISED', path, `expected ${expected}, got no line of such a text`);
}

/** Texts that name devices and memory, by the options that name their files. */
export type MachineTexts = { readonly [Flag in keyof MachineFlags]-?: string | undefined };

/**
 * The names that texts give.
 * @throws InputError `NOT_RECOGNISED` for a text that a flag names and that holds nothing of its kind.
 */
export function namesFrom(texts: MachineTexts, flags: MachineFlags): MachineNames {
  const names = new MachineNames(texts);
  refuseForeign(flags.pci, names.pci.size > 0, 'text of lspci, or facts of sysfs, a line a device');
  refuseForeign(flags.groups, names.groups.size > 0 || texts.groups?.trim() === '', 'text of the IOMMU groups');
  refuseForeign(flags.iomem, names.memory.regions.length > 0 || names.memory.hidden, 'text of /proc/iomem');
  return names;
}

/**
 * The names that the files give; a folder as dump brings its own.
 * @throws InputError `UNREADABLE`; `NOT_RECOGNISED` for a file that is named and holds nothing of its kind.
 */
export function machineNames(dump: string, flags: MachineFlags): MachineNames {
  const { pci, groups, iomem } = dumpInFolder(dump, flags).flags;
  const read = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : new TextDecoder().decode(readFile(path));
  return namesFrom({ pci: read(pci), groups: read(groups), iomem: read(iomem) }, flags);
}

/**
 * A device id from `0x10`, `16`, `00:02.0` or `0000:00:02.0`.
 * @throws UsageError for any other text.
 */
export function parseStream(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const pci = parsePci(text);
  if (pci !== undefined) return pci.requesterId;
  if (/^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text) && Number(text) <= 0xffff_ffff) return Number(text);
  throw new UsageError(`${option}: expected a number up to 0xffffffff or bus:device.function, got ${text}`);
}
