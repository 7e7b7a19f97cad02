/**
 * `iommu formats`: what is supported, and what is not.
 * @module
 */
import type { Command } from 'commander';
import { formatsAnswer } from '../answers/formats.ts';
import { addFormOptions, type FormFlags, outputOf } from './forms.ts';
import { printAnswer } from './print.ts';

const EXAMPLES = `Examples:
  iommu formats                the formats, and what is not supported
  iommu formats --json         the same for programs
`;

/** Adds the verb. */
export function addFormats(program: Command): void {
  const verb = program
    .command('formats')
    .description('List the page-table formats: page sizes, widths, quirks, sources; and what is not supported.')
    .addHelpText('before', EXAMPLES);
  addFormOptions(verb).action((flags: FormFlags) => printAnswer(formatsAnswer(), outputOf(flags)));
}
