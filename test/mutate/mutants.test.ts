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
const { KERNEL_MUTANTS, KERNEL_SOURCES, withFault } = (await import(new URL('kernel-mutants.mjs', scripts).href)) as {
  KERNEL_MUTANTS: readonly Mutant[];
  KERNEL_SOURCES: readonly string[];
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

test('each fault of the kernels stands where it is said to, and there are faults of every kind', () => {
  const sources = new Map(KERNEL_SOURCES.map((file) => [file, readFileSync(file, 'utf8')]));
  for (const mutant of KERNEL_MUTANTS) expect(withFault(sources, mutant)).not.toEqual(sources);
  expect(KERNEL_MUTANTS.length).toBeGreaterThanOrEqual(20);
  expect([...new Set(KERNEL_MUTANTS.map(({ kind }) => kind))].toSorted()).toEqual(['bound', 'mask', 'stride', 'tail']);
});
