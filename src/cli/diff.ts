/**
 * `iommu diff`: what changed between two dumps.
 * @module
 */
import type { Command } from 'commander';
import { diffAnswer } from '../answers/diff.ts';
import { diffDecodings } from '../dump/diff.ts';
import { decodeFile } from './decode.ts';
import { addFormOptions, type FormFlags, outputOf } from './forms.ts';
import { addLimitOption, limitOf } from './limit.ts';
import { printAnswer } from './print.ts';
import { addGeometryOptions, type GeometryOptions } from './tables.ts';

interface Flags extends FormFlags, GeometryOptions {
  readonly regsA?: string;
  readonly regsB?: string;
  readonly baseA?: string;
  readonly baseB?: string;
  readonly limit?: string;
}

const EXAMPLES = `Examples:
  iommu diff before.snapshot after.snapshot
  iommu diff a.jsonl.gz b.jsonl.gz --regs-a regs-a.json --regs-b regs-b.json --json
`;

async function diff(a: string, b: string, flags: Flags): Promise<void> {
  const output = outputOf(flags);
  const limit = limitOf(flags.limit);
  const before = await decodeFile(a, { ...flags, regs: flags.regsA, base: flags.baseA });
  const after = await decodeFile(b, { ...flags, regs: flags.regsB, base: flags.baseB });
  const changes = diffDecodings(before.decoding, after.decoding);
  const decodings = [before.decoding, after.decoding] as const;
  await printAnswer(diffAnswer({ dumps: [before.dump, after.dump], decodings, changes, limit }), output);
}

/** Adds the verb. */
export function addDiff(program: Command): void {
  const verb = program
    .command('diff')
    .description('Compare the mappings in two dumps: ranges added, removed and changed.')
    .argument('<a>', 'dump before')
    .argument('<b>', 'dump after')
    .option('--regs-a <file>', 'registers of the first dump, as JSON')
    .option('--regs-b <file>', 'registers of the second dump, as JSON')
    .option('--base-a <pa>', 'the first dump is a raw image that starts here')
    .option('--base-b <pa>', 'the second dump is a raw image that starts here')
    .addHelpText('before', EXAMPLES);
  addFormOptions(addLimitOption(addGeometryOptions(verb))).action(diff);
}
