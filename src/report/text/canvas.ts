/**
 * A drawing area of characters: dots finer than a character where braille may be used, marks on top of them.
 * @module
 */

/** Dots a character is wide and high in braille (Unicode 2800–28FF). */
const DOTS_X = 2;
const DOTS_Y = 4;

/** Bit of each dot of a braille character, by row and column. */
const BRAILLE = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80];

/** Characters on which lines are drawn in dots and points as marks. */
export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly #ascii: boolean;
  readonly #dots: Uint8Array;
  readonly #marks = new Map<number, string>();

  constructor(width: number, height: number, ascii: boolean) {
    this.width = width;
    this.height = height;
    this.#ascii = ascii;
    this.#dots = new Uint8Array(width * height);
  }

  /** Puts a character at a place given as shares of width and height, (0, 0) at the lower left. */
  mark(x: number, y: number, character: string): void {
    const column = Math.round(x * (this.width - 1));
    const row = this.height - 1 - Math.round(y * (this.height - 1));
    if (column < 0 || column >= this.width || row < 0 || row >= this.height) return;
    this.#marks.set(row * this.width + column, character);
  }

  /** Draws a line between two places given as shares of width and height. */
  line(fromX: number, fromY: number, toX: number, toY: number): void {
    const [left, top] = this.#dot(fromX, fromY);
    const [right, bottom] = this.#dot(toX, toY);
    const steps = Math.max(Math.abs(right - left), Math.abs(bottom - top), 1);
    for (let i = 0; i <= steps; i++) {
      this.#set(Math.round(left + ((right - left) * i) / steps), Math.round(top + ((bottom - top) * i) / steps));
    }
  }

  /** The rows from top to bottom, without blanks at their ends. */
  rows(): string[] {
    return Array.from({ length: this.height }, (_, row) =>
      Array.from({ length: this.width }, (__, column) => this.#character(row * this.width + column))
        .join('')
        .trimEnd(),
    );
  }

  #dot(x: number, y: number): [number, number] {
    return [Math.round(x * (this.width * DOTS_X - 1)), Math.round((1 - y) * (this.height * DOTS_Y - 1))];
  }

  #set(x: number, y: number): void {
    if (x < 0 || y < 0 || x >= this.width * DOTS_X || y >= this.height * DOTS_Y) return;
    const cell = Math.floor(y / DOTS_Y) * this.width + Math.floor(x / DOTS_X);
    const bit = BRAILLE[(y % DOTS_Y) * DOTS_X + (x % DOTS_X)] ?? 0;
    this.#dots[cell] = (this.#dots[cell] ?? 0) | bit;
  }

  #character(cell: number): string {
    const mark = this.#marks.get(cell);
    if (mark !== undefined) return mark;
    const dots = this.#dots[cell] ?? 0;
    if (dots === 0) return ' ';
    return this.#ascii ? '.' : String.fromCharCode(0x2800 + dots);
  }
}
