/**
 * The panel for latency: published tables and this engine's own times, never mixed.
 * @module
 */
import { effect } from '@preact/signals';
import type { JSX } from 'preact';
import { files, hash, setHash } from '../state/app.ts';
import { evidenceBeside } from '../state/evidence.ts';
import { createQuestion, QuestionView } from '../view/question.tsx';
import { ModelView, showModels } from './latency/model.tsx';
import type { Panel } from './panel.ts';

const question = createQuestion();

const CHOICES = [
  { id: 'map-sg-series-2021', title: 'The series of 2021, as posted' },
  { id: 'kunpeng-map-pages-2021', title: 'Kunpeng, 2021' },
  { id: 'engine', title: 'Measure this engine here' },
] as const;

/** What was asked last: coming back to the panel does not measure again. */
let asked: unknown;

function ask(show: string): void {
  if (asked === show) return;
  asked = show;
  showModels(show === 'engine' ? undefined : show);
  if (show === 'engine') void question.ask({ ask: 'bench', format: 'arm-64-lpae-s1', granule: 4096, what: 'all' });
  else void question.ask({ ask: 'published', table: show });
}

/** Files that are explained here, the last one first: its key is `file`, those of the others carry a number. */
function explained(): readonly { readonly id: string; readonly file: File }[] {
  const dropped = files.value.filter(({ role }) => role === 'latency' || role === 'functions').toReversed();
  return dropped.map(({ file }, i) => ({ id: i === 0 ? 'file' : `file-${i + 1}`, file }));
}

/** Shows nothing: the file is not there any more. */
function forget(): void {
  if (asked === undefined) return;
  asked = undefined;
  showModels(undefined);
  question.clear();
}

/** Measuring begins when it is asked for, never because a panel of another name is opened. */
effect(() => {
  if (hash.value.get('panel') !== 'latency') return;
  const show = hash.value.get('show');
  const dropped = explained().find(({ id }) => id === show)?.file;
  if (dropped !== undefined && asked !== dropped) {
    asked = dropped;
    showModels(dropped);
    void question.ask({ ask: 'explain', file: dropped, beside: evidenceBeside(files.peek(), dropped) });
  } else if (show !== undefined && !/^file(-\d+)?$/.test(show)) ask(show);
  else if (dropped === undefined) forget();
});

function View(): JSX.Element {
  const show = hash.value.get('show');
  const choices = [...CHOICES, ...explained().map(({ id, file }) => ({ id, title: file.name }))];
  return (
    <>
      <fieldset class="bar" aria-label="which times">
        {choices.map(({ id, title }) => (
          <button type="button" data-move="" aria-pressed={show === id} onClick={() => setHash({ show: id })}>
            {title}
          </button>
        ))}
      </fieldset>
      <QuestionView
        question={question}
        lead={show === undefined || show === 'engine' ? null : <ModelView />}
        empty="Published times are of the machines that they were measured on. Times of this engine are of this browser on this machine: their ratios say what a path saves, not how long Linux takes. A latency table (CSV) or a histogram can be dropped too."
      />
    </>
  );
}

/** Latency. */
export const LATENCY_PANEL: Panel = {
  id: 'latency',
  title: 'Latency',
  needs: 'nothing, or a latency table',
  commands: CHOICES.map(({ id, title }) => ({ title, run: () => setHash({ show: id }) })),
  View,
};
