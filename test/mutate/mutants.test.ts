import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

/** An edit of a text, as the scripts have it. */
interface Mutant {
  readonly kind: string;
}

const scripts = new URL('../../scripts/mutate/', import.meta.url);
const { mutantsOf, applied } = (await import(new URL('operators.mjs', scripts).href)) as {
  mutantsOf(text: string): Mutant[];
  applied(text: string, mutant: Mutant): string;
};
const { KERNEL_MODULES, withFault } = (await import(new URL('kernel-mutants.mjs', scripts).href)) as {
  KERNEL_MODULES: readonly { source: string; files: readonly string[]; mutants: readonly Mutant[] }[];
  withFault(sources: ReadonlyMap<string, string>, mutant: Mutant): ReadonlyMap<string, string>;
};

/** The texts that mutants make of a text, with their kinds. */
function changes(text: string): string[] {
  return mutantsOf(text).map((mutant) => `${mutant.kind}: ${applied(text, mutant)}`);
}

describe('mutants of a text', () => {
  test.each([
    ['a < b', ['statement: ;', 'operator: a <= b', 'operator: a >= b']],
    ['x = (a & b) << c', ['statement: ;', 'operator: x = (a & b) >>> c', 'operator: x = (a | b) << c']],
    ['x += 1n', ['statement: ;', 'operator: x -= 1n', 'constant: x += 2n', 'constant: x += 0n']],
    ['if (a && b) c()', ['condition: if (!(a && b)) c()', 'operator: if (a || b) c()', 'statement: if (a && b) ;']],
    ['x = !a', ['statement: ;', 'operator: x = (a)']],
    ['const f = () => { return g() }', ['return: const f = () => { return undefined }']],
    ['const text = "a" + b', []],
    ['i++', ['statement: ;', 'operator: i--']],
  ])('of: %s', (text, expected) => {
    expect(changes(text).toSorted()).toEqual(expected.toSorted());
  });

  test('imports and templates stay as they are', () => {
    const template = ['`a $', '{b < c}`'].join('');
    expect(mutantsOf(`import { a } from 'a.js';\nconst t = ${template};`)).toEqual([]);
  });
});

test.each(KERNEL_MODULES)('each fault of $source stands where it is said to', ({ files, mutants }) => {
  const sources = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));
  for (const mutant of mutants) expect(withFault(sources, mutant)).not.toEqual(sources);
});

test('faults of every kind are planted in the kernels', () => {
  const kinds = KERNEL_MODULES.map(({ mutants }) => [...new Set(mutants.map(({ kind }) => kind))].toSorted());
  expect(kinds).toEqual([
    ['bound', 'mask', 'stride', 'tail'],
    ['bound', 'case', 'column', 'digit', 'left', 'mask', 'tail', 'text'],
  ]);
});
