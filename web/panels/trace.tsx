/**
 * The panel for traces: what a system mapped, what stayed mapped, and what other paths would have done.
 * @module
 */
import { effect } from '@preact/signals';
import type { JSX } from 'preact';
import { files } from '../state/app.ts';
import { evidenceOf } from '../state/evidence.ts';
import { createQuestion, QuestionView } from '../view/question.tsx';
import type { Panel } from './panel.ts';

const question = createQuestion();

effect(() => {
  const evidence = evidenceOf(files.value);
  if (evidence.traces === undefined) question.clear();
  else void question.ask({ ask: 'replay', evidence });
});

function View(): JSX.Element {
  return (
    <QuestionView
      question={question}
      empty="Drop a trace of iommu and dma events: ftrace text, trace-cmd report, perf script or trace.dat, plain or gzip. Several files are one trace, in the order of dropping. The answer says what was mapped, what was never unmapped, and what each path would have done."
    />
  );
}

/** Traces. */
export const TRACE_PANEL: Panel = {
  id: 'trace',
  title: 'Trace',
  needs: 'a trace of iommu and dma events',
  commands: [{ title: 'Stop reading the trace', run: question.cancel }],
  View,
};
