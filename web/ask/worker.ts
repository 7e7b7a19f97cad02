/**
 * The worker: questions in, answers out. Everything that reads an input runs here, never on the page's own thread.
 * @module
 */
import { InputError, IommuError } from '../../src/errors.ts';
import { explore, leavesOf } from './explore-session.ts';
import { helpAs, joinHelper } from './helpers.ts';
import { modelsOf } from './latency.ts';
import type { Reply, Request, ToWorker } from './protocol.ts';
import { answerTo, followUp } from './questions.ts';
import { viewOf } from './trace-session.ts';

function failure(id: number, error: unknown): Reply {
  const code = error instanceof InputError || error instanceof IommuError ? error.code : 'DEFECT';
  return { id, kind: 'failure', code, message: error instanceof Error ? error.message : String(error) };
}

async function resultOf({ id, question }: Request, say: (reply: Reply) => void): Promise<Reply> {
  switch (question.ask) {
    case 'view':
      return { id, kind: 'result', result: viewOf(question) };
    case 'explore':
      return { id, kind: 'result', result: await explore(question) };
    case 'leaves':
      return { id, kind: 'result', result: await leavesOf(question) };
    case 'models':
      return { id, kind: 'result', result: await modelsOf(question.table) };
    case 'again':
    case 'range':
    case 'range-rows':
      return { id, kind: 'result', result: followUp(question) };
    default:
      return {
        id,
        kind: 'result',
        result: await answerTo(question, (text, share, view) =>
          say({ id, kind: 'progress', text, ...(share === undefined ? {} : { share }), ...(view && { view }) }),
        ),
      };
  }
}

async function answer(request: Request): Promise<void> {
  const say = (reply: Reply): void => self.postMessage(reply);
  try {
    say(await resultOf(request, say));
  } catch (error) {
    say(failure(request.id, error));
  }
}

self.onmessage = ({ data }: MessageEvent<ToWorker>): void => {
  if ('helpAs' in data) helpAs(data.helpAs, data.port);
  else if ('question' in data) void answer(data);
  else joinHelper(data);
};
