/**
 * `iommu groups`: which devices share an IOMMU group.
 * @module
 */
import type { Command } from 'commander';
import { groupsAnswer } from '../answers/machine/groups.ts';
import { readMachine } from '../machine/setup/read-machine.ts';
import { addFormOptions, type FormFlags, outputOf } from './forms.ts';
import { machineFilesAt } from './machine/source.ts';
import { printAnswer } from './print.ts';

const EXAMPLES = `Examples:
  iommu groups                        the groups of this machine
  iommu groups sosreport-web1.tar.xz  those of a machine that was saved
  iommu groups --section behind       which device is behind which unit
  iommu groups -o groups.svg          the same as a picture
`;

async function runGroups(path: string | undefined, flags: FormFlags): Promise<void> {
  const machine = readMachine(await machineFilesAt(path));
  await printAnswer(groupsAnswer(machine), outputOf(flags));
}

/** Adds `iommu groups`. */
export function addGroups(program: Command): void {
  const command = program
    .command('groups')
    .summary('which devices share an IOMMU group, and why')
    .description(
      'Lists the IOMMU groups of a machine with their devices, says what joins them, and draws what is behind each unit.',
    )
    .argument(
      '[path]',
      'folder or tar archive of a machine (sosreport, --collect, iommu record); without it this machine',
    );
  addFormOptions(command)
    .addHelpText('before', EXAMPLES)
    .action((path: string | undefined, flags: FormFlags) => runGroups(path, flags));
}
