/**
 * A question on the page: asked of the worker, with progress and a way to cancel, then its answer or why there is none.
 * @module
 */
import { type Signal, signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import type { Answer } from '../../src/report/answer.ts';
import { AnswerClient, type Progress, Refusal } from '../ask/client.ts';
import type { Question } from '../ask/protocol.ts';
import { AnswerView } from './answer.tsx';

/** A question's state. */
export type QuestionState =
  | { readonly kind: 'empty' }
  | { readonly kind: 'running'; readonly progress: Progress }
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

/** A question that can be asked again. */
export interface AskedQuestion {
  readonly state: Signal<QuestionState>;
  readonly ask: (question: Question) => Promise<void>;
  readonly cancel: () => void;
  /** Back to the state before the first question. */
  readonly clear: () => void;
}

/** A question with a worker of its own. */
export function createQuestion(): AskedQuestion {
  const client = new AnswerClient();
  const state = signal<QuestionState>({ kind: 'empty' });
  let round = 0;
  const ask = async (question: Question): Promise<void> => {
    const mine = ++round;
    state.value = { kind: 'running', progress: { text: 'starting' } };
    const show = (next: QuestionState): void => {
      if (mine === round) state.value = next;
    };
    try {
      show({ kind: 'answered', answer: await client.ask(question, (progress) => show({ kind: 'running', progress })) });
    } catch (error) {
      const code = error instanceof Refusal ? error.code : 'DEFECT';
      show({ kind: 'refused', code, message: error instanceof Error ? error.message : String(error) });
    }
  };
  const clear = (): void => {
    round++;
    client.cancel();
    state.value = { kind: 'empty' };
  };
  return { state, ask, cancel: () => client.cancel(), clear };
}

function Running({ progress, cancel }: { readonly progress: Progress; readonly cancel: () => void }): JSX.Element {
  return (
    <div class="running" role="status">
      <progress {...(progress.share === undefined ? {} : { value: progress.share })} aria-label={progress.text} />
      <span>{progress.text}</span>
      <button type="button" onClick={cancel}>
        Cancel
      </button>
    </div>
  );
}

/** A question's state, whatever it is. */
export function QuestionView({
  question,
  empty,
  children,
}: {
  readonly question: AskedQuestion;
  readonly empty: string;
  /** Shown within an answer, behind its first section. */
  readonly children?: ComponentChildren;
}): JSX.Element {
  const state = question.state.value;
  switch (state.kind) {
    case 'empty':
      return <p class="empty">{empty}</p>;
    case 'running':
      return <Running progress={state.progress} cancel={question.cancel} />;
    case 'answered':
      return <AnswerView answer={state.answer}>{children}</AnswerView>;
    default:
      return (
        <p class="refused" role="alert">
          {state.message}
        </p>
      );
  }
}
