/**
 * Further workers that help the first, where the browser has processors for them: one reads traces, one replays their calls in rows.
 * The page starts and ends them: all run the same script, and ports join them.
 * @module
 */
import { rowDriver } from '../../src/answers/replay/hardware.ts';
import { InputError } from '../../src/errors.ts';
import type { RowsOrder } from '../../src/replay/apart/messages.ts';
import { RowsSide } from '../../src/replay/apart/rows-side.ts';
import type { Port, ReadingOrder } from '../../src/trace/apart/messages.ts';
import { type Opening, ReadingSide } from '../../src/trace/apart/reading-side.ts';
import { isReady, ReplyQueue } from '../../src/trace/apart/reply-queue.ts';
import { chunksOf } from './chunks.ts';
import type { Helper, HelperNews, Reply } from './protocol.ts';

interface AnyReply {
  readonly reply: string;
}

/** Who waits for a helper, or works with it. */
interface Joining {
  readonly join: (port: MessagePort) => void;
  readonly fail: (error: Error) => void;
}

const joining = new Map<Helper, Joining>();

function byPath(path: string): never {
  throw new InputError('UNREADABLE', path, 'a page opens no files by their paths');
}

const files: Opening = {
  source: byPath,
  pieces: (place, progress) => {
    if ('path' in place) return byPath(place.path);
    const total = place.file.size;
    return chunksOf(place.file, '', (_, share = 0) => progress({ done: share * total, total }));
  },
};

function read(port: MessagePort): void {
  const side = new ReadingSide((reply, memory) => port.postMessage(reply, memory), files);
  port.onmessage = ({ data }: MessageEvent<ReadingOrder>): void => void side.take(data);
}

function replayRows(port: MessagePort): void {
  const own = { driver: rowDriver, clock: (): number => performance.now() };
  const side = new RowsSide((reply, memory) => port.postMessage(reply, memory), own);
  port.onmessage = ({ data }: MessageEvent<RowsOrder>): void => side.take(data);
}

/** Helps in this worker the one behind a port. */
export function helpAs(helper: Helper, port: MessagePort): void {
  if (helper === 'reading') read(port);
  else replayRows(port);
}

/** Takes the port of a helper, or that there is none. */
export function joinHelper(news: HelperNews): void {
  const waiting = joining.get(news.helper);
  if ('port' in news) waiting?.join(news.port);
  else waiting?.fail(new Error(news.missing));
}

/** Starts a helper; undefined where there is one processor only, or where it does not start. */
export async function openHelper<Order, Answered extends AnyReply>(
  helper: Helper,
): Promise<Port<Order, Answered> | undefined> {
  if (!(navigator.hardwareConcurrency > 1) || joining.has(helper)) return undefined;
  const replies = new ReplyQueue<Answered>();
  let port: MessagePort | undefined;
  const join = (given: MessagePort): void => {
    port = given;
    given.onmessage = ({ data }: MessageEvent<Answered>) => replies.put(data);
    given.onmessageerror = () => replies.break(new Error('a reply of a further worker cannot be understood'));
  };
  const close = (): void => {
    joining.delete(helper);
    port?.close();
    self.postMessage({ kind: 'helper-over', helper } satisfies Reply);
  };
  joining.set(helper, { join, fail: (error) => replies.break(error) });
  self.postMessage({ kind: 'helper', helper } satisfies Reply);
  if (await isReady(replies)) {
    return { post: (order, memory) => port?.postMessage(order, memory), next: () => replies.next(), close };
  }
  close();
  return undefined;
}
