// The rows that are measured each in a process of its own, so that none runs code that was compiled for another.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { DEVICE_ROWS } from './devices.ts';
import { dmaRows } from './dma.ts';
import { decodeRow, traceRow } from './files.ts';
import { FORMAT_ROWS } from './formats.ts';
import { CALL_ROWS, MIXED_ROWS, OTHER_ROWS } from './mapping.ts';
import { inFloors, type Row } from './row.ts';

const ROOT = new URL('../../../', import.meta.url);

/** What measures each row of the README. */
const README_MEASURES: readonly (() => Row)[] = [...CALL_ROWS, ...MIXED_ROWS, () => traceRow(ROOT), decodeRow];

/** How many rows, from the first, stand in the README. */
export const README_ROWS: number = README_MEASURES.length;

/** What measures each row. */
export const MEASURES: readonly (() => Row)[] = [
  ...README_MEASURES,
  ...OTHER_ROWS,
  ...FORMAT_ROWS,
  ...dmaRows(ROOT),
  ...DEVICE_ROWS,
];

const BUFFER = 2 ** 26;

function output(script: string, args: readonly string[]): unknown {
  return JSON.parse(execFileSync(process.execPath, [script, ...args], { encoding: 'utf8', maxBuffer: BUFFER }));
}

/** Times that a call is measured here and by `iommu bench`, in turn: a machine may change its speed from one run to the next. */
const ROUNDS = 3;

/** Measures one row in a new process, and the same call with `iommu bench` in others: the middle one of each in floors. */
export function measured(index: number): Row {
  const first = inProcess(index);
  const rows = [first];
  const programs = [...byProgram(first)];
  for (let round = 1; round < ROUNDS && programs.length > 0; round++) {
    const row = inProcess(index);
    rows.push(row);
    programs.push(...byProgram(row));
  }
  return { ...first, ...middle(rows, inFloors), ...middle(programs, ({ cliFloors }) => cliFloors) };
}

/** The one of several whose figure is in the middle; undefined for none. */
function middle<T>(items: readonly T[], figure: (item: T) => number | undefined): T | undefined {
  return items.toSorted((a, b) => (figure(a) ?? 0) - (figure(b) ?? 0))[items.length >> 1];
}

function inProcess(index: number): Row {
  return output(fileURLToPath(new URL('one-row.js', import.meta.url)), [String(index)]) as Row;
}

/** What `iommu bench` prints for the call of a row, in the row's unit and in floors; nothing for a row that it does not measure. */
function byProgram(row: Row): readonly Pick<Row, 'cliValue' | 'cliFloors'>[] {
  if (row.cli === undefined) return [];
  const program = fileURLToPath(new URL('dist/cli/main.js', ROOT));
  const { rows } = output(program, ['bench', ...row.cli, '--quiet', '--json']) as {
    readonly rows: readonly { readonly medianNs: number; readonly nsPerPage: number; readonly ratioToFloor: number }[];
  };
  const [only] = rows;
  if (only === undefined || rows.length > 1) throw new Error(`iommu bench ${row.cli.join(' ')}: ${rows.length} rows`);
  const cliValue = row.measure === 'ns a page' ? only.nsPerPage : only.medianNs;
  return [{ cliValue, cliFloors: (cliValue / only.nsPerPage) * only.ratioToFloor }];
}
