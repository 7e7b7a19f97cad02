/**
 * The `iommu` program: its verbs, its help and its exit codes.
 * @module
 */
import { Command } from 'commander';
import { reportDumpNotes } from './dump-notes.ts';
import { EXIT } from './exit.ts';
import { VERBS } from './verbs.ts';
import { VERSION } from './version.ts';

const EXAMPLES = `Examples:
  dmesg | iommu fault                                 what went wrong, and what to do now
  iommu replay trace.txt                              what a system mapped, and what it cost
  iommu decode tables.jsonl.gz --regs regs.json       what a dump's tables map
  iommu bench                                         how fast mapping is in this engine, by path
`;

const EXIT_HELP = `
Exit status:
  ${EXIT.ok}  fine, nothing found
  ${EXIT.findings}  findings, a difference, a fault
  ${EXIT.usage}  wrong usage
  ${EXIT.input}  unreadable or invalid input
  ${EXIT.internal}  a defect of this program`;

/** Verbs that read the options of all others. */
const NEED_ALL: readonly (string | undefined)[] = ['completions', 'man'];

function prepared(verb: Command): void {
  verb.exitOverride().showSuggestionAfterError().showHelpAfterError('(add --help for examples)');
  verb.addHelpText('after', EXIT_HELP);
}

/**
 * Builds the program; it throws a `CommanderError` instead of leaving the process. Only the verb named by `wanted` is loaded
 * with its options, the others are listed; without it, all are loaded.
 */
export async function createProgram(wanted?: string): Promise<Command> {
  const program = new Command('iommu')
    .description('Explain DMA faults, read IOMMU page tables, replay traces, and build and measure mappings.')
    .version(VERSION)
    .enablePositionalOptions()
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for examples)')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', EXIT_HELP);
  program.hook('postAction', reportDumpNotes);
  const all = wanted === undefined || NEED_ALL.includes(wanted);
  for (const { name, summary, add } of VERBS) {
    if (all || name === wanted) await add(program);
    else program.command(name).summary(summary);
    program.commands.find((verb) => verb.name() === name)?.summary(summary);
  }
  for (const verb of program.commands) prepared(verb);
  return program;
}

/** The verb that a command line names, for {@link createProgram}; an empty text where it names none. */
export function verbOf(args: readonly string[]): string {
  const [first = ''] = args[0] === 'help' ? args.slice(1) : args;
  return first;
}
