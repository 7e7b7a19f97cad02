// Compiles one AssemblyScript source of kernels/ to WebAssembly.
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FLAGS = ['--runtime', 'stub', '--noAssert', '--importMemory', '--noExportMemory'];

/** How the modules that are shipped are optimised. */
export const SHIPPED = ['-O3', '--converge'];

/**
 * The bytes of a module as base64, or the compiler's messages as `problem`.
 * @param given texts by name that stand for files of the source folder
 */
export async function compileKernels(source, features, optimize, given = new Map()) {
  const files = new Map();
  const enabled = features.flatMap((feature) => ['--enable', feature]);
  const options = [source, '--outFile', 'kernels.wasm', ...enabled, '--baseDir', ROOT, ...FLAGS, ...optimize];
  const { error, stderr } = await asc.main(options, {
    writeFile: (name, contents) => void files.set(name, contents),
    ...(given.size > 0 ? { readFile: (name) => given.get(name) ?? null } : {}),
  });
  if (error !== null) return { problem: stderr.toString() };
  return { base64: Buffer.from(files.get('kernels.wasm')).toString('base64') };
}

/** The TypeScript or JavaScript module that carries the bytes. */
export function moduleOf(name, base64, type = '') {
  return `/** Generated from kernels/ by scripts/build-kernels.mjs. */\nexport const ${name}${type} =\n  '${base64}';\n`;
}
