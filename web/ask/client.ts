/**
 * The worker as the page sees it: one question at a time, with progress, and follow-ups about what it read; cancelling ends the
 * worker and starts another.
 * @module
 */
import type { Answer } from '../../src/report/answer.ts';
import type {
  AnyQuestion,
  AnyResult,
  Helper,
  Lookup,
  Question,
  Reply,
  Result,
  ToWorker,
  TraceView,
} from './protocol.ts';
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
  /** What is there of a trace by now. */
  readonly view?: TraceView;
}

/** Receives progress. */
export type OnProgress = (progress: Progress) => void;

interface Pending {
  readonly resolve: (result: AnyResult) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: OnProgress;
}

/** Asks questions of a worker. */
export class AnswerClient {
  #worker: Worker | undefined;
  readonly #helpers = new Map<Helper, Worker>();
  readonly #pending = new Map<number, Pending>();
  #next = 1;

  /**
   * The answer to a question. Everything that is still running is cancelled.
   * @throws Refusal with the code of the named error; code `CANCELLED` where another question came.
   */
  ask(question: Question, onProgress: OnProgress = () => undefined): Promise<Answer> {
    this.cancel();
    return this.#post(question, onProgress);
  }

  /**
   * The answer to a question that cancels nothing: it waits for those before it.
   * @throws Refusal as {@link AnswerClient.ask} does.
   */
  follow<Asked extends Lookup>(question: Asked, onProgress: OnProgress = () => undefined): Promise<Result<Asked>> {
    return this.#post(question, onProgress);
  }

  /** Ends what is running, and forgets what the worker has read. */
  cancel(): void {
    if (this.#pending.size === 0) return;
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const helper of this.#helpers.keys()) this.#endHelper(helper);
    this.#fail(new Refusal('CANCELLED', 'cancelled'));
  }

  #post<Asked extends AnyQuestion>(question: Asked, onProgress: OnProgress): Promise<Result<Asked>> {
    const worker = this.#start();
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      // the worker answers each question with its own kind of result
      this.#pending.set(id, { resolve: (result) => resolve(result as Result<Asked>), reject, onProgress });
      worker.postMessage({ id, question } satisfies ToWorker);
    });
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new AnswerWorker();
    worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#take(data);
    worker.onerror = ({ message }) => this.#fail(new Refusal('WORKER', message));
    this.#worker = worker;
    return worker;
  }

  /** A further worker for the first, with a port between them. */
  #startHelper(helper: Helper): void {
    const worker = this.#worker;
    if (worker === undefined) return;
    const { port1, port2 } = new MessageChannel();
    const further = new AnswerWorker();
    further.onerror = ({ message }) => worker.postMessage({ helper, missing: message } satisfies ToWorker);
    further.postMessage({ helpAs: helper, port: port1 } satisfies ToWorker, [port1]);
    worker.postMessage({ helper, port: port2 } satisfies ToWorker, [port2]);
    this.#helpers.set(helper, further);
  }

  #endHelper(helper: Helper): void {
    this.#helpers.get(helper)?.terminate();
    this.#helpers.delete(helper);
  }

  #take(reply: Reply): void {
    if (reply.kind === 'helper') this.#startHelper(reply.helper);
    else if (reply.kind === 'helper-over') this.#endHelper(reply.helper);
    else this.#answer(reply);
  }

  #answer(reply: Extract<Reply, { id: number }>): void {
    const pending = this.#pending.get(reply.id);
    if (pending === undefined) return;
    if (reply.kind === 'progress') {
      pending.onProgress(reply);
      return;
    }
    this.#pending.delete(reply.id);
    if (reply.kind === 'result') pending.resolve(reply.result);
    else pending.reject(new Refusal(reply.code, reply.message));
  }

  #fail(error: Refusal): void {
    const failed = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of failed) reject(error);
  }
}
