/**
 * The options that name the files of a machine, and devices given by either spelling.
 * @module
 */
import type { Command } from 'commander';
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

/** The names that the files give; a folder as dump brings its own. @throws InputError `UNREADABLE`. */
export function machineNames(dump: string, flags: MachineFlags): MachineNames {
  const { pci, groups, iomem } = dumpInFolder(dump, flags).flags;
  const read = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : new TextDecoder().decode(readFile(path));
  return new MachineNames({ pci: read(pci), groups: read(groups), iomem: read(iomem) });
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
