// The compiled kernels with the faults that are planted in each, and the tests that must notice them.
import { MEMORY_MUTANTS } from './memory-mutants.mjs';
import { TRACE_MUTANTS } from './trace-mutants.mjs';

/**
 * Kernels that are compiled into one module: where they begin, the module that carries them, their source files, the test files that
 * hold them against their plain twins, and the faults.
 */
export const KERNEL_MODULES = [
  {
    source: 'kernels/index.ts',
    module: 'src/memory/kernels.generated.js',
    constant: 'KERNELS_BASE64',
    features: ['simd', 'bulk-memory'],
    files: ['common', 'entries', 'lists', 'walk', 'calls', 'index'].map((name) => `kernels/${name}.ts`),
    tests: /^test\/memory\/((walk-|call-)?kernels|every-position)\.test/,
    mutants: mutantsOf(MEMORY_MUTANTS),
  },
  {
    source: 'kernels/trace/index.ts',
    module: 'src/trace/fast/kernel.generated.js',
    constant: 'LINES_BASE64',
    features: ['simd'],
    files: ['layout', 'literals', 'numbers', 'lists', 'remembered', 'bodies', 'lines', 'index'].map(
      (name) => `kernels/trace/${name}.ts`,
    ),
    tests: /^test\/trace\/fast-(line|bytes)\.test/,
    mutants: mutantsOf(TRACE_MUTANTS),
  },
];

function mutantsOf(rows) {
  return rows.map(([kernel, kind, from, by]) => ({ kernel, kind, from, by }));
}

/** The sources by file, one with a fault in it. Throws where the text does not stand there, or twice. */
export function withFault(sources, { kernel, from, by }) {
  const name = `function ${kernel}(`;
  const [file, source] = [...sources].find(([, text]) => text.includes(name)) ?? [undefined, ''];
  const head = source.indexOf(name);
  const foot = source.indexOf('\n}\n', head);
  const body = source.slice(head, foot);
  if (file === undefined || body.split(from).length !== 2) throw new Error(`${kernel}: expected '${from}' once`);
  return new Map([...sources, [file, source.slice(0, head) + body.replace(from, () => by) + source.slice(foot)]]);
}
