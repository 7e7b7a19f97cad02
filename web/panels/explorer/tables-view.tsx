/**
 * The tables of a list as columns, the walk of the selected address, and its entry's bits.
 * @module
 */
import type { ComponentChildren, JSX } from 'preact';
import { formatSize, hex } from '../../../src/address.ts';
import type { Fault, Leaf } from '../../../src/hardware/walk/types.ts';
import type { Column, EntryRow, Row } from '../../explore/columns.ts';
import type { TablesPicture } from '../../explore/picture.ts';
import { EntryView, type OnEdit } from './entry-view.tsx';

type Select = (iova: bigint) => void;

interface EntryProps {
  readonly row: EntryRow;
  readonly on: boolean;
  /** Why the walk ends in a fault here. */
  readonly fault: string | undefined;
  readonly onSelect: Select;
}

const SIGNS = { table: '→', leaf: '=', invalid: '·' } as const;

function EntryButton({ row, on, fault, onSelect }: EntryProps): JSX.Element {
  const to = row.to === undefined ? (row.why ?? 'empty') : hex(row.to);
  return (
    <button
      type="button"
      class={`entry ${row.kind}${fault === undefined ? '' : ' faults'}`}
      data-move=""
      aria-current={on ? 'true' : undefined}
      title={`${hex(row.iova)} is ${row.kind} ${hex(row.entry, 16)} at ${hex(row.address)}`}
      onClick={() => onSelect(row.iova)}
    >
      <span class="index">{row.index}</span>
      <span class="sign">{fault === undefined ? SIGNS[row.kind] : '×'}</span>
      <span class="to">
        {to}
        {fault === undefined || fault === to ? null : <span class="why">{fault}</span>}
      </span>
    </button>
  );
}

interface ColumnProps {
  /** Whose tables they are. */
  readonly of: string;
  readonly column: Column;
  readonly fault: string | undefined;
  readonly onSelect: Select;
}

function RowView({ row, column, fault, onSelect }: Omit<ColumnProps, 'of'> & { readonly row: Row }): JSX.Element {
  if (!('index' in row)) {
    const text = row.kind === 'empty' ? 'empty' : 'in sequence';
    return (
      <p class="fold">
        … {row.count.toLocaleString('en-US')} {text}
      </p>
    );
  }
  const on = row.index === column.selected;
  return <EntryButton row={row} on={on} fault={on ? fault : undefined} onSelect={onSelect} />;
}

function ColumnView({ of, column, fault, onSelect }: ColumnProps): JSX.Element {
  return (
    <section class="level" aria-label={`level ${column.level} of ${of}`} tabIndex={0}>
      <h3>
        Level {column.level}
        <span>
          {hex(column.table)} · {column.entries.toLocaleString('en-US')} × {formatSize(column.unit)}
        </span>
      </h3>
      {column.rows.map((row) => (
        <RowView row={row} column={column} fault={fault} onSelect={onSelect} />
      ))}
      {column.hidden > 0 ? (
        <p class="fold">… {column.hidden.toLocaleString('en-US')} more rows; walk an address there</p>
      ) : null}
    </section>
  );
}

/** What the walk came to, in one sentence. */
function resultWords(result: Leaf | Fault, at: bigint): string {
  if (result.ok) {
    const size = formatSize(result.size);
    return `${hex(at)} → ${hex(result.output)}, ${result.perms}, ${result.memoryType}, a leaf of ${size} at level ${result.level}`;
  }
  return `${hex(at)} faults: ${result.reason} (${result.syndrome})`;
}

/** What the TLB gave, without a memory read. */
function hitWords(held: Leaf, at: bigint): string {
  return `${hex(at)} → ${hex(held.output + (at - held.iova) - BigInt(held.pa - held.base))} from the TLB, without a memory read`;
}

/**
 * Tables as columns by level. `shown`: the memory read at which the walk player stands; all where it is not playing. `lead`: shown
 * behind the verdict, which comes first then.
 */
export function TablesView({
  title,
  picture,
  shown,
  held,
  lead,
  onSelect,
  onEdit,
}: {
  readonly title: string;
  readonly picture: TablesPicture;
  readonly shown: number | undefined;
  readonly held: Leaf | undefined;
  readonly lead?: ComponentChildren;
  readonly onSelect: Select;
  readonly onEdit: OnEdit;
}): JSX.Element {
  const { columns, steps, result, at } = picture;
  const last = Math.min(shown ?? steps.length - 1, steps.length - 1);
  const done = last >= steps.length - 1;
  const step = steps[last];
  const walked = done
    ? resultWords(result, at)
    : `Read ${last + 1} of ${steps.length}: ${hex(step?.entryAddress ?? 0)} is ${step?.kind ?? ''}`;
  const heading = (
    <h2>
      {title} <span>{picture.summary}</span>
    </h2>
  );
  return (
    <article class="tables">
      {lead === undefined ? heading : null}
      <p class={`verdict ${result.ok || !done ? 'fine' : 'findings'}`} role="status">
        {held === undefined ? walked : hitWords(held, at)}
      </p>
      {lead === undefined ? null : (
        <>
          {lead}
          {heading}
        </>
      )}
      <div class="levels">
        {columns.slice(0, last + 1).map((column, i) => (
          <ColumnView
            of={title}
            column={column}
            fault={!result.ok && done && i === last ? result.reason : undefined}
            onSelect={onSelect}
          />
        ))}
      </div>
      {step === undefined ? null : <EntryView of={title} step={step} digits={picture.digits} onEdit={onEdit} />}
      {picture.note === '' ? null : <p class="note">{picture.note}</p>}
    </article>
  );
}
