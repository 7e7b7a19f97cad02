// One row of the README's table, and how it is printed.
import type { Spread } from '../src/bench/index.ts';

/** What a figure counts. */
export type Measure = 'ns a page' | 'ns' | 'ratio' | 'events a second' | 'ms' | 'bytes';

/** One row. */
export interface Row {
  readonly work: string;
  /** What is inside the timing. */
  readonly inside: string;
  readonly measure: Measure;
  readonly value: number;
  readonly spread?: Spread;
  readonly samples: number;
  /** Nanoseconds of the floor an entry, sampled in turn with this row. */
  readonly floorNs?: number;
  /** Goals that the row is held against; none: the figure is only reported. */
  readonly goal?: Goal;
  /** Linux in user space on a machine like the development machine: 6.1, then 5.10. */
  readonly linux?: string;
}

/** A goal. */
export interface Goal {
  readonly text: string;
  /** Most that the value may be, or least where `atLeast`. */
  readonly limit?: number;
  readonly atLeast?: boolean;
  /** Most floors that a page may cost. */
  readonly floors?: number;
}

/** How many floors a page costs, where the row has a floor. */
export function inFloors(row: Row): number | undefined {
  return row.floorNs === undefined ? undefined : row.value / row.floorNs;
}

/** Whether a row reaches its goal; undefined without one. */
export function reached(row: Row): boolean | undefined {
  const { goal, value } = row;
  if (goal === undefined) return undefined;
  const floors = inFloors(row);
  const byValue = goal.limit === undefined || (goal.atLeast === true ? value >= goal.limit : value <= goal.limit);
  return byValue && (goal.floors === undefined || (floors !== undefined && floors <= goal.floors));
}

function digits(value: number): string {
  if (value >= 10_000) return Math.round(value).toLocaleString('en-US');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function valueText(row: Row): string {
  const floors = inFloors(row);
  const times = floors === undefined || row.measure !== 'ns a page' ? '' : ` (${floors.toFixed(2)} × floor)`;
  const unit = row.measure === 'ratio' ? ' ×' : ` ${row.measure}`;
  return `${digits(row.value)}${unit}${times}`;
}

function spreadText({ spread, samples }: Row): string {
  return spread === undefined ? '' : `${digits(spread.mad)} / ${digits(spread.p99)} / ${samples}`;
}

/** The rows as a Markdown table. */
export function markdown(rows: readonly Row[]): string {
  const verdict = (row: Row): string => {
    const yes = reached(row);
    return yes === undefined ? '' : yes ? 'yes' : 'no';
  };
  const lines = rows.map((row) =>
    [
      row.work,
      row.inside,
      valueText(row),
      spreadText(row),
      row.goal?.text ?? 'reported',
      verdict(row),
      row.linux ?? '–',
    ].join(' | '),
  );
  return [
    '| work | inside the timing | median here | MAD / p99 / samples | goal | reached | Linux 6.1 / 5.10 in user space |',
    '|---|---|---|---|---|---|---|',
    ...lines.map((line) => `| ${line} |`),
  ].join('\n');
}
