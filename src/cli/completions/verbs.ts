/**
 * The program's verbs and options as plain data, read from commander's own table: help, completions and the man
 * page cannot differ.
 * @module
 */
import type { Command, Option } from 'commander';
import type { OptionFacts, VerbFacts } from '../../manual/verbs.ts';

function valueName({ flags }: Option): string | null {
  return /[<[]([^>\]]*)[>\]]/.exec(flags)?.[1]?.replace(/\.\.\.$/, '') ?? null;
}

function defaultOf(option: Option): string | null {
  const { defaultValue: value, defaultValueDescription: words } = option;
  if (words !== undefined) return words;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

function optionFacts(option: Option): OptionFacts {
  return {
    names: [option.short, option.long].filter((name): name is string => typeof name === 'string'),
    description: option.description,
    value: valueName(option),
    choices: option.argChoices ?? [],
    defaultText: defaultOf(option),
  };
}

function helpText(command: Command): string {
  const output = command.configureOutput();
  let text = '';
  const write = (part: string): void => {
    text += part;
  };
  command.configureOutput({ ...output, writeOut: write, writeErr: write });
  command.outputHelp();
  command.configureOutput(output);
  return text;
}

function examplesOf(command: Command): string {
  const [before = ''] = helpText(command).split(/^Usage:/m);
  return before.replace(/^Examples:\n/, '').trimEnd();
}

/** The facts of one verb, its help option included. */
export function verbFacts(command: Command): VerbFacts {
  const help = command.createHelp();
  return {
    name: command.name(),
    summary: command.summary() === '' ? command.description() : command.summary(),
    description: command.description(),
    usage: help.commandUsage(command),
    options: help.visibleOptions(command).map(optionFacts),
    words: command.registeredArguments[0]?.argChoices ?? [],
    examples: examplesOf(command),
  };
}

/** The facts of every verb. */
export function allVerbs(program: Command): VerbFacts[] {
  return program.commands.map(verbFacts);
}
