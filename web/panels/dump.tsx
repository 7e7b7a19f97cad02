/**
 * The panel for dumps: devices and domains, merged ranges, findings, what changed between two; each address leads to its entries.
 * @module
 */
import { computed, effect, type ReadonlySignal } from '@preact/signals';
import type { JSX } from 'preact';
import { files, hash, hrefWith, setHash } from '../state/app.ts';
import { dumpsToCompare, evidenceOf } from '../state/evidence.ts';
import { CELL_LINKS, type CellLink, textUnder } from '../view/cell-link.ts';
import { createQuestion, QuestionView } from '../view/question.tsx';
import type { Panel } from './panel.ts';

const QUESTIONS = [
  { id: 'decode', title: 'What is mapped' },
  { id: 'check', title: 'Is it legal and safe' },
  { id: 'diff', title: 'What changed between two' },
] as const;

type Asked = (typeof QUESTIONS)[number]['id'];

const ask: ReadonlySignal<Asked> = computed(
  () => QUESTIONS.find(({ id }) => id === hash.value.get('dump'))?.id ?? 'decode',
);
const question = createQuestion();

effect(() => {
  const asked = ask.value;
  const evidence = evidenceOf(files.value);
  const two = dumpsToCompare(files.value);
  if (evidence.dump === undefined || (asked === 'diff' && two === undefined)) question.clear();
  else if (asked !== 'diff') void question.ask({ ask: asked, evidence });
  else if (two !== undefined) void question.ask({ ask: 'diff', a: two[0], b: two[1] });
});

function choose(id: Asked): void {
  setHash({ dump: id === 'decode' ? '' : id });
}

/** Input addresses lead to the explorer, in the domain of their row; those of a comparison to the later dump. */
const link: CellLink = (table, row, column) => {
  if ((table.columns[column]?.name ?? table.columns[column]?.title) !== 'iova') return undefined;
  const iova = textUnder(table, row, 'iova');
  const of = textUnder(table, row, 'domain');
  return iova === undefined || of === undefined ? undefined : hrefWith({ panel: 'explorer', of, at: iova });
};

function emptyWords(): string {
  return ask.value === 'diff' && evidenceOf(files.value).dump !== undefined
    ? 'Drop the other dump, and its registers: the last two that were dropped are compared, the first of them is "before".'
    : 'Drop a dump (snapshot, sparse pages, ELF core, kdump, debugfs text) with its registers.';
}

function View(): JSX.Element {
  return (
    <CELL_LINKS.Provider value={link}>
      <fieldset class="bar" aria-label="question">
        {QUESTIONS.map(({ id, title }) => (
          <button
            type="button"
            data-search={id === ask.value ? '' : undefined}
            aria-pressed={ask.value === id}
            onClick={() => choose(id)}
          >
            {title}
          </button>
        ))}
      </fieldset>
      <QuestionView question={question} empty={emptyWords()} />
    </CELL_LINKS.Provider>
  );
}

/** Dumps. */
export const DUMP_PANEL: Panel = {
  id: 'dump',
  title: 'Dump',
  needs: 'a dump, and the registers of its IOMMU',
  commands: QUESTIONS.map(({ id, title }) => ({ title: `Dump: ${title.toLowerCase()}`, run: () => choose(id) })),
  View,
};
