/**
 * The thread that reads a trace: see `src/trace/apart`.
 * @module
 */
import { parentPort } from 'node:worker_threads';
import type { ReadingOrder } from '../trace/apart/messages.ts';
import { ReadingSide } from '../trace/apart/reading-side.ts';
import { fileSource } from './file-source.ts';

const port = parentPort;
if (port !== null) {
  const side = new ReadingSide((reply, memory) => port.postMessage(reply, memory), fileSource);
  port.on('message', (order: ReadingOrder) => void side.take(order));
}
