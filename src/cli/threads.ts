/**
 * Threads that work for the first one, where there is a processor for them: one reads traces, one replays their calls in rows.
 * @module
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { RowsPort } from '../replay/apart/messages.ts';
import type { Port, ReadingPort } from '../trace/apart/messages.ts';
import { isReady, ReplyQueue } from '../trace/apart/reply-queue.ts';

const READING = new URL('./reading-worker.js', import.meta.url);
const ROWS = new URL('./rows-worker.js', import.meta.url);

function startWorker<Reply extends { readonly reply: string }>(script: URL, replies: ReplyQueue<Reply>): Worker {
  const worker = new Worker(script, { stdout: false, stderr: false });
  worker.on('message', (reply: Reply) => replies.put(reply));
  worker.on('messageerror', (error) => replies.break(error));
  worker.on('error', (error) => replies.break(error));
  worker.on('exit', (status) => replies.break(new Error(`a thread ended with status ${status}`)));
  return worker;
}

async function openThread<Order, Reply extends { readonly reply: string }>(
  script: URL,
): Promise<Port<Order, Reply> | undefined> {
  if (availableParallelism() < 2) return undefined;
  const replies = new ReplyQueue<Reply>();
  let worker: Worker;
  try {
    worker = startWorker(script, replies);
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

/** Threads that read, one for each file. */
export class ReadingThreads {
  #first: Promise<ReadingPort | undefined> | undefined;

  /** `atOnce`: the first starts now, beside what else is done before a file is read. */
  constructor(atOnce = false) {
    if (atOnce) this.#first = openThread(READING);
  }

  /** A thread that reads; undefined where there is one processor only, or where it does not start. */
  open(): Promise<ReadingPort | undefined> {
    const first = this.#first;
    this.#first = undefined;
    return first ?? openThread(READING);
  }

  /** Ends a thread that nobody opened. */
  async close(): Promise<void> {
    (await this.#first)?.close();
  }
}

/** Starts a thread that replays rows; undefined as {@link ReadingThreads.open}. */
export function openRowsThread(): Promise<RowsPort | undefined> {
  return openThread(ROWS);
}
