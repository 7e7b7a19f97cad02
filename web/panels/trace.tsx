/**
 * The panel for traces: what a system mapped, what stayed mapped, and what other paths would have done; for any range of time.
 * @module
 */
import type { JSX } from 'preact';
import { setHash } from '../state/app.ts';
import { QuestionView } from '../view/question.tsx';
import type { Panel } from './panel.ts';
import { RangeBar, RangeCalls, WhatIf } from './trace/range.tsx';
import {
  addressesLink,
  chooseRange,
  QUESTIONS,
  question,
  range,
  showAllAddresses,
  traces,
  view,
  wanted,
  zoomTo,
} from './trace/session.ts';
import { Timeline } from './trace/timeline.tsx';

const EMPTY =
  'Drop a trace of iommu and dma events: ftrace text, trace-cmd report, perf script or trace.dat, plain or gzip. Several files are one trace, in the order of dropping. The answer says what was mapped, what was never unmapped, and what each path would have done.';

/** Sections that the timeline shows. */
const IN_TIMELINE = ['live', 'addresses'];

function ask(id: string): void {
  setHash({ trace: id === 'mapped' ? '' : id });
}

function Questions(): JSX.Element {
  return (
    <fieldset class="bar" aria-label="question">
      {QUESTIONS.map(({ id, title }) => (
        <button type="button" aria-pressed={wanted.value === id} onClick={() => ask(id)}>
          {title}
        </button>
      ))}
    </fieldset>
  );
}

function Lead(): JSX.Element | null {
  const seen = view.value;
  if (seen === undefined || wanted.value === 'compare') return null;
  return (
    <>
      <Timeline view={seen} range={range.value} onRange={chooseRange} hrefOf={addressesLink} />
      {question.state.value.kind === 'answered' ? (
        <>
          <RangeBar view={seen} />
          <RangeCalls />
          <WhatIf />
        </>
      ) : null}
    </>
  );
}

function View(): JSX.Element {
  const state = question.state.value;
  const few = wanted.value === 'compare' && traces.value.length < 2;
  return (
    <>
      {traces.value.length === 0 ? null : <Questions />}
      <QuestionView
        question={question}
        empty={
          few && traces.value.length === 1
            ? 'Drop the other trace: the last two that were dropped are compared.'
            : EMPTY
        }
        lead={<Lead />}
        without={IN_TIMELINE}
      />
      {state.kind === 'refused' && state.code === 'DIFFERENT_BOOTS' ? (
        <button type="button" onClick={() => ask('compare')}>
          Compare the last two instead
        </button>
      ) : null}
    </>
  );
}

/** Traces. */
export const TRACE_PANEL: Panel = {
  id: 'trace',
  title: 'Trace',
  needs: 'a trace of iommu and dma events',
  commands: [
    ...QUESTIONS.map(({ id, title }) => ({ title: `Trace: ${title.toLowerCase()}`, run: () => ask(id) })),
    {
      title: 'Zoom to the range',
      key: 'i',
      run: () => {
        if (range.peek() !== undefined) zoomTo(range.peek());
      },
    },
    {
      title: 'Show all of the trace',
      key: 'o',
      run: () => {
        zoomTo(undefined);
        showAllAddresses();
      },
    },
    { title: 'Clear the range', key: 'x', run: () => chooseRange(undefined) },
    { title: 'Stop reading the trace', run: question.cancel },
  ],
  View,
};
