/**
 * What the files beside a trace say of the machine that it was recorded on.
 * @module
 */
import { dirname, join } from 'node:path';
import { evidenceIn } from '../machine/evidence.ts';
import { type Hardware, hardwareOf } from '../machine/hardware.ts';
import type { MachineNames } from '../machine/names.ts';
import { filesIn } from './evidence-folder.ts';
import { readFile, say } from './io.ts';
import { type MachineFlags, namesFrom } from './machine-files.ts';

function listed(folder: string): readonly string[] {
  try {
    return filesIn(folder);
  } catch {
    return [];
  }
}

function textOf(folder: string, name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  try {
    return new TextDecoder().decode(readFile(join(folder, name)));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    say(`iommu: ${join(folder, name)} beside the trace is passed over: ${why}\n`);
    return undefined;
  }
}

/** Names in the folder of the first trace; none for standard input. */
function namesIn(traces: readonly string[]): { readonly folder: string; readonly names: readonly string[] } {
  const [first = '-'] = traces;
  const folder = dirname(first);
  return { folder, names: first === '-' ? [] : listed(folder) };
}

/**
 * Names of devices and memory: from the files that the flags name, else from those beside the first trace.
 * @throws InputError `UNREADABLE`, `NOT_RECOGNISED` for a file that a flag names.
 */
export function namesBeside(traces: readonly string[], flags: MachineFlags): MachineNames {
  const { folder, names } = namesIn(traces);
  const beside = evidenceIn(names);
  const text = (flag: 'pci' | 'groups' | 'iomem'): string | undefined => {
    const given = flags[flag];
    return given === undefined ? textOf(folder, beside[flag] ?? undefined) : new TextDecoder().decode(readFile(given));
  };
  return namesFrom({ pci: text('pci'), groups: text('groups'), iomem: text('iomem') }, flags);
}

/** The hardware of the machine, from `metadata.json`, a register file, the log and `version.txt` in the folder of the first trace. */
export function hardwareBeside(traces: readonly string[]): Hardware {
  const { folder, names } = namesIn(traces);
  const { registers, logs } = evidenceIn(names);
  const one = (wanted: string): string | undefined => names.find((name) => name === wanted);
  return hardwareOf({
    metadata: textOf(folder, one('metadata.json')),
    registers: textOf(folder, registers[0]),
    log: textOf(folder, one('dmesg.txt') ?? logs[0]),
    version: textOf(folder, one('version.txt')),
  });
}
