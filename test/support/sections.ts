import { readFileSync, writeFileSync } from 'node:fs';

/** A named part of a text file. */
export interface Section {
  readonly name: string;
  readonly lines: readonly string[];
}

/**
 * Sections `# name` of a text file. With `WRITE_SECTIONS=1` in the environment those found are written there
 * first, to be read line by line in the difference to the version before.
 */
export function sectionsOf(url: URL, found: readonly Section[]): Section[] {
  if (process.env['WRITE_SECTIONS'] === '1') {
    writeFileSync(url, found.map(({ name, lines }) => [`# ${name}`, ...lines, ''].join('\n')).join(''));
  }
  const sections = readFileSync(url, 'utf8').split(/^# /m).slice(1);
  return sections.map((section) => {
    const [name = '', ...lines] = section.trimEnd().split('\n');
    return { name, lines };
  });
}
