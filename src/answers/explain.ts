/**
 * `explain`: where the latency goes, and what the numbers cannot tell.
 * @module
 */
import type { Answer, Section } from '../report/answer.ts';
import type { Table } from '../report/table.ts';
import { layerRows, measuredNotes, measuredSections, measuredVerdict } from './explain/measured.ts';
import type { Explained } from './explain/read.ts';
import { fittedRows, tableNotes, tableSections } from './explain/table.ts';
import { tableVerdict } from './explain/table-verdict.ts';
import { timingNotes, timingRows, timingSections, timingVerdict } from './explain/timing.ts';
import { graphLines, withNotUnderstood } from './not-understood.ts';

export { type Explained, type ExplainInput, readExplained } from './explain/read.ts';

const SCHEMA = { schema: 'iommu.explain', version: 1 } as const;

interface Faces {
  readonly verdict: string;
  readonly sections: readonly Section[];
  readonly notes: readonly string[];
  readonly csv: Table;
}

function facesOf(one: Explained): Faces {
  switch (one.kind) {
    case 'table': {
      const { answer, published } = one;
      const [sections, notes] = [tableSections(answer, published), tableNotes(answer, published)];
      return { verdict: tableVerdict(answer), sections, notes, csv: fittedRows(answer) };
    }
    case 'graph': {
      const { answer } = one;
      const [sections, notes] = [measuredSections(answer), measuredNotes(answer)];
      return { verdict: measuredVerdict(answer), sections, notes, csv: layerRows(answer) };
    }
    default: {
      const { answer } = one;
      const [sections, notes] = [timingSections(answer), timingNotes(answer)];
      return { verdict: timingVerdict(answer), sections, notes, csv: timingRows(answer) };
    }
  }
}

/** A trace without a map or unmap says nothing of where the time goes. */
function outcomeOf(one: Explained): Answer['outcome'] {
  return one.kind === 'graph' && one.answer.operations.length === 0 ? 'unusable' : 'fine';
}

function single(one: Explained): Answer {
  const { schema: _, version: __, ...data } = one.answer;
  const answer = { ...SCHEMA, outcome: outcomeOf(one), data, ...facesOf(one) };
  return one.kind === 'graph' ? withNotUnderstood(answer, graphLines(one.answer.trace)) : answer;
}

/** The sections of one of several inputs: their names carry its number, their titles its name. */
function within(answer: Answer, source: string, number: number): Section[] {
  const verdict: Section = {
    id: `file-${number}`,
    title: source,
    rank: 'main',
    blocks: [{ kind: 'text', text: answer.verdict }],
  };
  const sections = answer.sections.map((one) => ({
    ...one,
    id: `${one.id}-${number}`,
    title: `${source}: ${one.title}`,
  }));
  return [verdict, ...sections];
}

function firstSentence(text: string): string {
  return /^.*?\.(?= [A-Z]|$)/s.exec(text)?.[0] ?? text;
}

/** Verdicts of so many inputs fit in three sentences. */
const FEW = 2;

function severalVerdict(sources: readonly string[], answers: readonly Answer[]): string {
  if (answers.length > FEW) return `${answers.length} inputs, each answered below: ${sources.join(', ')}.`;
  return answers.map(({ verdict }, i) => `${sources[i] ?? ''}: ${firstSentence(verdict)}`).join(' ');
}

/** What the inputs say; several of them are answered one by one. */
export function explainAnswer(inputs: readonly Explained[]): Answer {
  const answers = inputs.map(single);
  const [only, ...others] = answers;
  if (only !== undefined && others.length === 0) return only;
  const sources = inputs.map(({ answer }) => answer.source);
  const files = answers.map(({ schema, version, outcome, verdict, data, notes }) => ({
    schema,
    version,
    outcome,
    verdict,
    ...data,
    notes,
  }));
  return {
    ...SCHEMA,
    outcome: answers.every(({ outcome }) => outcome === 'unusable') ? 'unusable' : 'fine',
    verdict: severalVerdict(sources, answers),
    data: { files },
    sections: answers.flatMap((answer, i) => within(answer, sources[i] ?? '', i + 1)),
    notes: [...new Set(answers.flatMap(({ notes }, i) => notes.map((note) => `${sources[i] ?? ''}: ${note}`)))],
    records: files,
  };
}
