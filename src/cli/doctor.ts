/**
 * `iommu doctor`: is this machine's IOMMU on, and does it protect?
 * @module
 */
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import { doctorAnswer } from '../answers/doctor.ts';
import { InputError } from '../errors.ts';
import { type Collection, collect } from '../machine/files/collect.ts';
import { writeTar } from '../machine/files/tar.ts';
import type { Purpose } from '../machine/rules/rule.ts';
import { readMachine } from '../machine/setup/read-machine.ts';
import { UsageError } from './exit.ts';
import { addFormOptions, type FormFlags, outputOf } from './forms.ts';
import { print, say } from './io.ts';
import { machineFilesAt } from './machine/source.ts';
import { printAnswer, writeFile } from './print.ts';

const EXAMPLES = `Examples:
  sudo iommu doctor                        this machine; without root some files cannot be read, and are listed
  sudo iommu doctor --for vfio             what matters for giving devices to guests first
  iommu doctor sosreport-web1.tar.xz       a machine that was saved
  sudo iommu doctor --collect out.tar      save what the doctor reads, to look at it elsewhere
`;

const AFTER = `
Without a path it looks at the running system and only reads. --collect shows each file before it writes them: the command
line with the options of the IOMMU alone, the lines of the log that are read, no serial numbers, no names of people or hosts.`;

interface Options extends FormFlags {
  readonly for?: Purpose;
  readonly collect?: string;
  readonly yes?: boolean;
}

/** Files that could hold something personal are shown line by line. */
const SHOWN = ['proc/cmdline', 'dmesg', 'proc/version'];

function contentLines(path: string, bytes: Uint8Array): string[] {
  if (!SHOWN.includes(path)) return [];
  return new TextDecoder()
    .decode(bytes)
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}`);
}

/** Every file with its size, and what was left out. */
function listText({ files, refused }: Collection): string {
  const rows = [...files].flatMap(([path, file]) =>
    'link' in file
      ? [`${path} -> ${file.link}`]
      : [`${path}  ${file.bytes.length} bytes`, ...contentLines(path, file.bytes)],
  );
  const failed = refused.map(({ path, why }) => `${path}: left out: ${why}`);
  return [...rows, ...failed].join('\n');
}

/** True if the user agrees; where nobody can be asked, the list has been shown. */
async function agreed(question: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) return true;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test((await lines.question(question)).trim());
  } finally {
    lines.close();
  }
}

async function saveTo(target: string, path: string | undefined, options: Options): Promise<void> {
  if (!/\.tar$/.test(target))
    throw new UsageError(`--collect: expected the name of a file ending in .tar, got ${target}`);
  if (existsSync(target))
    throw new UsageError(`--collect: expected the name of a new file, got ${target}, which is there already`);
  const collection = collect(await machineFilesAt(path));
  if (collection.files.size === 0) {
    throw new InputError(
      'NOT_RECOGNISED',
      path ?? '/',
      'expected proc and sys of a machine, got none of the files that are collected',
    );
  }
  print(listText(collection));
  const question = `write these ${collection.files.size} files to ${target}? [y/N] `;
  if (options.yes !== true && !(await agreed(question))) {
    say('iommu doctor: nothing was written');
    return;
  }
  writeFile(target, writeTar(collection.files));
  say(`iommu doctor: ${target}: ${collection.files.size} files. \`iommu doctor ${target}\` reads it`);
}

async function runDoctor(path: string | undefined, options: Options): Promise<void> {
  if (options.collect !== undefined) {
    await saveTo(options.collect, path, options);
    return;
  }
  const machine = readMachine(await machineFilesAt(path));
  await printAnswer(doctorAnswer({ machine, purpose: options.for }), outputOf(options));
}

/** Adds `iommu doctor`. */
export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .summary("whether this machine's IOMMU is on, and protects")
    .description(
      "Reads a machine's IOMMU set-up: what translates, which device is behind it, what is wrong, and what to do.",
    )
    .argument(
      '[path]',
      'folder or tar archive of a machine (sosreport, --collect, iommu record); without it this machine',
    )
    .addOption(
      new Option('--for <purpose>', 'what you are after: its findings come first').choices([
        'vfio',
        'security',
        'performance',
      ]),
    )
    .option('--collect <file>', 'save what the doctor reads to a tar archive instead')
    .option('--yes', 'with --collect: do not ask');
  addFormOptions(command)
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', AFTER)
    .action((path: string | undefined, options: Options) => runDoctor(path, options));
}
