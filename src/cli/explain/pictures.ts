/**
 * The answer of `explain` as an HTML page: latency against size, the range of each unit, self time by layer.
 * @module
 */
import type { MeasuredAnswer } from '../../explain/measured.ts';
import { measuredText } from '../../explain/measured-text.ts';
import type { TableAnswer } from '../../explain/table.ts';
import type { TimingAnswer } from '../../explain/timing.ts';
import { timingText } from '../../explain/timing-text.ts';
import type { Evidence, RangeChart, ScatterChart } from '../../report/chart.ts';
import { latencyChart } from '../../report/describe/latency.ts';
import { measuredLayersChart } from '../../report/describe/layers.ts';
import { unitsChart } from '../../report/describe/units.ts';
import type { Block, Report, Section } from '../../report/html.ts';
import { formatBytes } from '../../report/number.ts';
import type { Table } from '../../report/table.ts';

const MANY_SERIES = 8;

/** Name of the problem that a row belongs to; empty if the table has only one. */
function whereName(where: Readonly<Record<string, string>>): string {
  return Object.values(where).join(' ');
}

function latencies(answer: TableAnswer, labels: readonly string[], evidence: Evidence): ScatterChart {
  const fits = answer.fits.filter((fit) => labels.includes(fit.series));
  return latencyChart('Time of a list against its size', fits, evidence);
}

/** Prices of one problem's units; the fixed costs of the series stand in the table of lines. */
function ranges(answer: TableAnswer, where: string, evidence: Evidence): RangeChart {
  const units = answer.units.filter((unit) => whereName(unit.where) === where && !unit.unit.startsWith('list'));
  const groups = answer.inseparable.filter((group) => whereName(group.where) === where);
  const title = where === '' ? 'Range of each unit' : `Range of each unit: ${where}`;
  const bare = { where: {} };
  return unitsChart(
    title,
    units.map((unit) => ({ ...unit, ...bare })),
    groups.map((group) => ({ ...group, ...bare })),
    evidence,
  );
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
    (some): Block => ({ kind: 'chart', chart: latencies(answer, some, evidence) }),
  );
  const wheres = [...new Set(answer.units.map((unit) => whereName(unit.where)))];
  const prices = wheres.map((where): Block => ({ kind: 'chart', chart: ranges(answer, where, evidence) }));
  const findings = answer.findings.map((finding): Block => ({ kind: 'text', text: finding.text }));
  const runs = answer.suggestedRuns.map((run): Block => ({ kind: 'text', text: run.text }));
  const sections: Section[] = [
    { title: 'Latency', blocks: [...latency, { kind: 'table', table: fitTable(answer) }] },
    { title: 'Prices of the units', blocks: prices },
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

/** A page for a function_graph trace. */
export function graphReport(answer: MeasuredAnswer): Report {
  const emulated = answer.machine.kind === 'emulated';
  const charts = answer.operations
    .filter((operation) => operation.op === 'map' || operation.op === 'unmap')
    .map(
      (operation): Block => ({
        kind: 'chart',
        chart: measuredLayersChart([operation], emulated ? 'emulated' : 'measured', formatBytes),
      }),
    );
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

/** A page for histograms or averages. */
export function timingReport(answer: TimingAnswer): Report {
  const lines = timingText(answer).split('\n');
  const limits = [...answer.limits, answer.suggestedRun.text].map((text): Block => ({ kind: 'text', text }));
  const figures = lines.slice(1, lines.indexOf('What this says, and what it cannot tell:')).join('\n').trim();
  return {
    title: `Where the time goes: ${answer.source}`,
    sources: [{ what: answer.source, how: 'given', detail: answer.kind }],
    sections: [
      { title: 'Figures', blocks: [{ kind: 'text', text: figures }] },
      { title: 'What this says, and what it cannot tell', blocks: limits },
    ],
    data: answer,
  };
}
