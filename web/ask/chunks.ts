/**
 * Files piece by piece, unpacked where gzip packed them.
 * @module
 */
import { readStart } from '../../src/answers/explain/start.ts';
import { cutShort, InputError } from '../../src/errors.ts';
import type { TraceView } from './protocol.ts';

/** Says how far the work is; `share` from 0 to 1; `view`: what is there of a trace by now. */
export type SayProgress = (text: string, share?: number, view?: TraceView) => void;

/** Whether a file is packed by gzip. @throws InputError `UNREADABLE` */
export async function isGzip(file: Blob): Promise<boolean> {
  const start = await file
    .slice(0, 2)
    .arrayBuffer()
    .catch((cause) => unreadable(file, cause));
  const [first, second] = new Uint8Array(start);
  return first === 0x1f && second === 0x8b;
}

/** The bytes of a file in pieces; progress is counted in bytes as they lie in the file. @throws InputError `UNREADABLE` */
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
      const { value, done: ended } = await reader.read().catch((cause) => unreadable(file, cause));
      if (ended) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** What browsers say of packed data that ends early. */
const CUT = /truncated|incomplete|premature|unexpected end/i;

/** @throws InputError `TRUNCATED` where packed data ends early; `UNREADABLE` where it is damaged, or the file is gone. */
function unreadable(file: Blob, cause: unknown): never {
  const [name, why] = [nameOf(file, 'file'), cause instanceof Error ? cause.message : String(cause)];
  throw CUT.test(why) ? cutShort(name) : new InputError('UNREADABLE', name, why);
}

/** The name of a file, or another one for bytes without a name. */
export function nameOf(file: Blob, otherwise: string): string {
  return file instanceof File ? file.name : otherwise;
}

/** The first bytes of a file, unpacked. @throws InputError `UNREADABLE` */
export async function headOf(file: Blob, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks = chunksOf(file, '', () => undefined);
  try {
    const start = await readStart(chunks, most);
    return start.subarray(0, most);
  } finally {
    await chunks.return(undefined);
  }
}

/** All bytes of a file, unpacked. @throws InputError `TOO_LARGE`, `UNREADABLE` */
export async function allOf(file: Blob, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await headOf(file, most + 1);
  if (bytes.length <= most) return bytes;
  throw new InputError('TOO_LARGE', nameOf(file, 'file'), `expected at most ${most} bytes unpacked, got more`);
}
