/**
 * Files piece by piece, unpacked where gzip packed them.
 * @module
 */
import type { TraceView } from './protocol.ts';

/** Says how far the work is; `share` from 0 to 1; `view`: what is there of a trace by now. */
export type SayProgress = (text: string, share?: number, view?: TraceView) => void;

/** Whether a file is packed by gzip. */
export async function isGzip(file: Blob): Promise<boolean> {
  const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  return first === 0x1f && second === 0x8b;
}

/** The bytes of a file in pieces; progress is counted in bytes as they lie in the file. */
export async function* chunksOf(
  file: Blob,
  text: string,
  progress: SayProgress,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let done = 0;
  const counter = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, out) {
      done += chunk.length;
      progress(text, done / file.size);
      out.enqueue(chunk);
    },
  });
  const counted = file.stream().pipeThrough(counter);
  const plain = (await isGzip(file)) ? counted.pipeThrough(new DecompressionStream('gzip')) : counted;
  const reader = plain.getReader();
  try {
    for (;;) {
      const { value, done: ended } = await reader.read();
      if (ended) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}

/** The first bytes of a file, unpacked. */
export async function headOf(file: Blob, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const head = new Uint8Array(most);
  let length = 0;
  for await (const chunk of chunksOf(file, '', () => undefined)) {
    const part = chunk.subarray(0, most - length);
    head.set(part, length);
    length += part.length;
    if (length === most) break;
  }
  return head.subarray(0, length);
}
