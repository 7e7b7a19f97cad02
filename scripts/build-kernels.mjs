// Compiles kernels/index.ts (AssemblyScript) into a module that carries the WebAssembly bytes as text, so that Node and
// browsers load it alike. The module is generated, not committed.
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = new URL('../src/memory/kernels.generated.ts', import.meta.url);
if (!existsSync(new URL('../kernels/index.ts', import.meta.url))) process.exit(0);

const flags = ['--runtime', 'stub', '--noAssert', '--importMemory', '--noExportMemory', '-O3', '--converge'];
const files = new Map();
const { error, stderr } = await asc.main(
  ['kernels/index.ts', '--outFile', 'kernels.wasm', '--enable', 'simd', '--baseDir', root, ...flags],
  { writeFile: (name, contents) => void files.set(name, contents) },
);
if (error !== null) {
  console.error(stderr.toString());
  process.exit(1);
}
const wasm = files.get('kernels.wasm');
const text = Buffer.from(wasm).toString('base64');
writeFileSync(
  target,
  `/** Generated from kernels/ by scripts/build-kernels.mjs. */\nexport const KERNELS_BASE64: string =\n  '${text}';\n`,
);
