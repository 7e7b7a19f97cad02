/**
 * The answer of `explain` as an HTML page: latency against size, the range of each unit, self time by layer.
 * @module
 */
import type { MeasuredAnswer, OperationTimes } from '../../explain/measured.ts';
import { measuredText } from '../../explain/measured-text.ts';
import type { TableAnswer } from '../../explain/table.ts';
import type { BarChart, Evidence, RangeChart, ScatterChart } from '../../report/chart.ts';
import type { Block, Report, Section } from '../../report/html.ts';
import { formatBytes } from '../../report/number.ts';
import type { Table } from '../../report/table.ts';

const MANY_SERIES = 8;

/** Name of the problem that a row belongs to; empty if the table has only one. */
function whereName(where: Readonly<Record<string, string>>): string {
  return Object.values(where).join(' ');
}

function latencyChart(answer: TableAnswer, labels: readonly string[], evidence: Evidence): ScatterChart {
  const series = labels.map((name) => {
    const fits = answer.fits.filter((fit) => fit.series === name && fit.estimator === 'unweighted least squares');
    const points = fits.flatMap((fit) => fit.rows.map((row) => [row.bytes, row.measuredNs] as const));
    return { name, evidence, points, joined: true };
  });
  const x = { label: 'size', unit: 'bytes', log: true } as const;
  const y = { label: 'time', unit: 'ns', log: true } as const;
  return { kind: 'scatter', title: 'Time of a list against its size', x, y, series };
}

function rangeChart(answer: TableAnswer, where: string, evidence: Evidence): RangeChart {
  const units = answer.units.filter((unit) => whereName(unit.where) === where && !unit.unit.startsWith('list'));
  const groups = answer.inseparable.filter((group) => whereName(group.where) === where);
  const grouped = new Set(groups.flatMap((group) => group.units));
  const rows = units.map((unit) => {
    const note = grouped.has(unit.unit) ? 'inseparable' : unit.belowNoise ? 'not told from 0' : '';
    return {
      name: unit.unit,
      evidence,
      low: unit.low,
      high: unit.high,
      best: unit.ns,
      ...(note === '' ? {} : { note }),
    };
  });
  const sums = groups.map((group) => {
    const name = `sum of ${group.units.length}`;
    return {
      name,
      evidence,
      low: group.low,
      high: group.high,
      best: group.sumNs,
      note: group.exact ? 'inseparable, exact' : 'inseparable within the noise',
    };
  });
  const title = where === '' ? 'Range of each unit' : `Range of each unit: ${where}`;
  const notes = groups.map((group) => `sum of ${group.units.length}: ${group.units.join(' + ')}`);
  const value = { label: 'price', unit: 'ns' } as const;
  return { kind: 'range', title, category: 'unit', value, rows: [...rows, ...sums], notes };
}

function fitTable(answer: TableAnswer): Table {
  return {
    title: 'Lines, time over pages',
    columns: [
      { title: 'series' },
      { title: 'estimator' },
      { title: 'a page', unit: 'ns' },
      { title: 'fixed', unit: 'ns' },
    ],
    rows: answer.fits.map((fit) => [fit.series, fit.estimator, fit.perPageNs, fit.fixedNs]),
  };
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

/** A page for a latency table; `published` tells the shipped tables from a user's own. */
export function tableReport(answer: TableAnswer, published: boolean): Report {
  const evidence: Evidence = published ? 'published' : 'measured';
  const labels = [...new Set(answer.fits.map((fit) => fit.series))];
  const latency = chunks(labels, MANY_SERIES).map(
    (some): Block => ({ kind: 'chart', chart: latencyChart(answer, some, evidence) }),
  );
  const wheres = [...new Set(answer.units.map((unit) => whereName(unit.where)))];
  const ranges = wheres.map((where): Block => ({ kind: 'chart', chart: rangeChart(answer, where, evidence) }));
  const findings = answer.findings.map((finding): Block => ({ kind: 'text', text: finding.text }));
  const runs = answer.suggestedRuns.map((run): Block => ({ kind: 'text', text: run.text }));
  const sections: Section[] = [
    { title: 'Latency', blocks: [...latency, { kind: 'table', table: fitTable(answer) }] },
    { title: 'Prices of the units', blocks: ranges },
    { title: 'What the numbers say, and what they cannot tell', blocks: findings },
    { title: 'The run to make next', blocks: runs },
  ];
  return {
    title: `Where the time goes: ${answer.source}`,
    sources: [{ what: answer.source, how: published ? 'published' : 'measured', detail: answer.noise.rule }],
    sections: sections.filter((section) => section.blocks.length > 0),
    data: answer,
  };
}

function layerChart(operation: OperationTimes, evidence: Evidence): BarChart {
  const layers = operation.layers.filter((layer) => layer.status === 'measured').map((layer) => layer.layer);
  const nameOf = (low: number, high: number): string =>
    low === high ? formatBytes(low) : `${formatBytes(low)} to ${formatBytes(high)}`;
  return {
    kind: 'bar',
    title: `${operation.op}: mean self time by layer and size`,
    category: 'size',
    categories: operation.sizes.map((of) => nameOf(of.bytesLow, of.bytesHigh)),
    value: { label: 'self time of one call', unit: 'ns' },
    stacked: true,
    series: layers.map((name) => ({
      name,
      evidence,
      values: operation.sizes.map((of) => {
        const layer = of.layers.find((one) => one.layer === name);
        return layer?.status === 'measured' ? layer.selfNs / of.count : null;
      }),
    })),
    notes: operation.layers
      .filter((layer) => layer.status !== 'measured')
      .map(
        (layer) =>
          `${layer.layer}: ${layer.status === 'no call' ? 'no traced function of it was called' : layer.status}`,
      ),
  };
}

/** A page for a function_graph trace. */
export function graphReport(answer: MeasuredAnswer): Report {
  const emulated = answer.machine.kind === 'emulated';
  const charts = answer.operations
    .filter((operation) => operation.op === 'map' || operation.op === 'unmap')
    .map((operation): Block => ({ kind: 'chart', chart: layerChart(operation, emulated ? 'emulated' : 'measured') }));
  const text = measuredText(answer);
  const told = text.slice(text.indexOf('What this says')).split('\n').slice(1);
  const remarks = told
    .filter((line) => line !== '')
    .map((line): Block => ({ kind: 'text', text: line.replace(/^ +- /, '') }));
  return {
    title: `Where the time goes: ${answer.source}`,
    lead: `Times: ${answer.machine.claim}.`,
    sources: [{ what: answer.source, how: emulated ? 'emulated' : 'measured', detail: answer.machine.from }],
    sections: [
      { title: 'Self time by layer', blocks: charts },
      { title: 'What this says, and what it cannot tell', blocks: remarks },
    ],
    data: answer,
  };
}
