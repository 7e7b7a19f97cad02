import { expect, test } from 'vitest';
import { filesIn, textOf } from '../meta/sources.ts';

/** Forms that docs/words.md refuses; `there is no`, `no longer`, `no more`, `no later` are ordinary English. */
const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['is no X', /(?<!there |There |it )\b(?:is|are) no (?!longer\b|more\b|later\b|larger\b|earlier\b)[a-z]/],
  ['taken back', /\b(?:is|was|are|were) taken back\b/],
  ['from 0 up', /\bis no time\b|\bfrom 0 up\b/],
  ['what is no', /\b[Ww]hat is no\b/],
  ['the like', /\bsays? the like\b|\band the like\b/],
  ['hangs on', /\bhangs on\b/],
  ['wants no more', /\bwants no more\b/],
  ['cut otherwise', /\bcut otherwise than\b/],
  ['taken for another domain', /\btaken for another domain\b/],
];

const FILES = ['src', 'kernels', 'web', 'docs', 'README.md'].flatMap((path) => filesIn(path, /\.(?:ts|tsx|md)$/));
const CHECKED = FILES.filter((file) => file !== 'docs/words.md' && !file.includes('.generated.'));

test('sources, messages and documents use the words of docs/words.md', () => {
  const found = CHECKED.flatMap((file) =>
    textOf(file)
      .split('\n')
      .flatMap((line, i) =>
        REFUSED.filter(([, pattern]) => pattern.test(line)).map(
          ([name]) => `${file}:${i + 1}: "${name}": ${line.trim()}`,
        ),
      ),
  );
  expect(found).toEqual([]);
});
