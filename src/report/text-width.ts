/**
 * How many columns of a terminal a text takes.
 * @module
 */

const ASCII = /^[ -~]*$/;
const NO_WIDTH = /[\p{M}\u200c\u200d]/gu;
/** East Asian wide and fullwidth (Unicode Standard Annex 11), and emoji that are drawn as pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/gu;

/** Columns of a terminal that a printable text takes: wide characters two, combining marks none. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  const drawn = text.replace(NO_WIDTH, '');
  return [...drawn].length + (drawn.match(WIDE)?.length ?? 0);
}
