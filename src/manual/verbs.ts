/**
 * The program's verbs and options as plain data.
 * @module
 */

/** One option of a verb. */
export interface OptionFacts {
  /** `--json`, `-o`: what is typed. */
  readonly names: readonly string[];
  readonly description: string;
  /** Name of its value; null for a switch. */
  readonly value: string | null;
  /** Values that it takes, if only some are allowed. */
  readonly choices: readonly string[];
  readonly defaultText: string | null;
}

/** One verb. */
export interface VerbFacts {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly usage: string;
  readonly options: readonly OptionFacts[];
  /** Words that its first argument may be, if only some are allowed. */
  readonly words: readonly string[];
  /** Text before the usage line: examples. */
  readonly examples: string;
}
