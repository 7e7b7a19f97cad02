/**
 * Answers made visible: charts as text and SVG, tables, JSON.
 * @module
 */
export type {
  Axis,
  BarChart,
  BarSeries,
  Chart,
  Evidence,
  EvidenceStyle,
  LineChart,
  Point,
  RangeChart,
  RangeRow,
  ScatterChart,
  XySeries,
} from './chart.ts';
export { EVIDENCE } from './chart.ts';
export { showControls, showControlsOfLines } from './controls.ts';
export { tableToCsv, tableToMarkdown } from './csv.ts';
export { type BenchTimes, benchCharts, benchRatioChart, type FitRows, latencyChart } from './describe/latency.ts';
export { type LayerCosts, layerCostChart, type MeasuredOperation, measuredLayersChart } from './describe/layers.ts';
export { type UnitGroup, type UnitRange, unitsChart } from './describe/units.ts';
export { escapeJson, escapeMarkup } from './escape.ts';
export { type Block, type Report, reportToHtml, type Section, type Source, tableToHtml } from './html.ts';
export { type Answer, answer, toJson, toNdjson } from './json.ts';
export { formatBytes, formatNs, formatNumber, formatShare, formatUnit, type Unit } from './number.ts';
export { type Detail, type Nanoseconds, PerfettoWriter, type TrackId } from './perfetto.ts';
export { plainText } from './plain.ts';
export { chartToSvg, type SvgOptions } from './svg.ts';
export type { Cell, Column, Table } from './table.ts';
export { tableToText } from './terminal-table.ts';
export { chartToText, type TextOptions } from './text.ts';
