// Compiles the AssemblyScript modules of kernels/ into TypeScript modules that carry the WebAssembly bytes as text, so
// that Node and browsers load them alike. The generated modules are not committed.
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

/** Source, generated module, name of its constant, features. */
const MODULES = [
  {
    source: 'kernels/index.ts',
    target: 'src/memory/kernels.generated.ts',
    name: 'KERNELS_BASE64',
    features: ['simd', 'bulk-memory'],
  },
  { source: 'kernels/floor.ts', target: 'src/bench/floor.generated.ts', name: 'FLOOR_BASE64', features: [] },
];

const root = fileURLToPath(new URL('..', import.meta.url));
const flags = ['--runtime', 'stub', '--noAssert', '--importMemory', '--noExportMemory', '-O3', '--converge'];

async function compile(source, features) {
  const files = new Map();
  const enabled = features.flatMap((feature) => ['--enable', feature]);
  const { error, stderr } = await asc.main(
    [source, '--outFile', 'kernels.wasm', ...enabled, '--baseDir', root, ...flags],
    { writeFile: (name, contents) => void files.set(name, contents) },
  );
  if (error === null) return Buffer.from(files.get('kernels.wasm')).toString('base64');
  console.error(stderr.toString());
  process.exit(1);
}

for (const { source, target, name, features } of MODULES) {
  if (!existsSync(new URL(`../${source}`, import.meta.url))) continue;
  const text = await compile(source, features);
  const body = `/** Generated from kernels/ by scripts/build-kernels.mjs. */\nexport const ${name}: string =\n  '${text}';\n`;
  writeFileSync(new URL(`../${target}`, import.meta.url), body);
}
