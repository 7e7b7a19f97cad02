/**
 * Every dump of the captures, with its registers and the files of its machine.
 * @module
 */
import { readdirSync } from 'node:fs';

const CAPTURES = new URL('../captures/', import.meta.url).pathname;

/** One dump: its name, and the arguments that open it. */
export interface CapturedDump {
  readonly name: string;
  readonly folder: string;
  readonly args: readonly string[];
  /** `--pci` and `--groups` with the capture's files. */
  readonly machine: readonly string[];
}

const FOLDERS = readdirSync(CAPTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** Every dump under test/captures. */
export const DUMPS: readonly CapturedDump[] = FOLDERS.flatMap((capture) => {
  const folder = `${CAPTURES}${capture}/`;
  const machine = ['--pci', `${folder}pci.txt`, '--groups', `${folder}iommu_groups.txt`];
  return readdirSync(folder).flatMap((file) => {
    const moment = /^tables-(.*)\.jsonl\.gz$/.exec(file)?.[1];
    if (moment === undefined) return [];
    const args = [`${folder}${file}`, '--regs', `${folder}regs-${moment}.json`];
    return [{ name: `${capture}/${moment}`, folder, args, machine }];
  });
});
