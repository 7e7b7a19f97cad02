import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VERBS } from '../../src/cli/verbs.ts';
import { filesIn, PROJECT, textOf } from '../meta/sources.ts';

const PAGES = ['README.md', 'CHANGELOG.md', 'docs'].flatMap((path) => filesIn(path, /\.md$/));

interface Manifest {
  readonly scripts: Record<string, string>;
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
}

interface Lock {
  readonly packages: Record<string, { readonly optionalDependencies?: Record<string, string> }>;
}

const manifest = JSON.parse(textOf('package.json')) as Manifest;

/** Rows of the first table of a page whose heading begins so, cell by cell. */
function rowsOf(page: string, heading: string): string[][] {
  const lines = textOf(page).split('\n');
  const first = lines.findIndex((line) => line.startsWith(`| ${heading}`));
  const rest = first === -1 ? [] : lines.slice(first + 2);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  return rest.slice(0, end === -1 ? rest.length : end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

/** What the linter lets each room import, from the messages that scripts/rooms.mjs wrote. */
function enforcedRooms(): Map<string, string> {
  const found = textOf('biome.json').matchAll(/"src\/(\w+) may import only: (.*?) \(docs\/architecture\.md\)"/g);
  return new Map([...found].map(([, room = '', allowed = '']) => [room, allowed.replace('no other room', 'nothing')]));
}

/** Every file that `entry` leads to by relative imports, and the packages named on the way. */
function packagesBehind(entry: string): { files: number; packages: string[] } {
  const queue = [entry];
  const seen = new Set(queue);
  const packages: string[] = [];
  for (const file of queue) {
    for (const [, from = ''] of textOf(file).matchAll(/^(?:import|export|\}) .*?from '([^']+)';$/gm)) {
      const next = posix.join(posix.dirname(file), from);
      if (!from.startsWith('.')) packages.push(`${file}: ${from}`);
      else if (!seen.has(next) && !next.includes('.generated.')) {
        seen.add(next);
        queue.push(next);
      }
    }
  }
  return { files: seen.size, packages };
}

describe('the documents say what is', () => {
  test.each(PAGES)('%s links to files that exist', (page) => {
    const links = [...textOf(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, to = '']) => to);
    const missing = links.filter((to) => !existsSync(posix.join(PROJECT, posix.dirname(page), to)));
    expect(missing).toEqual([]);
  });

  test('the README and the pages name only scripts that exist', () => {
    const named = PAGES.flatMap((page) => [...textOf(page).matchAll(/npm run (?:-s )?([\w-]+)/g)]);
    expect(named.filter(([, script = '']) => manifest.scripts[script] === undefined).map(String)).toEqual([]);
  });

  test('docs/architecture.md has the rooms that the linter enforces', () => {
    const rows = rowsOf('docs/architecture.md', 'room ').filter(([room]) => room !== 'cli');
    expect(new Map(rows.map(([room = '', , allowed = '']) => [room, allowed]))).toEqual(enforcedRooms());
  });

  test('docs/dependencies.md names every dependency, and no other', () => {
    const page = 'docs/dependencies.md';
    const sections = textOf(page)
      .split('\n')
      .filter((line) => line.startsWith('| package'));
    expect(sections).toHaveLength(2);
    const named = [...textOf(page).matchAll(/^\| `([^`]+)` +\| `/gm)].map(([, name]) => name).toSorted();
    expect(named).toEqual(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }).toSorted());
  });

  test('docs/command-line.md has every verb', () => {
    const verbs = VERBS.map(({ name }) => name);
    const text = textOf('docs/command-line.md');
    expect(verbs.filter((verb) => !text.includes(`\n## iommu ${verb}\n`))).toEqual([]);
  });

  test('package-lock.json lists the optional packages of every platform, without which npm ci refuses it', () => {
    const { packages } = JSON.parse(textOf('package-lock.json')) as Lock;
    const wanted = Object.entries(packages).flatMap(([from, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).map((name) => [`node_modules/${name}`, `${from}/node_modules/${name}`]),
    );
    expect(wanted.length).toBeGreaterThan(10);
    expect(wanted.filter((places) => places.every((place) => packages[place] === undefined))).toEqual([]);
  });

  test('the library imports no package', () => {
    const { files, packages } = packagesBehind('src/index.ts');
    expect(files).toBeGreaterThan(30);
    expect(packages).toEqual([]);
  });

  test('the examples of the documents have files to work on', () => {
    const paths = PAGES.flatMap((page) => [...textOf(page).matchAll(/\btest\/(?:captures|vectors)\/[\w./-]+\.\w+/g)]);
    const missing = paths.map(([path]) => path).filter((path) => !existsSync(`${PROJECT}${path}`));
    expect(missing).toEqual([]);
    expect(readFileSync(`${PROJECT}LICENSE`, 'utf8')).toContain('Apache License');
  });
});
