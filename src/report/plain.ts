/**
 * Text from outside (task names, labels of a trace) made safe to print: control characters would steer a terminal
 * or make a file invalid XML.
 * @module
 */

const UNPRINTABLE = /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff]/gu;

/** The text with each control character, lone surrogate, noncharacter and direction override replaced by `�`; tabs and line ends become spaces. */
export function plainText(text: string): string {
  return text.replace(/[\t\r\n]+/g, ' ').replace(UNPRINTABLE, '\ufffd');
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
