/**
 * `iommu formats`: what is supported, and what is not.
 * @module
 */
import type { Command } from 'commander';
import { formatsAnswer } from '../answers/formats.ts';
import { semanticsAnswer } from '../answers/semantics.ts';
import { addFormOptions, type FormFlags, outputOf } from './forms.ts';
import { printAnswer } from './print.ts';

const EXAMPLES = `Examples:
  iommu formats                the formats, and what is not supported
  iommu formats --semantics    what each kernel does beyond the architecture
  iommu formats --json         the same for programs
`;

interface Flags extends FormFlags {
  readonly semantics?: boolean;
}

/** Adds the verb. */
export function addFormats(program: Command): void {
  const verb = program
    .command('formats')
    .description('List the page-table formats: page sizes, widths, quirks, sources; and what is not supported.')
    .option('--semantics', 'the differences between safe and each kernel, rule by rule')
    .addHelpText('before', EXAMPLES);
  addFormOptions(verb).action((flags: Flags) =>
    printAnswer(flags.semantics === true ? semanticsAnswer() : formatsAnswer(), outputOf(flags)),
  );
}
