/**
 * The answer of `bench` as an HTML page: time against size for each layout and operation, and the ratios.
 * @module
 */
import { formatSize } from '../../address.ts';
import type { BenchResult } from '../../bench/bench.ts';
import { benchCharts, benchRatioChart } from '../../report/describe/latency.ts';
import type { Block, Report } from '../../report/html.ts';
import type { Table } from '../../report/table.ts';
import { insideTiming, rowTables, type Setting, seriesTable } from './answer.ts';

function tables(list: readonly Table[]): Block[] {
  return list.map((table) => ({ kind: 'table', table }));
}

/** A page for one run of the benchmark; `data` is its JSON answer. */
export function benchReport(result: BenchResult, setting: Setting, data: object): Report {
  const rows = result.rows.map((row) => ({ ...row, granule: formatSize(row.granule) }));
  const charts = [benchRatioChart(rows), ...benchCharts(rows)];
  return {
    title: 'Time of maps and unmaps in this engine',
    lead: 'Times of this engine on this machine. Counts are facts of the work and hold anywhere.',
    sources: [
      { what: 'times', how: 'measured', detail: `${setting.runtime}, ${setting.cpu}` },
      { what: 'driver', how: 'assumed', detail: `${setting.driver}; maintenance is counted, not waited for` },
    ],
    sections: [
      {
        title: 'By size',
        blocks: [...charts.map((chart): Block => ({ kind: 'chart', chart })), ...tables(seriesTable(result))],
      },
      { title: 'Every row', blocks: tables(rowTables(result)) },
      { title: 'How it was measured', blocks: [{ kind: 'text', text: insideTiming(result, setting).join('\n\n') }] },
    ],
    data,
  };
}
