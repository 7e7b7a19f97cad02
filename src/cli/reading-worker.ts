/**
 * The thread that reads a trace: see `src/trace/apart`.
 * @module
 */
import { parentPort } from 'node:worker_threads';
import type { ReadingOrder } from '../trace/apart/messages.ts';
import { type Opening, ReadingSide } from '../trace/apart/reading-side.ts';
import { fileSource } from './file-source.ts';
import { tracePieces } from './trace-pieces.ts';

const files: Opening = {
  source: fileSource,
  pieces: (place, progress) => {
    if ('path' in place) return tracePieces(place.path, { update: (done, total) => progress({ done, total }) });
    throw new TypeError('expected the path of a file, got a file of a page');
  },
};

const port = parentPort;
if (port !== null) {
  const side = new ReadingSide((reply, memory) => port.postMessage(reply, memory), files);
  port.on('message', (order: ReadingOrder) => void side.take(order));
}
