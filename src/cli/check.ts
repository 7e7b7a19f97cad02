/**
 * `iommu check`: what is wrong with a dump's tables and registers.
 * @module
 */
import type { Command } from 'commander';
import { parseNamedAddress, parseNamedSize } from '../address.ts';
import { checkAnswer, rulesAnswer } from '../answers/check.ts';
import { checkDecoding } from '../dump/check/check.ts';
import type { ReservedWindow } from '../dump/check/types.ts';
import { checkInvalidations } from './check-invalidations.ts';
import { type DecodeFlags, decodeFile } from './decode.ts';
import { addDumpOptions } from './dump-options.ts';
import { UsageError } from './exit.ts';
import { addFormOptions, type FormFlags, outputOf } from './forms.ts';
import { addLimitOption, limitOf } from './limit.ts';
import { addMachineOptions, type MachineFlags, machineNames } from './machine-files.ts';
import { printAnswer } from './print.ts';
import { addGeometryOptions } from './tables.ts';

interface Flags extends DecodeFlags, FormFlags, MachineFlags {
  readonly strict?: boolean;
  readonly rules?: boolean;
  readonly reserve?: string[];
  readonly limit?: string;
  readonly invalidations?: boolean;
}

const EXAMPLES = `Examples:
  iommu check tables.jsonl.gz --regs regs.json
  iommu check tables.jsonl.gz --regs regs.json --strict --reserve 0x8000000+1M
  iommu check --rules
  iommu check tables.jsonl.gz --regs regs.json --invalidations     the command queue in a dump
  iommu check commands.jsonl --invalidations                      a recorded stream of commands
`;

/** `0x8000000+1M` as a window of input addresses. */
function parseWindow(text: string): ReservedWindow {
  const [start, bytes, ...rest] = text.split('+');
  if (start === undefined || bytes === undefined || rest.length > 0) {
    throw new UsageError(`--reserve: expected start+size, such as 0x8000000+1M, got ${text}`);
  }
  return {
    name: `the window ${text}`,
    of: 'input',
    start: Number(parseNamedAddress('--reserve', start)),
    bytes: parseNamedSize('--reserve', bytes),
  };
}

async function check(path: string | undefined, flags: Flags): Promise<void> {
  const output = outputOf(flags);
  if (flags.rules === true) return await printAnswer(rulesAnswer(), output);
  if (path === undefined) throw new UsageError('dump: expected a file, got none');
  const limit = limitOf(flags.limit);
  if (flags.invalidations === true) return await checkInvalidations(path, flags, limit);
  const names = machineNames(path, flags);
  const windows = (flags.reserve ?? []).map(parseWindow);
  const { dump, decoding } = await decodeFile(path, flags);
  const { ram = [], mmioBase } = dump.registers ?? {};
  const report = checkDecoding(dump.reader, decoding, { ram, mmioBase, windows });
  const strict = flags.strict === true;
  return await printAnswer(checkAnswer({ dump, decoding, report, names, strict, limit }), output);
}

/** Adds the verb. */
export function addCheck(program: Command): void {
  const verb = program
    .command('check')
    .description('Check the tables and registers in a dump against the architecture and common sense.')
    .argument('[dump]', 'snapshot, sparse pages, raw image, ELF core, kdump, debugfs text, stream of commands')
    .option('--strict', 'warnings fail the check too')
    .option('--rules', 'list the rules')
    .option('--invalidations', 'check the commands of the queue, or of a recorded stream of commands')
    .option('--reserve <window...>', 'input addresses that nothing may map, as start+size')
    .addHelpText('before', EXAMPLES);
  addFormOptions(addLimitOption(addMachineOptions(addGeometryOptions(addDumpOptions(verb))))).action(check);
}
