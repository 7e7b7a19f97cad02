/**
 * Undoes the breaks of a terminal: copied from one, every long line is cut at the last column, within words and numbers.
 * @module
 */

/** Characters of the beginning of a log from which its width is judged. */
const SAMPLE = 1 << 16;
/** Columns of a terminal. Mail breaks lines before, at blanks, and many of one kind at the same column. */
const LEAST_WIDTH = 79;
/** Lines of one width that make it a terminal's. */
const LEAST_LINES = 2;
/** Parts that one line is made of at most. */
const MOST_PARTS = 16;

/** Whether a line may be the rest of the one before, in a log whose other lines begin with a prefix, or in one without. */
export type IsRest = (text: string, hasPrefixes: boolean) => boolean;

/** A line, the number of its first part and that of its last. */
export type WholeLine = (text: string, number: number, until: number) => void;

interface Line {
  readonly text: string;
  readonly number: number;
}

/** True for a line that ends at the last column, within a word: tables and padded lines are full without being broken. */
function isFull(text: string, width: number | undefined): boolean {
  return text.length === width && !/[\s|]$/.test(text);
}

/** True where so many lines have a prefix that the others must be rests, or later lines of one print. */
function prefixed(lines: readonly Line[], isRest: IsRest): boolean {
  const texts = lines.filter(({ text }) => text.trim() !== '');
  return 3 * texts.filter(({ text }) => !isRest(text, true)).length >= texts.length;
}

/**
 * The width at which all long lines of a sample end, where nearly all of these are followed by what may be their rest;
 * `undefined` where there is none.
 */
function terminalWidth(lines: readonly Line[], isRest: IsRest): number | undefined {
  const width = lines.reduce((most, { text }) => Math.max(most, text.length), 0);
  if (width < LEAST_WIDTH) return undefined;
  const full = lines.flatMap(({ text }, i) => (isFull(text, width) ? [lines[i + 1]] : []));
  const hasPrefixes = prefixed(lines, isRest);
  const broken = full.filter((next) => next !== undefined && isRest(next.text, hasPrefixes));
  return broken.length >= LEAST_LINES && 5 * broken.length >= 4 * full.length ? width : undefined;
}

/** Takes the lines of a log, and gives them whole. */
export class Unwrapper {
  readonly #isRest: IsRest;
  readonly #sink: WholeLine;
  /** The beginning of the log, until its width is known; then `undefined`. */
  #sample: Line[] | undefined = [];
  #sampled = 0;
  #width: number | undefined;
  #hasPrefixes = false;
  #pending: { text: string; readonly number: number; until: number; parts: number } | undefined;

  constructor(isRest: IsRest, sink: WholeLine) {
    this.#isRest = isRest;
    this.#sink = sink;
  }

  /** Takes the next line. */
  add(text: string, number: number): void {
    if (this.#sample === undefined) {
      this.#line(text, number);
      return;
    }
    this.#sample.push({ text, number });
    this.#sampled += text.length + 1;
    if (this.#sampled >= SAMPLE) this.#judge();
  }

  /** Says that there are no more lines. */
  end(): void {
    this.#judge();
    this.#give();
  }

  #judge(): void {
    const sample = this.#sample;
    if (sample === undefined) return;
    this.#sample = undefined;
    this.#width = terminalWidth(sample, this.#isRest);
    this.#hasPrefixes = prefixed(sample, this.#isRest);
    for (const { text, number } of sample) this.#line(text, number);
  }

  #line(text: string, number: number): void {
    if (this.#width === undefined) {
      this.#sink(text, number, number);
      return;
    }
    this.#part(text, number, isFull(text, this.#width));
  }

  #part(text: string, number: number, isFull: boolean): void {
    const pending = this.#pending;
    if (pending !== undefined && pending.parts < MOST_PARTS && this.#isRest(text, this.#hasPrefixes)) {
      pending.text += text;
      pending.until = number;
      pending.parts++;
    } else {
      this.#give();
      this.#pending = { text, number, until: number, parts: 1 };
    }
    if (!isFull) this.#give();
  }

  #give(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) this.#sink(pending.text, pending.number, pending.until);
  }
}
