/**
 * A trace file in pieces, the same on whichever thread it is read.
 * @module
 */
import { readStart } from '../answers/explain/start.ts';
import { type ReadProgress, readChunks } from './io.ts';

const SNIFF_BYTES = 1 << 16;

/**
 * The bytes of a trace, unpacked; the first piece is long enough to tell its format by.
 * @param progress - hears the bytes read, packed, and their total
 * @throws InputError `UNREADABLE`, while it is read.
 */
export async function* tracePieces(path: string, progress?: ReadProgress): AsyncGenerator<Uint8Array> {
  const chunks = readChunks(path, progress);
  yield await readStart(chunks, SNIFF_BYTES);
  yield* chunks;
}
