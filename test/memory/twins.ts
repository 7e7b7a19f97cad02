// Compiled kernels beside their plain twins, each over a memory of its own.
import { expect } from 'vitest';
import { KEPT, type Kernels } from '../../src/memory/kernel-contract.ts';
import { kernelsFor } from '../../src/memory/kernels.ts';

/** Compiled kernels and their plain twins, each over its own memory. */
export interface Pair {
  readonly compiled: WebAssembly.Memory;
  readonly plain: WebAssembly.Memory;
}

export const PAIR: Pair = {
  compiled: new WebAssembly.Memory({ initial: 2 }),
  plain: new WebAssembly.Memory({ initial: 2 }),
};
export const COMPILED: Kernels = kernelsFor(PAIR.compiled, false);
export const PLAIN: Kernels = kernelsFor(PAIR.plain, true);

export function words(memory: WebAssembly.Memory): Uint32Array {
  return new Uint32Array(memory.buffer);
}

export function doubles(memory: WebAssembly.Memory): Float64Array {
  return new Float64Array(memory.buffer);
}

/** Whether compiled kernels may keep constants at a byte offset. */
function isKept(at: number): boolean {
  return at >= KEPT.offset && at < KEPT.offset + KEPT.bytes;
}

/** Both sides begin with these words of a table and this list, run a kernel, and must give and leave the same. */
export function expectTwins<T>(prepare: (memory: WebAssembly.Memory) => void, run: (kernels: Kernels) => T): T {
  for (const memory of [PAIR.compiled, PAIR.plain]) {
    words(memory).fill(0);
    prepare(memory);
  }
  const answers = [run(COMPILED), run(PLAIN)] as const;
  expect(answers[0]).toEqual(answers[1]);
  const plain = words(PAIR.plain);
  expect(words(PAIR.compiled).findIndex((word, i) => word !== plain[i] && !isKept(4 * i))).toBe(-1);
  return answers[0];
}
