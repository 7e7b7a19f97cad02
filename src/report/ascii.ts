/**
 * Text for terminals whose locale has no UTF-8.
 * @module
 */
const ASCII: Readonly<Record<string, string>> = {
  µ: 'u',
  '×': 'x',
  '…': '~',
  '−': '-',
  '∞': 'inf',
  '→': '->',
  '–': '-',
  '─': '-',
  '│': '|',
  '≤': '<=',
  '≥': '>=',
  '²': '2',
};

/** The text with every character outside ASCII spelled by ASCII ones, or as `?`. Each is replaced on its own. */
export function toAscii(text: string): string {
  return text.replace(/\P{ASCII}/gu, (character) => ASCII[character] ?? '?');
}
