/**
 * The man page, in the man macros that every roff has.
 * @module
 */
import { EXIT } from '../exit.ts';
import type { OptionFacts, VerbFacts } from './verbs.ts';

const MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'Fine, nothing found.',
  findings: 'Findings, a difference, a fault.',
  usage: 'Wrong usage.',
  input: 'Unreadable or invalid input.',
  internal: 'A defect of the program.',
};

/** Text as roff shows it: no escapes, no request at the beginning of a line, hyphens that can be copied. */
function roff(text: string): string {
  return text
    .replace(/\\/g, '\\e')
    .replace(/-/g, '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}

function optionText({ names, description, value, choices, defaultText }: OptionFacts): string {
  const argument = value === null ? '' : ` \\fI${roff(value)}\\fR`;
  const flags = names.map((name) => `\\fB${roff(name)}\\fR${argument}`).join(', ');
  const more = [
    ...(choices.length > 0 ? [`One of ${choices.join(', ')}.`] : []),
    ...(defaultText === null ? [] : [`Default: ${defaultText}.`]),
  ];
  const sentence = /[.!?]$/.test(description) ? description : `${description}.`;
  return `.TP\n${flags}\n${roff([sentence, ...more].join(' '))}`;
}

function verbText(verb: VerbFacts): string {
  const examples = verb.examples === '' ? '' : `\n.PP\nExamples:\n.PP\n.nf\n${roff(verb.examples)}\n.fi`;
  return `.SS ${roff(verb.usage)}\n${roff(verb.description)}\n${verb.options.map(optionText).join('\n')}${examples}`;
}

/** The page, section 1. */
export function manPage(description: string, version: string, verbs: readonly VerbFacts[]): string {
  const exits = Object.entries(EXIT).map(([name, code]) => `.TP\n${code}\n${MEANINGS[name as keyof typeof EXIT]}`);
  return `.TH IOMMU 1 "" "iommu-workbench ${roff(version)}" "User Commands"
.SH NAME
iommu \\- ${roff(description.replace(/\.$/, '').replace(/^./, (letter) => letter.toLowerCase()))}
.SH SYNOPSIS
.B iommu
.I verb
.RI [ options ]
.RI [ arguments ]
.SH DESCRIPTION
${roff(description)}
Data goes to standard output, notes and progress to standard error.
.SH VERBS
${verbs.map(verbText).join('\n')}
.SH EXIT STATUS
${exits.join('\n')}
.SH ENVIRONMENT
.TP
.B NO_COLOR
If set and not empty, text is not coloured.
`;
}
