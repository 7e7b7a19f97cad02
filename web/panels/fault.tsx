/**
 * The panel that opens first: paste fault lines, and read what they mean.
 * @module
 */
import { computed, effect, signal, untracked } from '@preact/signals';
import type { JSX } from 'preact';
import { files, hash, setHash } from '../state/app.ts';
import { evidenceOf, faultEvidence } from '../state/evidence.ts';
import { incidentsOf } from '../state/fault-data.ts';
import { pasteAtOnce } from '../view/paste.ts';
import { createQuestion, QuestionView } from '../view/question.tsx';
import { EXAMPLES } from './fault/examples.ts';
import { IncidentView } from './fault/strip.tsx';
import type { Panel } from './panel.ts';

/** Characters of a log that go into the link; longer ones stay in the box. */
const MOST_IN_LINK = 6000;
/** Pause after the last key before the lines are read. */
const PAUSE_MS = 150;
const MOST_STRIPS = 3;

/** What stands in the box. */
const pasted = signal(hash.peek().get('log') ?? '');
const question = createQuestion();
let timer: ReturnType<typeof setTimeout> | undefined;

effect(() => {
  const linked = hash.value.get('log');
  if (linked !== undefined && linked !== pasted.peek()) pasted.value = linked;
});

effect(() => {
  const text = pasted.value;
  const evidence = faultEvidence(files.value);
  const log = text.trim() === '' ? evidence.log : new Blob([text]);
  clearTimeout(timer);
  if (log === undefined) question.clear();
  else timer = setTimeout(() => void question.ask({ ask: 'fault', evidence: { ...evidence, log } }), PAUSE_MS);
});

/** A log that is dropped takes the place of what stands in the box. */
const newestLog = computed(() => files.value.findLast(({ role }) => role === 'log'));
effect(() => {
  if (newestLog.value !== undefined) untracked(() => paste(''));
});

/** Whether several dumps came together, of which none is taken. */
const hasUnusedDump = computed(
  () => evidenceOf(files.value).dump !== undefined && faultEvidence(files.value).dump === undefined,
);

function paste(text: string): void {
  pasted.value = text;
  setHash({ log: text.length > MOST_IN_LINK ? '' : text });
}

function Strips(): JSX.Element | null {
  const state = question.state.value;
  if (state.kind !== 'answered') return null;
  return (
    <>
      {incidentsOf(state.answer.data, MOST_STRIPS).map((incident, i) => (
        <IncidentView key={`${incident.line} ${incident.words}`} incident={incident} isFirst={i === 0} />
      ))}
    </>
  );
}

function Box(): JSX.Element {
  return (
    <form class="side" onSubmit={(event) => event.preventDefault()}>
      <label class="field">
        <span>Fault lines</span>
        <textarea
          rows={12}
          spellcheck={false}
          data-search=""
          placeholder="Paste lines of dmesg or journalctl -k here"
          value={pasted.value}
          onPaste={pasteAtOnce}
          onInput={(event) => paste(event.currentTarget.value)}
        />
      </label>
      <p class="examples">
        Examples:{' '}
        {EXAMPLES.map(({ title, text }) => (
          <button type="button" class="quiet" onClick={() => paste(text)}>
            {title}
          </button>
        ))}
        {pasted.value === '' ? null : (
          <button type="button" class="quiet" onClick={() => paste('')}>
            clear
          </button>
        )}
      </p>
      {hasUnusedDump.value ? (
        <p class="note warning">
          Several dumps were dropped, and none is used: choose with "use" in the list of files the one that was taken
          when the device faulted.
        </p>
      ) : (
        <p class="note">
          A dump with its registers, dropped beside the lines, adds the walk of each address; a trace adds what was
          mapped there before.
        </p>
      )}
    </form>
  );
}

function View(): JSX.Element {
  return (
    <div class="split">
      <Box />
      <div class="answers">
        <QuestionView
          question={question}
          empty="The verdict comes first: which device did what, why it faulted, and what to do next. The lines of about fifty drivers are understood, of Arm, Intel, AMD, RISC-V and others."
        >
          <Strips />
        </QuestionView>
      </div>
    </div>
  );
}

/** Faults. */
export const FAULT_PANEL: Panel = {
  id: 'fault',
  title: 'Fault',
  needs: 'lines of a kernel log',
  commands: [{ title: 'Clear the fault lines', run: () => paste('') }],
  View,
};
