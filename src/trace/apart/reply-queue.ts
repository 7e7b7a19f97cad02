/**
 * Replies of another thread in their order, for one who waits for them.
 * @module
 */

/** Replies that nobody took yet, or the one who waits. */
export class ReplyQueue<Reply extends { readonly reply: string }> {
  readonly #replies: Reply[] = [];
  #broken: Error | undefined;
  #wake: (() => void) | undefined;

  /** A reply came. */
  put(reply: Reply): void {
    this.#replies.push(reply);
    this.#wake?.();
  }

  /** No further reply will come. */
  break(error: Error): void {
    this.#broken ??= error;
    this.#wake?.();
  }

  /** The next reply. @throws Error where none will come. */
  async next(): Promise<Reply> {
    for (;;) {
      const reply = this.#replies.shift();
      if (reply !== undefined) return reply;
      if (this.#broken !== undefined) throw this.#broken;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Milliseconds in which a thread must have started; else one thread does the work. */
const START_MS = 10_000;

/** Whether a thread says in time that it is ready. */
export async function isReady<Reply extends { readonly reply: string }>(replies: ReplyQueue<Reply>): Promise<boolean> {
  const timer = setTimeout(() => replies.break(new Error('the thread did not start')), START_MS);
  try {
    return (await replies.next()).reply === 'ready';
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
