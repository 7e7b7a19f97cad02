/**
 * States as short texts: equal for states that go on alike, and enough to make the state again.
 * @module
 */
import type { Position } from './position.ts';
import type { State } from './world.ts';

/** Packs the states of one search: one character for each number, as numbers are met. */
export class Packing {
  readonly #codes = new Map<number, number>();
  readonly #numbers: number[] = [];
  /** Positions by thread and id. */
  readonly #positions: Position[][] = [];
  readonly #threads: number;
  readonly #words: number;
  readonly #remembered: number;

  /** `first` gives the shape: all states of a scenario have as many threads, words and things remembered. */
  constructor(first: State) {
    this.#threads = first.positions.length;
    this.#words = first.words.length;
    this.#remembered = first.remembered.length;
    for (let thread = 0; thread < this.#threads; thread++) this.#positions.push([]);
  }

  pack({ words, buffers, positions, remembered }: State): string {
    const codes: number[] = [];
    for (const [thread, position] of positions.entries()) {
      codes.push(this.#code(position.id));
      (this.#positions[thread] as Position[])[position.id] = position;
    }
    for (const word of words) codes.push(this.#code(word));
    for (const number of remembered) codes.push(this.#code(number));
    for (const buffer of buffers) {
      codes.push(this.#code(buffer.length));
      for (const word of buffer) codes.push(this.#code(word));
    }
    return String.fromCharCode(...codes);
  }

  unpack(text: string): State {
    let at = 0;
    const number = (): number => this.#numbers[text.charCodeAt(at++)] as number;
    const numbers = (count: number): number[] => {
      const list: number[] = [];
      for (let i = 0; i < count; i++) list.push(number());
      return list;
    };
    const positions = this.#positions.map((byId) => byId[number()] as Position);
    const words = numbers(this.#words);
    const remembered = numbers(this.#remembered);
    const buffers = positions.map(() => numbers(number()));
    return { words, buffers, positions, remembered };
  }

  #code(number: number): number {
    const known = this.#codes.get(number);
    if (known !== undefined) return known;
    this.#codes.set(number, this.#numbers.length);
    return this.#numbers.push(number) - 1;
  }
}
