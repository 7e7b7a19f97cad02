/**
 * How a line that was broken in two is joined: mail breaks at blanks, a terminal at its last column, within words and numbers.
 * @module
 */

/** Columns of a line that mail would have broken before. */
const BEYOND_MAIL = 79;

/** Widths of the lines of a log, in characters. */
export class Widths {
  #most = 0;
  #count = 0;
  #last = 0;

  /** Width of the last line. */
  get last(): number {
    return this.#last;
  }

  /** Takes the width of the next line. */
  add(width: number): void {
    this.#last = width;
    if (width === this.#most) this.#count++;
    if (width <= this.#most) return;
    this.#most = width;
    this.#count = 1;
  }

  /**
   * A line of a width and its rest as one text, the likelier way first. Of the lines that a terminal broke, several are exactly
   * as wide as the widest.
   */
  joints(line: string, width: number, rest: string): readonly string[] {
    const tail = rest.trimStart();
    if (tail.startsWith(',')) return [`${line}, ${tail.slice(1).trimStart()}`];
    const spaced = `${line} ${tail}`;
    if (/^\s/.test(rest)) return [spaced];
    const isWide = width >= BEYOND_MAIL || (width === this.#most && this.#count > 1);
    const isWithin = !/^(?:[A-Za-z]\w*=|\[|0x)/.test(rest) && !/ (?:at|addr|address|from)$/.test(line);
    return isWide && isWithin ? [`${line}${rest}`, spaced] : [spaced, `${line}${rest}`];
  }
}
