/**
 * The panel for dumps: devices and domains, merged ranges, findings.
 * @module
 */
import { effect, signal } from '@preact/signals';
import type { JSX } from 'preact';
import { files } from '../state/app.ts';
import { evidenceOf } from '../state/evidence.ts';
import { createQuestion, QuestionView } from '../view/question.tsx';
import type { Panel } from './panel.ts';

const ask = signal<'decode' | 'check'>('decode');
const question = createQuestion();

effect(() => {
  const evidence = evidenceOf(files.value);
  if (evidence.dump !== undefined) void question.ask({ ask: ask.value, evidence });
});

function View(): JSX.Element {
  const choose = (name: 'decode' | 'check') => () => {
    ask.value = name;
  };
  return (
    <>
      <fieldset class="bar" aria-label="question">
        <button type="button" aria-pressed={ask.value === 'decode'} onClick={choose('decode')}>
          What is mapped
        </button>
        <button type="button" aria-pressed={ask.value === 'check'} onClick={choose('check')}>
          Is it legal and safe
        </button>
      </fieldset>
      <QuestionView
        question={question}
        empty="Drop a dump (snapshot, sparse pages, ELF core, kdump, debugfs text) with its registers."
      />
    </>
  );
}

/** Dumps. */
export const DUMP_PANEL: Panel = {
  id: 'dump',
  title: 'Dump',
  needs: 'a dump, and the registers of its IOMMU',
  commands: [],
  View,
};
