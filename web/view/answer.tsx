/**
 * An Answer on the page: the verdict, the main sections, details to open, the notes.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { type Answer, type Block, type Section, tablesOf } from '../../src/report/answer.ts';
import { tableToCsv } from '../../src/report/csv.ts';
import { plainText } from '../../src/report/plain.ts';
import { treeLines } from '../../src/report/tree.ts';
import { ChartView } from './chart.tsx';
import { CopyButton } from './copy.tsx';
import { TableView } from './table.tsx';

function BlockView({ block, heading }: { readonly block: Block; readonly heading: string }): JSX.Element {
  switch (block.kind) {
    case 'text':
      return (
        <>
          {block.text.split('\n').map((line) => (
            <p>{plainText(line)}</p>
          ))}
        </>
      );
    case 'list':
      return (
        <ul>
          {block.items.map((item) => (
            <li>{plainText(item)}</li>
          ))}
        </ul>
      );
    case 'lines':
      return <pre tabIndex={0}>{block.lines.map(plainText).join('\n')}</pre>;
    case 'tree':
      return <pre tabIndex={0}>{treeLines(block.tree).join('\n')}</pre>;
    case 'table':
      return <TableView table={block.table} heading={heading} />;
    default:
      return <ChartView chart={block.chart} heading={heading} />;
  }
}

function Body({ section }: { readonly section: Section }): JSX.Element {
  return (
    <>
      {section.blocks.map((block) => (
        <BlockView block={block} heading={section.title} />
      ))}
    </>
  );
}

/** A section that is drawn when it is opened. */
function DetailView({ section }: { readonly section: Section }): JSX.Element {
  const opened = useSignal(false);
  return (
    <details class="section" id={section.id} onToggle={(event) => (opened.value ||= event.currentTarget.open)}>
      <summary data-move="">{plainText(section.title || section.id)}</summary>
      {opened.value ? <Body section={section} /> : null}
    </details>
  );
}

function SectionView({ section }: { readonly section: Section }): JSX.Element {
  if (section.rank === 'detail') return <DetailView section={section} />;
  return (
    <section class="section" id={section.id}>
      {section.title === '' ? null : <h2>{plainText(section.title)}</h2>}
      <Body section={section} />
    </section>
  );
}

/** How many of so many parts are drawn by now: one more each frame, so that a long answer does not hold the page up. */
function useGradually(parts: number, of: unknown): number {
  const drawn = useSignal({ of, count: 1 });
  const count = drawn.value.of === of ? drawn.value.count : 1;
  useEffect(() => {
    if (count >= parts) return;
    const frame = requestAnimationFrame(() => (drawn.value = { of, count: count + 1 }));
    return () => cancelAnimationFrame(frame);
  }, [of, count, parts]);
  return count;
}

/** An answer, the verdict first; `beside` and `lead` stand behind it, `children` behind the first section. */
export function AnswerView({
  answer,
  beside,
  lead,
  without = [],
  children,
}: {
  readonly answer: Answer;
  readonly beside?: ComponentChildren;
  readonly lead?: ComponentChildren;
  readonly without?: readonly string[];
  readonly children?: ComponentChildren;
}): JSX.Element {
  const { verdict, outcome, notes } = answer;
  const sections = answer.sections.filter(({ id }) => !without.includes(id));
  const drawn = useGradually(sections.length, answer);
  const csv = answer.csv ?? tablesOf(answer)[0];
  return (
    <article class="answer">
      <p class={`verdict ${outcome}`} role="status">
        {plainText(verdict)}
      </p>
      {beside}
      {csv === undefined ? null : (
        <p class="copies">
          <CopyButton title="Copy as CSV" text={() => tableToCsv(csv)} />
          <CopyButton title="Copy the link" text={() => location.href} />
        </p>
      )}
      {lead}
      {sections.slice(0, 1).map((section) => (
        <SectionView section={section} />
      ))}
      {children}
      {sections.slice(1, drawn).map((section) => (
        <SectionView section={section} />
      ))}
      {notes.length === 0 ? null : (
        <section class="section notes">
          <h2>Notes</h2>
          <ul>
            {notes.map((note) => (
              <li>{plainText(note)}</li>
            ))}
          </ul>
        </section>
      )}
    </article>
  );
}
