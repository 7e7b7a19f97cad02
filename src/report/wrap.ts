/**
 * Text broken into lines at blanks only, so that no number and no address is ever cut.
 * @module
 */
import { textWidth } from './text-width.ts';

/** Lines of at most `width` characters; a longer word has a line of its own, uncut. A text always has a line. */
export function wrapWords(text: string, width: number): string[] {
  if (textWidth(text) <= width) return [text];
  const lines: string[] = [];
  let line = '';
  let used = 0;
  for (const word of text.split(' ')) {
    const length = textWidth(word);
    const fits = line === '' || used + 1 + length <= width;
    if (!fits) lines.push(line);
    used = fits && line !== '' ? used + 1 + length : length;
    line = fits && line !== '' ? `${line} ${word}` : word;
  }
  return [...lines, line];
}

/** As {@link wrapWords}; the first line begins with `mark`, the others are indented by its width. */
export function wrapItem(text: string, width: number, mark = '- '): string[] {
  const indent = ' '.repeat(mark.length);
  return wrapWords(text, width - mark.length).map((line, i) => `${i === 0 ? mark : indent}${line}`);
}
