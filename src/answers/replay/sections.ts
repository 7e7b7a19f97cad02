/**
 * The sections of a replay's answer, ordered by how much they matter.
 * @module
 */
import { type Block, chartSection, type Section, tableSection } from '../../report/answer.ts';
import type { Chart } from '../../report/chart.ts';
import { formatBytes } from '../../report/number.ts';
import type { Table } from '../../report/table.ts';
import { commandsTable } from './commands.ts';
import type { Asked, ReplayData } from './data.ts';
import { addressChart, type Contiguity, liveChart, predictedChart, questionCharts, shapeCharts } from './pictures.ts';
import { memoryTable, predictionTable, rowsTable } from './rows.ts';
import {
  devicesTable,
  disagreementsTable,
  domainsTable,
  doubleMapsTable,
  quantilesTable,
  shapeTables,
  skippedTable,
  stillMappedTable,
  tasksTable,
  traceTable,
} from './trace-tables.ts';

/** Mappings that are still there, as listed on the first screen. */
const FEW = 3;

function tables(
  id: string,
  title: string,
  list: readonly (Table | undefined)[],
  rank: Section['rank'] = 'detail',
): Section[] {
  const blocks = list.flatMap((table): Block[] =>
    table === undefined || table.rows.length === 0 ? [] : [{ kind: 'table', table }],
  );
  return blocks.length === 0 ? [] : [{ id, title, rank, blocks }];
}

/** A main section under the title of its table. */
function titled(id: string, table: Table): Section {
  return tableSection(id, table.title ?? id, table);
}

function charts(id: string, title: string, list: readonly Chart[]): Section[] {
  return list.length === 0
    ? []
    : [{ id, title, rank: 'detail', blocks: list.map((chart) => ({ kind: 'chart', chart })) }];
}

function askedSections(data: ReplayData, { leaks, doubleMaps }: Asked): Section[] {
  return [
    ...(leaks
      ? tables('leaks', 'Still mapped at the end', [stillMappedTable(data, data.stillMapped.length, true)], 'main')
      : []),
    ...(doubleMaps ? tables('double-maps', 'Double maps', [doubleMapsTable(data)], 'main') : []),
  ];
}

function mainSections(data: ReplayData): Section[] {
  const few = stillMappedTable(data, FEW, false);
  return [
    titled('paths', rowsTable(data.rows)),
    titled('devices', devicesTable(data)),
    ...(few.rows.length === 0 ? [] : [titled('still-mapped', few)]),
    ...(data.profile === null ? [] : [titled('predicted', predictionTable(data.rows, data.profile.name))]),
    chartSection('live', liveChart(data)),
  ];
}

function detailSections(data: ReplayData, shape: Contiguity, { leaks }: Asked): Section[] {
  const addresses = addressChart(data);
  const predicted = predictedChart(data);
  return [
    ...(addresses === undefined ? [] : [chartSection('addresses', addresses, 'detail')]),
    ...charts('questions', 'Crossings by layer', questionCharts(data)),
    ...(predicted === undefined ? [] : [chartSection('predicted-layers', predicted, 'detail')]),
    ...tables('commands', 'What the driver sends', [commandsTable(data.rows)]),
    ...tables('memory', 'Memory of each row', [memoryTable(data.rows)]),
    ...tables('tasks', 'By task', [tasksTable(data)]),
    ...tables('shapes', 'Sizes and lifetimes', [quantilesTable(data, formatBytes), ...shapeTables(data, formatBytes)]),
    ...charts('contiguity', 'How contiguous the lists are', shapeCharts(shape)),
    ...(leaks
      ? []
      : tables('leaks', 'All that is still mapped', [stillMappedTable(data, data.stillMapped.length, false)])),
    ...tables('domains', 'Domains', [domainsTable(data)]),
    ...tables('boundaries', 'Boundaries of lists', [disagreementsTable(data)]),
  ];
}

/** The sections; those that were asked for come first. */
export function replaySections(data: ReplayData, shape: Contiguity, asked: Asked): Section[] {
  const mapped = data.calls.map > 0;
  return [
    ...(mapped ? askedSections(data, asked) : []),
    ...(mapped ? mainSections(data) : []),
    ...(mapped ? detailSections(data, shape, asked) : []),
    ...tables('trace', 'The trace', [traceTable(data)], mapped ? 'detail' : 'main'),
    ...tables('left-out', 'Lines left out', [skippedTable(data)], mapped ? 'detail' : 'main'),
  ];
}
