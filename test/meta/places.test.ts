import { expect, test } from 'vitest';
import { filesIn, textOf } from './sources.ts';

/** What a file that leaves this place must not name: where it was made, and by which piece of work. */
const PLACES: readonly RegExp[] = [
  /\/work\//,
  /\.\.\/shared\b/,
  /\/tmp\/[a-z]/,
  /\/(?:home|Users)\/\w+\//,
  /\bregistry\.[a-z]+\.[a-z]+/,
  /\bhttps?:\/\/(?:localhost|127\.0\.0\.1):\d{4,}/,
  /\b[Ii]ssues? (?:#?\d+|[A-H]\b)/,
  /\b(?:this|next|another) (?:session|helper)\b/,
];

const FILES = ['src', 'docs', 'examples', 'kernels', 'web', 'bench', 'README.md', 'package.json'].flatMap((path) =>
  filesIn(path, /\.(?:ts|mjs|md|html|css|json)$/),
);

test('the files are found', () => {
  expect(FILES.length).toBeGreaterThan(100);
});

test('no file names the place where it was written', () => {
  const named = FILES.flatMap((file) => {
    const lines = textOf(file).split('\n');
    return lines.flatMap((line, i) => (PLACES.some((place) => place.test(line)) ? [`${file}:${i + 1}: ${line}`] : []));
  });
  expect(named).toEqual([]);
});
