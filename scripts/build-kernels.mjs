// Compiles the AssemblyScript modules of kernels/ into TypeScript modules that carry the WebAssembly bytes as text, so
// that Node and browsers load them alike. The generated modules are not committed.
import { existsSync, writeFileSync } from 'node:fs';
import { compileKernels, moduleOf, SHIPPED } from './kernel-compiler.mjs';

/** Source, generated module, name of its constant, features. */
const MODULES = [
  {
    source: 'kernels/index.ts',
    target: 'src/memory/kernels.generated.ts',
    name: 'KERNELS_BASE64',
    features: ['simd', 'bulk-memory'],
  },
  {
    source: 'kernels/trace/index.ts',
    target: 'src/trace/fast/kernel.generated.ts',
    name: 'LINES_BASE64',
    features: ['simd'],
  },
  { source: 'kernels/floor.ts', target: 'src/bench/floor.generated.ts', name: 'FLOOR_BASE64', features: [] },
];

for (const { source, target, name, features } of MODULES) {
  if (!existsSync(new URL(`../${source}`, import.meta.url))) continue;
  const { base64, problem } = await compileKernels(source, features, SHIPPED);
  if (problem !== undefined) {
    console.error(problem);
    process.exit(1);
  }
  writeFileSync(new URL(`../${target}`, import.meta.url), moduleOf(name, base64, ': string'));
}
