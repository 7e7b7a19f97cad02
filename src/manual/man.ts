/**
 * The man page, in the man macros that every roff has.
 * @module
 */
import type { OptionFacts, VerbFacts } from './verbs.ts';

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

/** What the page is about. */
export interface Manual {
  readonly description: string;
  readonly version: string;
  readonly verbs: readonly VerbFacts[];
  /** Exit statuses and their meanings. */
  readonly exits: readonly (readonly [status: number, meaning: string])[];
}

/** The page, section 1. */
export function manPage({ description, version, verbs, exits }: Manual): string {
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
${exits.map(([status, meaning]) => `.TP\n${status}\n${roff(meaning)}`).join('\n')}
.SH ENVIRONMENT
.TP
.B NO_COLOR
If set and not empty, text is not coloured.
`;
}
