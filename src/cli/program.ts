/**
 * The `iommu` program: its verbs, its help and its exit codes.
 * @module
 */
import { Command } from 'commander';
import { addAcquire } from './acquire.ts';
import { addBench } from './bench.ts';
import { addCheck } from './check.ts';
import { addCompletions } from './completions.ts';
import { addConform } from './conform.ts';
import { addConvert } from './convert.ts';
import { addDecode } from './decode.ts';
import { addDiff } from './diff.ts';
import { EXIT } from './exit.ts';
import { addExplain } from './explain.ts';
import { addFault } from './fault.ts';
import { addFormats } from './formats.ts';
import { addGen } from './gen.ts';
import { addRecord } from './record.ts';
import { addReplay } from './replay.ts';
import { addWalk } from './walk.ts';

/** Adds one verb to the program. */
export type AddVerb = (program: Command) => void;

/** Every verb of the program, in the order in which help lists them. */
const VERBS: readonly AddVerb[] = [
  addBench,
  addReplay,
  addConform,
  addFormats,
  addExplain,
  addDecode,
  addWalk,
  addCheck,
  addDiff,
  addConvert,
  addGen,
  addFault,
  addAcquire,
  addRecord,
  addCompletions,
];

const EXIT_HELP = `
Exit status:
  ${EXIT.ok}  fine, nothing found
  ${EXIT.findings}  findings, a difference, a fault
  ${EXIT.usage}  wrong usage
  ${EXIT.input}  unreadable or invalid input
  ${EXIT.internal}  a defect of this program`;

/** Builds the program; it throws a `CommanderError` instead of leaving the process. */
export function createProgram(): Command {
  const program = new Command('iommu')
    .description('Build, run, measure and explain IOMMU page tables.')
    .version('0.1.0')
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for examples)')
    .addHelpText('after', EXIT_HELP);
  for (const add of VERBS) add(program);
  for (const verb of program.commands) verb.exitOverride().showSuggestionAfterError().addHelpText('after', EXIT_HELP);
  return program;
}
