/**
 * A second thread that reads traces, where there is a processor for it.
 * @module
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { ReadingPort, ReadingReply } from '../trace/apart/messages.ts';
import { isReady, ReplyQueue } from '../trace/apart/reply-queue.ts';

const SCRIPT = new URL('./reading-worker.js', import.meta.url);

function startWorker(replies: ReplyQueue): Worker {
  const worker = new Worker(SCRIPT, { stdout: false, stderr: false });
  worker.on('message', (reply: ReadingReply) => replies.put(reply));
  worker.on('messageerror', (error) => replies.break(error));
  worker.on('error', (error) => replies.break(error));
  worker.on('exit', (status) => replies.break(new Error(`the thread that reads ended with status ${status}`)));
  return worker;
}

/** Starts the thread; undefined where there is one processor only, or where it does not start. */
export async function openReadingThread(): Promise<ReadingPort | undefined> {
  if (availableParallelism() < 2) return undefined;
  const replies = new ReplyQueue();
  let worker: Worker;
  try {
    worker = startWorker(replies);
  } catch {
    return undefined;
  }
  const close = (): void => void worker.terminate();
  if (await isReady(replies)) {
    return { post: (order, memory) => worker.postMessage(order, memory), next: () => replies.next(), close };
  }
  close();
  return undefined;
}
