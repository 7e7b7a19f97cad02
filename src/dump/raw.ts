/**
 * Raw images: the bytes of memory from one physical address on.
 * @module
 */
import { hex } from '../address.ts';
import { InputError } from '../errors.ts';
import type { OpenedMemory } from './memory.ts';
import { segmentMemory } from './memory.ts';
import { NoteCounter } from './notes.ts';
import { fileSegment } from './pages.ts';
import type { ByteSource } from './types.ts';

/**
 * Opens a raw image whose first byte is at physical address `base`.
 * @throws InputError `MALFORMED` where it is empty or leaves the addresses that are exact.
 */
export function openRaw(source: ByteSource, name: string, base: number): OpenedMemory {
  if (source.size === 0 || !Number.isSafeInteger(base + source.size)) {
    throw new InputError(
      'MALFORMED',
      name,
      `raw image: expected bytes below the end of physical memory, got ${source.size} bytes at ${hex(base)}`,
      {
        base: hex(base),
        size: source.size,
      },
    );
  }
  return segmentMemory('raw', [fileSegment(source, base, source.size, 0)], new NoteCounter());
}
