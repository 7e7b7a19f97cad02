import { readFileSync } from 'node:fs';

/** Sections `# name` of a text file beside the tests, by name: the lines of each. */
export function sectionsOf(file: string): Map<string, string[]> {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8');
  const sections = text.split(/^# /m).slice(1);
  return new Map(
    sections.map((section) => {
      const [name = '', ...lines] = section.trimEnd().split('\n');
      return [name, lines];
    }),
  );
}
