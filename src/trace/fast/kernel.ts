/**
 * The kernel of common lines over a memory of its own: compiled where WebAssembly SIMD is at hand, the plain twin elsewhere.
 * @module
 */
import { moduleOnce } from '../../wasm.ts';
import { LINES_BASE64 } from './kernel.generated.ts';
import { type LineKernel, PAGE_BYTES, PAGES } from './layout.ts';
import { PlainLines } from './plain-lines.ts';

const compiledLines = moduleOnce(LINES_BASE64);

/** A kernel and the memory that it reads and writes. */
export interface KernelWithMemory {
  readonly kernel: LineKernel;
  readonly memory: ArrayBuffer;
}

/** `plain`: the twin in any case. */
export function lineKernel(plain: boolean): KernelWithMemory {
  const compiled = plain ? undefined : compiledLines();
  if (compiled !== undefined) {
    const memory = memoryOf(PAGES);
    if (memory !== undefined) {
      const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
      return { kernel: exports as unknown as LineKernel, memory: memory.buffer };
    }
  }
  const memory = new ArrayBuffer(PAGES * PAGE_BYTES);
  return { kernel: new PlainLines(memory), memory };
}

/** Undefined where the engine has no room for another one. */
function memoryOf(pages: number): WebAssembly.Memory | undefined {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch {
    return undefined;
  }
}
