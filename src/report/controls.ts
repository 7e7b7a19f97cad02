/**
 * Characters that would steer a terminal, hide or reorder text, or make a file invalid XML, shown by their code.
 * @module
 */

/**
 * C0 and C1 controls, DEL, lone surrogates, noncharacters of the first plane, and what is invisible and changes the
 * text around it: bidirectional controls (Unicode Standard Annex 9), line and paragraph separators, zero-width
 * characters, language tags.
 */
const UNPRINTABLE =
  /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff\u{e0000}-\u{e007f}]/gu;

/** The same without tab and line feed, with select graphic rendition (ECMA-48, 8.3.117) of one number in front. */
const UNPRINTABLE_OR_STYLE = new RegExp(`\\u001b\\[\\d{1,2}m|${UNPRINTABLE.source}`, 'gu');

function code(character: string): string {
  const value = character.codePointAt(0) ?? 0;
  if (value < 0x100) return `\\x${value.toString(16).padStart(2, '0')}`;
  return `U+${value.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** The text with each character that does not print shown by its code: `\x1b`, `\x9b`, `U+202E`; tabs and line ends too. */
export function showControls(text: string): string {
  return text.replace(UNPRINTABLE, code);
}

/**
 * The text as a whole output: lines and tabs stay; every other character that does not print is shown by its code.
 * @param styled true to keep colour sequences (`ESC [ 31 m`), which the program itself put there
 */
export function showControlsOfLines(text: string, styled = false): string {
  return text.replace(UNPRINTABLE_OR_STYLE, (found) => {
    if (found === '\n' || found === '\t') return found;
    return found.length > 3 ? (styled ? found : showControls(found)) : code(found);
  });
}

/** JSON text with each unprintable character inside its strings as `\uXXXX`; the value that it stands for is unchanged. */
export function escapeControlsOfJson(json: string): string {
  return json.replace(UNPRINTABLE, (character) => {
    if (character === '\n' || character === '\t' || character === '\r') return character;
    return character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
  });
}
