import { mkdirSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { filesIn, PROJECT, textOf } from './sources.ts';

/** Code in the documentation that says of itself that it runs: a block opened by "ts run". */
const SNIPPET = /^```ts run\n([\s\S]*?)^```/gm;

const FOLDER = `${PROJECT}build/snippets`;

function snippetsOf(page: string): { page: string; number: number; code: string }[] {
  return [...textOf(page).matchAll(SNIPPET)].map(([, code = ''], i) => ({ page, number: i + 1, code }));
}

/** The snippet as a file of the project: the package's name becomes its sources. */
function asFile(page: string, number: number, code: string): string {
  const name = `${page.replaceAll(/\W/g, '-')}-${number}.ts`;
  const local = code
    .replaceAll(/from 'iommu-workbench\/([\w-]+)'/g, "from '../../src/$1/index.ts'")
    .replaceAll("from 'iommu-workbench'", "from '../../src/index.ts'")
    .replaceAll(/from '(?:\.\.\/|\.\/)examples\//g, "from '../../examples/");
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}/${name}`, local);
  return pathToFileURL(`${FOLDER}/${name}`).href;
}

const SNIPPETS = ['docs', 'README.md'].flatMap((path) => filesIn(path, /\.md$/)).flatMap(snippetsOf);

describe('code in the documentation runs', () => {
  test('there is some', () => expect(SNIPPETS.length).toBeGreaterThan(0));

  test.each(SNIPPETS)('$page, snippet $number', async ({ page, number, code }) => {
    await expect(import(/* @vite-ignore */ asFile(page, number, code))).resolves.toBeDefined();
  });
});
