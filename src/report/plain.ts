/**
 * Text from outside (task names, labels of a trace) made safe to print on one line, and fitted to a width.
 * @module
 */
import { showControls } from './controls.ts';

/** The text on one line: tabs and line ends become a space, every other character that does not print is shown by its code (`\x1b`). */
export function plainText(text: string): string {
  return showControls(text.replace(/[\t\r\n]+/g, ' '));
}

/** The text cut to `width` characters, the last one an ellipsis (`~` in ASCII) if something was lost. */
export function truncate(text: string, width: number, ascii = false): string {
  const letters = [...text];
  if (letters.length <= width) return text;
  return letters.slice(0, Math.max(0, width - 1)).join('') + (ascii ? '~' : '…');
}

/** The text broken at spaces into lines of at most `width` characters; a longer word is cut. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
    while (line.length > width) {
      lines.push(line.slice(0, width));
      line = line.slice(width);
    }
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line];
}
