/**
 * This engine's own times, measured in a worker when they are asked for.
 * @module
 */
import { type Signal, signal } from '@preact/signals';
import type { LineChart } from '../../../src/report/chart.ts';
import { AnswerClient } from '../../ask/client.ts';

type Line = LineChart['series'][number];

/** Lines of this engine: scattered lists, by path; empty before they were measured. */
export const engine: Signal<readonly Line[]> = signal([]);
/** Whether they are being measured. */
export const engineState: Signal<'idle' | 'running'> = signal('idle');

const client = new AnswerClient();

interface BenchRow {
  readonly op: string;
  readonly path: string;
  readonly layout: string;
  readonly bytes: number;
  readonly medianNs: number;
}

function isRow(row: unknown): row is BenchRow {
  return typeof row === 'object' && row !== null && 'medianNs' in row && 'path' in row && 'bytes' in row;
}

function linesOf(data: object): Line[] {
  const found: readonly unknown[] = 'rows' in data && Array.isArray(data.rows) ? data.rows : [];
  const rows = found.filter(isRow).filter(({ op, layout }) => op === 'map' && layout === 'scattered');
  return [...new Set(rows.map(({ path }) => path))].map((path) => ({
    name: path,
    evidence: 'this-engine',
    points: rows.filter((row) => row.path === path).map(({ bytes, medianNs }) => [bytes, medianNs] as const),
  }));
}

/** Measures them. */
export function addEngine(): void {
  engineState.value = 'running';
  client
    .ask({ ask: 'bench', format: 'arm-64-lpae-s1', granule: 4096, what: 'scattered-maps' })
    .then(
      ({ data }) => (engine.value = linesOf(data)),
      () => undefined,
    )
    .finally(() => (engineState.value = 'idle'));
}
