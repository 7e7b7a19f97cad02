/**
 * The tables of a list as columns, the walk of the selected address, and its entry's bits.
 * @module
 */
import type { JSX } from 'preact';
import { formatSize, hex, parseAddress } from '../../../src/address.ts';
import type { Fault, Leaf, Step } from '../../../src/hardware/walk/types.ts';
import { bitGroups } from '../../explore/bits.ts';
import { type Column, columnsOf, type EntryRow, type Row } from '../../explore/columns.ts';
import type { Tables } from '../../explore/tables.ts';
import { BitStrip } from '../../view/bits.tsx';

type Select = (iova: bigint) => void;

function EntryButton({
  row,
  on,
  onSelect,
}: {
  readonly row: EntryRow;
  readonly on: boolean;
  readonly onSelect: Select;
}): JSX.Element {
  const to = row.to === undefined ? (row.why ?? 'empty') : hex(row.to);
  return (
    <button
      type="button"
      class={`entry ${row.kind}`}
      data-move=""
      aria-current={on ? 'true' : undefined}
      title={`${hex(row.iova)} is ${row.kind} ${hex(row.entry, 16)} at ${hex(row.address)}`}
      onClick={() => onSelect(row.iova)}
    >
      <span class="index">{row.index}</span>
      <span class="sign">{row.kind === 'table' ? '→' : row.kind === 'leaf' ? '=' : '·'}</span>
      <span class="to">{to}</span>
    </button>
  );
}

function RowView({
  row,
  column,
  onSelect,
}: {
  readonly row: Row;
  readonly column: Column;
  readonly onSelect: Select;
}): JSX.Element {
  if (!('index' in row)) {
    const text = row.kind === 'empty' ? 'empty' : 'in sequence';
    return (
      <p class="fold">
        … {row.count.toLocaleString('en-US')} {text}
      </p>
    );
  }
  return <EntryButton row={row} on={row.index === column.selected} onSelect={onSelect} />;
}

/** Rows of a column that are drawn; a list may fill a table with scattered entries. */
const MOST_ROWS = 400;

function aroundSelected({ rows, selected }: Column): readonly Row[] {
  if (rows.length <= MOST_ROWS) return rows;
  const at = rows.findIndex((row) => 'index' in row && row.index === selected);
  const from = Math.max(0, Math.min(at - MOST_ROWS / 2, rows.length - MOST_ROWS));
  return rows.slice(from, from + MOST_ROWS);
}

function ColumnView({ column, onSelect }: { readonly column: Column; readonly onSelect: Select }): JSX.Element {
  const shown = aroundSelected(column);
  const hidden = column.rows.length - shown.length;
  return (
    <section class="level" aria-label={`level ${column.level}`} tabIndex={0}>
      <h3>
        Level {column.level}
        <span>
          {hex(column.table)} · {column.entries.toLocaleString('en-US')} × {formatSize(column.unit)}
        </span>
      </h3>
      {shown.map((row) => (
        <RowView row={row} column={column} onSelect={onSelect} />
      ))}
      {hidden > 0 ? <p class="fold">… {hidden.toLocaleString('en-US')} more rows; walk an address there</p> : null}
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

function Fields({ step }: { readonly step: Step }): JSX.Element {
  return (
    <dl class="fields">
      {Object.entries(step.fields).map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>{String(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

interface Edit {
  readonly onEdit: ((address: number, entry: bigint) => void) | undefined;
}

function RawValue({ step, digits, onEdit }: { readonly step: Step; readonly digits: number } & Edit): JSX.Element {
  const change = (event: Event & { readonly currentTarget: HTMLInputElement }): void => {
    try {
      const value = parseAddress(event.currentTarget.value.trim());
      event.currentTarget.setCustomValidity('');
      onEdit?.(step.entryAddress, BigInt.asUintN(digits * 4, value));
    } catch (error) {
      event.currentTarget.setCustomValidity(error instanceof Error ? error.message : String(error));
      event.currentTarget.reportValidity();
    }
  };
  return (
    <label class="field raw">
      <span>Raw value</span>
      <input
        type="text"
        spellcheck={false}
        value={hex(step.entry, digits)}
        readOnly={onEdit === undefined}
        onChange={change}
      />
    </label>
  );
}

function EntryView({
  tables,
  step,
  depth,
  onEdit,
}: { readonly tables: Tables; readonly step: Step; readonly depth: number } & Edit): JSX.Element | null {
  const d = tables.regime.regions[0]?.descriptors;
  if (d === undefined) return null;
  const flip = (bit: number): void => onEdit?.(step.entryAddress, step.entry ^ (1n << BigInt(bit)));
  return (
    <section class="chosen" aria-label="selected entry">
      <h3>
        Level {step.level}, index {step.index}: {step.kind} <span>at {hex(step.entryAddress)}</span>
      </h3>
      <RawValue step={step} digits={d.entryBytes * 2} onEdit={onEdit} />
      <BitStrip value={step.entry} groups={bitGroups(d, step.entry, depth)} onFlip={flip} />
      <Fields step={step} />
    </section>
  );
}

/** Tables as columns by level. `shown`: the memory read at which the walk player stands; all where it is not playing. */
export function TablesView({
  title,
  tables,
  at,
  shown,
  onSelect,
  onEdit,
}: {
  readonly title: string;
  readonly tables: Tables;
  readonly at: bigint;
  readonly shown: number | undefined;
  readonly onSelect: Select;
} & Edit): JSX.Element {
  const columns = columnsOf(tables, at);
  const { steps, result } = tables.walk(at);
  const last = Math.min(shown ?? steps.length - 1, steps.length - 1);
  const done = last >= steps.length - 1;
  const step = steps[last];
  return (
    <article class="tables">
      <h2>
        {title} <span>{tables.summary}</span>
      </h2>
      <p class={`verdict ${result.ok || !done ? 'fine' : 'findings'}`} role="status">
        {done ? resultWords(result, at) : `Read ${last + 1}: ${hex(step?.entryAddress ?? 0)} is ${step?.kind ?? ''}`}
      </p>
      <div class="levels">
        {columns.slice(0, last + 1).map((column) => (
          <ColumnView column={column} onSelect={onSelect} />
        ))}
      </div>
      {step === undefined ? null : (
        <EntryView tables={tables} step={step} depth={columns[last]?.depth ?? last} onEdit={onEdit} />
      )}
      <p class="note">
        {formatSize(tables.bytes)} mapped from {hex(tables.iova)} in {tables.tablePages} table pages.{' '}
        {tables.counts.map(([name, count]) => `${name} ${count.toLocaleString('en-US')}`).join(', ')}
      </p>
    </article>
  );
}
