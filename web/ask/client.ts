/**
 * The worker as the page sees it: one question at a time, with progress; cancelling ends the worker and starts another.
 * @module
 */
import type { Answer } from '../../src/report/answer.ts';
import type { Question, Reply, Request } from './protocol.ts';
import AnswerWorker from './worker.ts?worker&inline';

/** A refusal by the worker: a code that stays the same, and words. */
export class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** How far a question is. */
export interface Progress {
  readonly text: string;
  /** 0 to 1, where the total is known. */
  readonly share?: number;
}

interface Pending {
  readonly id: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: (progress: Progress) => void;
}

/** Asks questions of a worker. */
export class AnswerClient {
  #worker: Worker | undefined;
  #pending: Pending | undefined;
  #next = 1;

  /**
   * The answer to a question. A question that is still running is cancelled.
   * @throws Refusal with the code of the named error; code `CANCELLED` where another question came.
   */
  ask(question: Question, onProgress: (progress: Progress) => void = () => undefined): Promise<Answer> {
    this.cancel();
    const worker = this.#start();
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending = { id, resolve, reject, onProgress };
      worker.postMessage({ id, question } satisfies Request);
    });
  }

  /** Ends the running question. */
  cancel(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    this.#worker?.terminate();
    this.#worker = undefined;
    pending.reject(new Refusal('CANCELLED', 'cancelled'));
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new AnswerWorker();
    worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#take(data);
    worker.onerror = ({ message }) => this.#fail(new Refusal('WORKER', message));
    this.#worker = worker;
    return worker;
  }

  #take(reply: Reply): void {
    const pending = this.#pending;
    if (pending === undefined || reply.id !== pending.id) return;
    if (reply.kind === 'progress') {
      pending.onProgress(reply);
      return;
    }
    this.#pending = undefined;
    if (reply.kind === 'answer') pending.resolve(reply.answer);
    else pending.reject(new Refusal(reply.code, reply.message));
  }

  #fail(error: Refusal): void {
    this.#pending?.reject(error);
    this.#pending = undefined;
  }
}
