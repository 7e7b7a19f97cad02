/**
 * A question on the page: asked of the worker, with progress and a way to cancel, then its answer or why there is none.
 * @module
 */
import { type Signal, signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import type { Answer } from '../../src/report/answer.ts';
import { AnswerClient, type Progress, Refusal } from '../ask/client.ts';
import type { FollowUp, Lookup, Question, Result, TraceView } from '../ask/protocol.ts';
import { AnswerView } from './answer.tsx';
import { FileList } from './file-list.tsx';

/** A question's state. */
export type QuestionState =
  | { readonly kind: 'empty' }
  | { readonly kind: 'running'; readonly progress: Progress }
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

/** A question that can be asked again. */
export interface AskedQuestion {
  readonly state: Signal<QuestionState>;
  /** `onView` receives what is there of a trace while it is read. */
  readonly ask: (question: Question, onView?: (view: TraceView) => void) => Promise<void>;
  /** Puts another answer about the trace that was read in the place of this one. */
  readonly again: (question: FollowUp) => Promise<void>;
  /** An answer about the trace that was read, beside this one. */
  readonly follow: <Asked extends Lookup>(question: Asked) => Promise<Result<Asked>>;
  readonly isAnswered: () => boolean;
  readonly cancel: () => void;
  /** Back to the state before the first question. */
  readonly clear: () => void;
}

/** A question with a worker of its own. */
export function createQuestion(): AskedQuestion {
  const client = new AnswerClient();
  const state = signal<QuestionState>({ kind: 'empty' });
  let round = 0;
  const settle = async (asked: (show: (next: QuestionState) => void) => Promise<Answer>): Promise<void> => {
    const mine = ++round;
    const show = (next: QuestionState): void => {
      if (mine === round) state.value = next;
    };
    show({ kind: 'running', progress: { text: 'starting' } });
    try {
      show({ kind: 'answered', answer: await asked(show) });
    } catch (error) {
      const code = error instanceof Refusal ? error.code : 'DEFECT';
      show({ kind: 'refused', code, message: error instanceof Error ? error.message : String(error) });
    }
  };
  const ask: AskedQuestion['ask'] = (question, onView) =>
    settle((show) =>
      client.ask(question, (progress) => {
        show({ kind: 'running', progress });
        if (progress.view !== undefined) onView?.(progress.view);
      }),
    );
  const again = (question: FollowUp): Promise<void> => settle(() => client.follow(question));
  const clear = (): void => {
    round++;
    client.cancel();
    state.value = { kind: 'empty' };
  };
  return {
    state,
    ask,
    again,
    follow: (question) => client.follow(question),
    isAnswered: () => state.peek().kind === 'answered',
    cancel: () => client.cancel(),
    clear,
  };
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

/** A question's state, whatever it is: what it says comes first, the files that were dropped behind it. */
export function QuestionView({
  question,
  empty,
  lead,
  without,
  children,
}: {
  readonly question: AskedQuestion;
  readonly empty: string;
  /** Shown behind the verdict, and while the question is running. */
  readonly lead?: ComponentChildren;
  /** Ids of sections that the page shows otherwise. */
  readonly without?: readonly string[];
  /** Shown within an answer, behind its first section. */
  readonly children?: ComponentChildren;
}): JSX.Element {
  const state = question.state.value;
  switch (state.kind) {
    case 'empty':
      return (
        <>
          <p class="empty">{empty}</p>
          <FileList />
        </>
      );
    case 'running':
      return (
        <>
          <Running progress={state.progress} cancel={question.cancel} />
          <FileList />
          {lead}
        </>
      );
    case 'answered':
      return (
        <AnswerView answer={state.answer} beside={<FileList />} lead={lead} without={without ?? []}>
          {children}
        </AnswerView>
      );
    default:
      return (
        <>
          <p class="refused" role="alert">
            {state.message}
          </p>
          <FileList />
        </>
      );
  }
}
