/**
 * A table of any length: only the rows in view are in the document.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useContext, useRef } from 'preact/hooks';
import { tableToCsv } from '../../src/report/csv.ts';
import { alignOf, cellText, moreRows, type Table, toneOf } from '../../src/report/table.ts';
import { CELL_LINKS } from './cell-link.ts';
import { CopyButton } from './copy.tsx';

/** Height of a row in pixels; the style sheet has the same. */
const ROW = 28;
/** Rows beyond this number scroll in a window of their own. */
const WINDOWED = 60;
const IN_VIEW = 30;

function classOf(table: Table, row: number, column: number): string {
  const tone = toneOf(table.rows[row]?.[column]) ?? '';
  const shape = table.columns[column];
  return `${shape !== undefined && alignOf(shape) === 'right' ? 'number' : ''} ${tone}`.trim();
}

function CellView({
  table,
  row,
  column,
}: {
  readonly table: Table;
  readonly row: number;
  readonly column: number;
}): JSX.Element | string {
  const cells = table.rows[row] ?? [];
  const text = cellText(cells[column], table.columns[column] ?? { title: '' });
  const href = useContext(CELL_LINKS)(table, cells, column);
  return href === undefined ? text : <a href={href}>{text}</a>;
}

function Rows({ table, from, to }: { readonly table: Table; readonly from: number; readonly to: number }): JSX.Element {
  return (
    <>
      {table.rows.slice(from, to).map((_, i) => (
        <tr key={from + i}>
          {table.columns.map((column, c) => (
            <td data-label={column.title} class={classOf(table, from + i, c)}>
              <CellView table={table} row={from + i} column={c} />
            </td>
          ))}
        </tr>
      ))}
    </>
  );
}

/** What a table is called where it scrolls: sections may have tables of one title. */
function labelOf({ title }: Table, heading: string | undefined): string {
  if (title === undefined) return heading || 'table';
  return !heading || heading === title ? title : `${heading}: ${title}`;
}

/** A table; a long one scrolls in a window and draws only what is seen. Its title is left out where it is the heading above it. */
export function TableView({ table, heading }: { readonly table: Table; readonly heading?: string }): JSX.Element {
  const top = useSignal(0);
  const scroller = useRef<HTMLElement>(null);
  const long = table.rows.length > WINDOWED;
  const from = long ? Math.max(0, Math.min(top.value, table.rows.length - IN_VIEW) - 10) : 0;
  const to = long ? Math.min(table.rows.length, from + IN_VIEW + 20) : table.rows.length;
  const onScroll = (): void => {
    top.value = Math.floor((scroller.current?.scrollTop ?? 0) / ROW);
  };
  const more = moreRows(table);
  return (
    <figure class="table">
      {table.title === undefined || table.title === heading ? null : <figcaption>{table.title}</figcaption>}
      <section
        class={long ? 'scroll windowed' : 'scroll'}
        ref={scroller}
        onScroll={onScroll}
        tabIndex={0}
        aria-label={labelOf(table, heading)}
      >
        <table aria-rowcount={table.rows.length}>
          <thead>
            <tr>
              {table.columns.map((column) => (
                <th scope="col" class={alignOf(column) === 'right' ? 'number' : ''}>
                  {column.title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {from > 0 ? <tr class="pad" style={{ height: `${from * ROW}px` }} /> : null}
            <Rows table={table} from={from} to={to} />
            {to < table.rows.length ? (
              <tr class="pad" style={{ height: `${(table.rows.length - to) * ROW}px` }} />
            ) : null}
          </tbody>
        </table>
      </section>
      {[...(more === undefined ? [] : [more]), ...(table.notes ?? [])].map((note) => (
        <p class="note">{note}</p>
      ))}
      {table.rows.length === 0 ? null : (
        <div class="table-copy">
          <CopyButton title="CSV" text={() => tableToCsv(table)} />
        </div>
      )}
    </figure>
  );
}
