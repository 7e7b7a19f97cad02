// Figures in documents: a block between two comments is replaced by what was measured.
import { readFileSync, writeFileSync } from 'node:fs';

/** Puts `text` between `<!-- NAME -->` and `<!-- /NAME -->`. @returns undefined where the document has no such block */
export function replaced(document: string, name: string, text: string): string | undefined {
  const [from, to] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const start = document.indexOf(from);
  const end = document.indexOf(to, start);
  if (start === -1 || end === -1) return undefined;
  return `${document.slice(0, start + from.length)}\n\n${text}\n\n${document.slice(end)}`;
}

/**
 * Replaces the blocks of a file; `blocks` holds the text of each name.
 * @throws Error where the file has none of them.
 */
export function writeBlocks(path: string, blocks: Readonly<Record<string, string>>): void {
  let document = readFileSync(path, 'utf8');
  let found = 0;
  for (const [name, text] of Object.entries(blocks)) {
    const next = replaced(document, name, text);
    if (next === undefined) continue;
    document = next;
    found++;
  }
  if (found === 0) throw new Error(`${path}: expected a block of ${Object.keys(blocks).join(' or ')}, found none`);
  writeFileSync(path, document);
}
