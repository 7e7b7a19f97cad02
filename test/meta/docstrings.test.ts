import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { filesIn, textOf } from './sources.ts';

/** A name that a file hands out, and the file that declares it. */
interface Exported {
  readonly name: string;
  readonly file: string;
}

const LIST = /^export (?:type )?\{([^}]*)\} from '([^']+)';/gm;

/** What a file exports under which name: its own declarations, or those of files that it names. */
function exportsOf(file: string): Exported[] {
  const lists = [...textOf(file).matchAll(LIST)].flatMap(([, names = '', from = '']) => {
    const source = posix.join(posix.dirname(file), from);
    const each = names.split(',').map((name) => name.trim().replace(/^type /, ''));
    return each.filter((name) => name !== '').map((name) => ({ name: name.split(' as ')[0] ?? name, file: source }));
  });
  return lists.map(declarationOf);
}

function declarationOf({ name, file }: Exported): Exported {
  if (declares(file, name) !== undefined) return { name, file };
  return exportsOf(file).find((other) => other.name === name) ?? { name, file };
}

/** Text before the declaration of a name, or undefined. */
function declares(file: string, name: string): string | undefined {
  const kinds = 'const|function\\*?|async function|class|abstract class|interface|type';
  const text = textOf(file);
  const at = text.search(new RegExp(`^export (?:${kinds}) ${name}\\b`, 'm'));
  return at === -1 ? undefined : text.slice(0, at);
}

/** Members of an exported interface or class that have no comment above them. */
function bareMembers({ file, name }: Exported): string[] {
  const bodies = [...textOf(file).matchAll(/^export (?:interface|class) (\w+)[^{]*\{\n([\s\S]*?)^\}/gm)];
  return bodies.flatMap(([, owner = '', body = '']) => {
    if (owner !== name) return [];
    const lines = body.split('\n');
    return lines.flatMap((line, i) => {
      const member = /^ {2}(?:readonly |static |get |async |override )*([a-z]\w*)\??(?:[:(<]| =)/.exec(line)?.[1];
      if (member === undefined || member === 'constructor' || member === 'return') return [];
      const above = (lines[i - 1] ?? '').trim();
      const isDescribed = above.endsWith('*/') || /^(?:set|get) /.test(above) || above.endsWith(`${member}(`);
      return isDescribed ? [] : [`${file}: ${owner}.${member}`];
    });
  });
}

const INDEXES = filesIn('src', /\/index\.ts$/).filter((file) => file.split('/').length <= 3);

test('there are public surfaces, and they export things', () => {
  expect(INDEXES.length).toBeGreaterThan(8);
  for (const file of INDEXES) expect(exportsOf(file).length, file).toBeGreaterThan(0);
});

test('everything that the library exports has a docstring', () => {
  const bare = INDEXES.flatMap(exportsOf).filter(({ file, name }) => !declares(file, name)?.trimEnd().endsWith('*/'));
  expect([...new Set(bare.map(({ file, name }) => `${file}: ${name}`))]).toEqual([]);
});

test('every file says what it is for', () => {
  const silent = filesIn('src', /\.ts$/).filter((file) => !/^(?:#!.*\n)?\/\*\*\n[\s\S]*?@module/.test(textOf(file)));
  expect(silent).toEqual([]);
});

test('members of what the write side exports have docstrings', () => {
  const rooms = ['memory', 'meter', 'formats', 'pagetable', 'drivers', 'core'];
  expect(rooms.flatMap((room) => exportsOf(`src/${room}/index.ts`)).flatMap(bareMembers)).toEqual([]);
});
