/**
 * Inner loops over table entries: compiled ones where WebAssembly SIMD is at hand, plain twins elsewhere. Chosen once, when
 * a memory is made.
 * @module
 */
import type { Kernels } from './kernel-contract.ts';
import { KERNELS_BASE64 } from './kernels.generated.ts';
import { PlainKernels } from './plain-kernels.ts';

let compiled: WebAssembly.Module | null | undefined;

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function compile(): WebAssembly.Module | null {
  try {
    return new WebAssembly.Module(bytesOf(KERNELS_BASE64));
  } catch {
    return null;
  }
}

/** Kernels over a memory: compiled ones, or plain ones where the engine has no SIMD or is told so. */
export function kernelsFor(memory: WebAssembly.Memory, plain: boolean): Kernels {
  if (compiled === undefined) compiled = compile();
  if (plain || compiled === null) return new PlainKernels(memory);
  const instance = new WebAssembly.Instance(compiled, { env: { memory } });
  return instance.exports as unknown as Kernels;
}
