/**
 * Bytes to compare with, four at a time.
 * @module
 */

const WORD = 4;
const GAP = 0x3f;
const NO_GAP = -1;

/** Stretches of bytes to look for, each of four or more, with gaps between them where any byte may stand. */
export class Literal {
  readonly length: number;
  /** Pairs of where a word stands and the word; the last of a stretch overlaps the one before. */
  readonly #words: Int32Array;

  /** `gap`: the byte that stands for any. */
  constructor(bytes: Uint8Array, gap: number = NO_GAP) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.length = bytes.length;
    const offsets = stretches(bytes, gap).flatMap(([from, to]) => wordOffsets(from, to));
    this.#words = Int32Array.from(offsets.flatMap((offset) => [offset, view.getInt32(offset, true)]));
  }

  /** Whether these bytes stand at `at`, where so many bytes are. The end is looked at first: heads of lines differ there. */
  stands(view: DataView, at: number): boolean {
    const words = this.#words;
    for (let word = words.length - 1; word > 0; word -= 2) {
      if (view.getInt32(at + (words[word - 1] as number), true) !== words[word]) return false;
    }
    return true;
  }
}

/** A literal of a text of ASCII; `?` stands for any byte. */
export function literal(text: string): Literal {
  return new Literal(new TextEncoder().encode(text), GAP);
}

/** The stretches between gaps: [from, to). */
function stretches(bytes: Uint8Array, gap: number): [number, number][] {
  const found: [number, number][] = [];
  for (let from = 0; from < bytes.length; from++) {
    if (bytes[from] === gap) continue;
    let to = from;
    while (to < bytes.length && bytes[to] !== gap) to++;
    found.push([from, to]);
    from = to;
  }
  return found;
}

function wordOffsets(from: number, to: number): number[] {
  const offsets: number[] = [];
  for (let at = from; at + WORD < to; at += WORD) offsets.push(at);
  return [...offsets, to - WORD];
}
