/**
 * The first bytes of a stream, to tell its format by, and the stream that still begins with them.
 * @module
 */

/** Reads at least so many bytes, or all there are. */
export async function readStart(chunks: AsyncIterator<Uint8Array>, wanted: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  while (length < wanted) {
    const next = await chunks.next();
    if (next.done === true) break;
    parts.push(next.value);
    length += next.value.length;
  }
  const start = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    start.set(part, at);
    at += part.length;
  }
  return start;
}

/** The whole stream again, after its start has been read. */
export async function* startingWith(start: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield start;
  yield* rest;
}
