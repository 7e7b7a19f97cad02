// The rows that are measured each in a process of its own, so that none runs code that was compiled for another.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { DEVICE_ROWS } from './devices.ts';
import { dmaRows } from './dma.ts';
import { decodeRow, traceRow } from './files.ts';
import { FORMAT_ROWS } from './formats.ts';
import { MAPPING_ROWS } from './mapping.ts';
import type { Row } from './row.ts';

const ROOT = new URL('../../../', import.meta.url);

/** What measures each row. */
export const MEASURES: readonly (() => Row)[] = [
  ...MAPPING_ROWS,
  ...FORMAT_ROWS,
  () => traceRow(ROOT),
  ...dmaRows(ROOT),
  ...DEVICE_ROWS,
  decodeRow,
];

/** Measures one row in a new process. */
export function measured(index: number): Row {
  const script = fileURLToPath(new URL('one-row.js', import.meta.url));
  return JSON.parse(execFileSync(process.execPath, [script, String(index)], { encoding: 'utf8' })) as Row;
}
