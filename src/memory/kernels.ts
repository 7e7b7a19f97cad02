/**
 * Inner loops over table entries: compiled ones where WebAssembly SIMD is at hand, plain twins elsewhere. Chosen once, when
 * a memory is made.
 * @module
 */
import { moduleOnce } from '../wasm.ts';
import type { Kernels } from './kernel-contract.ts';
import { KERNELS_BASE64 } from './kernels.generated.ts';
import { PlainKernels } from './plain-kernels.ts';

const compiledKernels = moduleOnce(KERNELS_BASE64);

/** Kernels over a memory: compiled ones, or plain ones where the engine has no SIMD or is told so. */
export function kernelsFor(memory: WebAssembly.Memory, plain: boolean): Kernels {
  const compiled = plain ? undefined : compiledKernels();
  if (compiled === undefined) return new PlainKernels(memory);
  const instance = new WebAssembly.Instance(compiled, { env: { memory } });
  return instance.exports as unknown as Kernels;
}
