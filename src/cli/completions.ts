/**
 * `iommu completions` and `iommu man`: made from the same table of options as the help.
 * @module
 */
import { Argument, type Command } from 'commander';
import { type Manual, manPage } from '../manual/man.ts';
import { bashScript, fishScript, zshScript } from '../manual/shells.ts';
import { allVerbs } from './completions/verbs.ts';
import { EXIT } from './exit.ts';
import { printScript } from './io.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

const EXAMPLES = `Examples:
  source <(iommu completions bash)
  iommu completions zsh > ~/.zfunc/_iommu
  iommu completions fish > ~/.config/fish/completions/iommu.fish
`;

const MAN_EXAMPLES = `Examples:
  iommu man | man -l -
  iommu man > /usr/local/share/man/man1/iommu.1
`;

/** What the man page says of the program. */
export function manualOf(program: Command): Manual {
  const exits = [
    [EXIT.ok, 'Fine, nothing found.'],
    [EXIT.findings, 'Findings, a difference, a fault.'],
    [EXIT.usage, 'Wrong usage.'],
    [EXIT.input, 'Unreadable or invalid input.'],
    [EXIT.internal, 'A defect of the program.'],
  ] as const;
  return { description: program.description(), version: program.version() ?? '', verbs: allVerbs(program), exits };
}

/** Adds `iommu completions`; the other verbs must be loaded. */
export function addCompletions(program: Command): void {
  program
    .command('completions')
    .description('Print the completion script of a shell.')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    .addHelpText('before', EXAMPLES)
    .action((shell: keyof typeof SCRIPTS) => printScript(SCRIPTS[shell](allVerbs(program))));
}

/** Adds `iommu man`; the other verbs must be loaded. */
export function addMan(program: Command): void {
  program
    .command('man')
    .description('Print the man page.')
    .addHelpText('before', MAN_EXAMPLES)
    .action(() => printScript(manPage(manualOf(program))));
}
