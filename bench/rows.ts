// The rows that are measured each in a process of its own, so that none runs code that was compiled for another.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { DEVICE_ROWS } from './devices.ts';
import { dmaRows } from './dma.ts';
import { decodeRow, traceRow } from './files.ts';
import { FORMAT_ROWS } from './formats.ts';
import { CALL_ROWS, MIXED_ROWS, OTHER_ROWS } from './mapping.ts';
import type { Row } from './row.ts';

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

/** Measures one row in a new process, and the same call with `iommu bench` in another. */
export function measured(index: number): Row {
  const row = output(fileURLToPath(new URL('one-row.js', import.meta.url)), [String(index)]) as Row;
  return row.cli === undefined ? row : { ...row, ...byProgram(row, row.cli) };
}

/** What `iommu bench` prints for the call of a row, in the row's unit and in floors. */
function byProgram({ measure }: Row, options: readonly string[]): Pick<Row, 'cliValue' | 'cliFloors'> {
  const program = fileURLToPath(new URL('dist/cli/main.js', ROOT));
  const { rows } = output(program, ['bench', ...options, '--quiet', '--json']) as {
    readonly rows: readonly { readonly medianNs: number; readonly nsPerPage: number; readonly ratioToFloor: number }[];
  };
  const [only] = rows;
  if (only === undefined || rows.length > 1) throw new Error(`iommu bench ${options.join(' ')}: ${rows.length} rows`);
  const cliValue = measure === 'ns a page' ? only.nsPerPage : only.medianNs;
  return { cliValue, cliFloors: (cliValue / only.nsPerPage) * only.ratioToFloor };
}
