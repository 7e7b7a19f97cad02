/**
 * `iommu completions` and `iommu man`: made from the same table of options as the help.
 * @module
 */
import { Argument, type Command } from 'commander';
import { manPage } from './completions/man.ts';
import { bashScript, fishScript, zshScript } from './completions/shells.ts';
import { allVerbs } from './completions/verbs.ts';
import { print } from './io.ts';

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

/** Adds `iommu completions`; the other verbs must be loaded. */
export function addCompletions(program: Command): void {
  program
    .command('completions')
    .description('Print the completion script of a shell.')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    .addHelpText('before', EXAMPLES)
    .action((shell: keyof typeof SCRIPTS) => print(SCRIPTS[shell](allVerbs(program))));
}

/** Adds `iommu man`; the other verbs must be loaded. */
export function addMan(program: Command): void {
  program
    .command('man')
    .description('Print the man page.')
    .addHelpText('before', MAN_EXAMPLES)
    .action(() => print(manPage(program.description(), program.version() ?? '', allVerbs(program))));
}
