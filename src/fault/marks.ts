/**
 * Finds which of many literals stand in a line, in one pass over it (Aho and Corasick, 1975), so that ordinary lines cost
 * the same however many drivers there are.
 * @module
 */

/** Characters above this are in no mark. */
const CHARACTERS = 128;

/** A set of literals, each with the number of its owner. */
export class Marks {
  readonly #classes = new Uint8Array(CHARACTERS);
  readonly #width: number;
  readonly #next: Uint16Array;
  readonly #owners: readonly (readonly number[] | undefined)[];

  constructor(marks: readonly { readonly text: string; readonly owner: number }[]) {
    let width = 1;
    for (const { text } of marks) {
      for (const character of text) {
        const code = character.charCodeAt(0);
        if (this.#classes[code] === 0) this.#classes[code] = width++;
      }
    }
    this.#width = width;
    const most = marks.reduce((sum, { text }) => sum + text.length, 1);
    this.#next = new Uint16Array(most * width);
    const owners: (number[] | undefined)[] = [undefined];
    for (const { text, owner } of marks) this.#add(text, owner, owners);
    this.#link(owners);
    this.#owners = owners;
  }

  #add(text: string, owner: number, owners: (number[] | undefined)[]): void {
    let state = 0;
    for (let i = 0; i < text.length; i++) {
      const at = state * this.#width + (this.#classes[text.charCodeAt(i)] ?? 0);
      if (this.#next[at] === 0) {
        this.#next[at] = owners.length;
        owners.push(undefined);
      }
      state = this.#next[at] ?? 0;
    }
    owners[state] = [...(owners[state] ?? []), owner];
  }

  /** Fills in where a state goes when the next character does not continue it, nearest states first. */
  #link(owners: (number[] | undefined)[]): void {
    const failure = new Uint16Array(owners.length);
    const queue = [0];
    for (let head = 0; head < queue.length; head++) {
      const state = queue[head] ?? 0;
      const back = (failure[state] ?? 0) * this.#width;
      for (let c = 0; c < this.#width; c++) {
        const at = state * this.#width + c;
        const child = this.#next[at] ?? 0;
        const other = state === 0 ? 0 : (this.#next[back + c] ?? 0);
        if (child === 0) {
          this.#next[at] = other;
          continue;
        }
        failure[child] = other;
        if (owners[other] !== undefined) owners[child] = [...(owners[child] ?? []), ...owners[other]];
        queue.push(child);
      }
    }
  }

  /** The owners of the marks in a line, each once, in the order of their numbers; `undefined` for none. */
  find(line: string): readonly number[] | undefined {
    let found: Set<number> | undefined;
    let state = 0;
    for (let i = 0; i < line.length; i++) {
      const code = line.charCodeAt(i);
      state = code < CHARACTERS ? (this.#next[state * this.#width + (this.#classes[code] ?? 0)] ?? 0) : 0;
      const owners = this.#owners[state];
      if (owners === undefined) continue;
      found ??= new Set();
      for (const owner of owners) found.add(owner);
    }
    return found === undefined ? undefined : [...found].sort((a, b) => a - b);
  }
}
