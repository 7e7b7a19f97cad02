/**
 * A second worker that reads traces for the first, where the browser has a processor for it. The page starts and ends it: both
 * run the same script, and a port joins them.
 * @module
 */
import { InputError } from '../../src/errors.ts';
import type { ReadingOrder, ReadingPort, ReadingReply } from '../../src/trace/apart/messages.ts';
import { ReadingSide } from '../../src/trace/apart/reading-side.ts';
import { isReady, ReplyQueue } from '../../src/trace/apart/reply-queue.ts';
import type { Reply, ToWorker } from './protocol.ts';

/** Who waits for a second worker, or works with it. */
let joining: { readonly replies: ReplyQueue; readonly join: (port: MessagePort) => void } | undefined;

/** Reads in this worker for the one behind a port. */
export function readFor(port: MessagePort): void {
  const side = new ReadingSide(
    (reply, memory) => port.postMessage(reply, memory),
    (path) => {
      throw new InputError('UNREADABLE', path, 'a page opens no files by their paths');
    },
  );
  port.onmessage = ({ data }: MessageEvent<ReadingOrder>): void => void side.take(data);
}

/** Takes the port of the second worker, or that there is none. */
export function joinReading(
  news: Exclude<ToWorker, { readonly question: unknown } | { readonly readFor: unknown }>,
): void {
  if ('reading' in news) joining?.join(news.reading);
  else joining?.replies.break(new Error(news.noReading));
}

/** Starts the second worker; undefined where there is one processor only, or where it does not start. */
export async function openReading(): Promise<ReadingPort | undefined> {
  if (!(navigator.hardwareConcurrency > 1) || joining !== undefined) return undefined;
  const replies = new ReplyQueue();
  let port: MessagePort | undefined;
  const join = (given: MessagePort): void => {
    port = given;
    given.onmessage = ({ data }: MessageEvent<ReadingReply>) => replies.put(data);
    given.onmessageerror = () => replies.break(new Error('a reply of the worker that reads cannot be understood'));
  };
  const close = (): void => {
    joining = undefined;
    port?.close();
    self.postMessage({ kind: 'reading-over' } satisfies Reply);
  };
  joining = { replies, join };
  self.postMessage({ kind: 'reading' } satisfies Reply);
  if (await isReady(replies)) {
    return { post: (order, memory) => port?.postMessage(order, memory), next: () => replies.next(), close };
  }
  close();
  return undefined;
}
