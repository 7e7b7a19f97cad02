/**
 * The worker: questions in, answers out. Everything that reads an input runs here, never on the page's own thread.
 * @module
 */
import { InputError, IommuError } from '../../src/errors.ts';
import type { Reply, Request } from './protocol.ts';
import { answerTo } from './questions.ts';

function failure(id: number, error: unknown): Reply {
  const code = error instanceof InputError || error instanceof IommuError ? error.code : 'DEFECT';
  return { id, kind: 'failure', code, message: error instanceof Error ? error.message : String(error) };
}

self.onmessage = async ({ data }: MessageEvent<Request>) => {
  const { id, question } = data;
  const say = (reply: Reply): void => self.postMessage(reply);
  try {
    const progress = (text: string, share?: number): void =>
      say({ id, kind: 'progress', text, ...(share === undefined ? {} : { share }) });
    say({ id, kind: 'answer', answer: await answerTo(question, progress) });
  } catch (error) {
    say(failure(id, error));
  }
};
