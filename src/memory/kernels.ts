/**
 * Inner loops over table entries: compiled ones where WebAssembly SIMD is at hand, plain twins elsewhere. Chosen once, when
 * a memory is made.
 * @module
 */
import { compiledModule } from '../wasm.ts';
import type { Kernels } from './kernel-contract.ts';
import { KERNELS_BASE64 } from './kernels.generated.ts';
import { PlainKernels } from './plain-kernels.ts';

let compiled: WebAssembly.Module | undefined | null = null;

/** Kernels over a memory: compiled ones, or plain ones where the engine has no SIMD or is told so. */
export function kernelsFor(memory: WebAssembly.Memory, plain: boolean): Kernels {
  if (compiled === null) compiled = compiledModule(KERNELS_BASE64);
  if (plain || compiled === undefined) return new PlainKernels(memory);
  const instance = new WebAssembly.Instance(compiled, { env: { memory } });
  return instance.exports as unknown as Kernels;
}
