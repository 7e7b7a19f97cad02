/**
 * `iommu decode`: what a dump's tables map.
 * @module
 */
import type { Command } from 'commander';
import { decodeAnswer } from '../answers/decode.ts';
import { type Decoding, decodeDump, decodeGiven } from '../dump/decode.ts';
import type { Dump } from '../dump/types.ts';
import { FIRST_ROWS } from '../report/table.ts';
import { openDumpFile } from './dump-file.ts';
import { addDumpOptions, type DumpOptions } from './dump-options.ts';
import { addFormOptions, type FormFlags, outputOf } from './forms.ts';
import { addLimitOption, limitOf } from './limit.ts';
import { addMachineOptions, type MachineFlags, machineNames } from './machine-files.ts';
import { printAnswer } from './print.ts';
import { addGeometryOptions, type GeometryOptions, tablesOf } from './tables.ts';

/** Options that choose what is decoded, shared with `diff` and `check`. */
export interface DecodeFlags extends DumpOptions, GeometryOptions {
  readonly raw?: boolean;
}

interface Flags extends DecodeFlags, FormFlags, MachineFlags {
  readonly limit?: string;
}

const EXAMPLES = `Examples:
  iommu decode tables.jsonl.gz --regs regs.json          every domain that the registers lead to
  iommu decode tables.jsonl.gz --regs regs.json --pci pci.txt --raw    devices by name, and every entry
  iommu decode ram.img --base 0x40000000 --root 0x4705d000 --format arm-64-lpae-s1 --granule 4K --ias 48 --oas 44
`;

/** Rows of a table that text prints of a long one, and one that tells that there are more. */
const SHORT_ROWS = FIRST_ROWS + 1;

/** Opens and decodes a dump as the options say. */
export async function decodeFile(path: string, options: DecodeFlags): Promise<{ dump: Dump; decoding: Decoding }> {
  const dump = await openDumpFile(path, options);
  const raw = { raw: options.raw === true };
  const given = tablesOf(dump, options);
  const decoding = given === undefined ? decodeDump(dump, raw) : decodeGiven(dump, given.tables, given.from, raw);
  return { dump, decoding };
}

async function decode(path: string, flags: Flags): Promise<void> {
  const output = outputOf(flags);
  const limit = limitOf(flags.limit);
  const names = machineNames(path, flags);
  const printed = output.form === 'text' && !output.verbose ? SHORT_ROWS : undefined;
  await printAnswer(decodeAnswer({ ...(await decodeFile(path, flags)), names, limit, printed }), output);
}

/** Adds the verb. */
export function addDecode(program: Command): void {
  const verb = program
    .command('decode')
    .description('Read the tables in a dump: every domain, its ranges, permissions and memory types.')
    .argument('<dump>', 'snapshot, sparse pages, raw image, ELF core, kdump, debugfs text')
    .option('--raw', 'every leaf entry, not only merged ranges')
    .addHelpText('before', EXAMPLES);
  addFormOptions(addLimitOption(addMachineOptions(addGeometryOptions(addDumpOptions(verb))))).action(decode);
}
