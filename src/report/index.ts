/**
 * Answers made visible: charts as text and SVG, tables, JSON.
 * @module
 */
export {
  type Answer,
  type Block,
  chartSection,
  chartsOf,
  listSection,
  type Outcome,
  type Section,
  tableSection,
  tablesOf,
  treesOf,
} from './answer.ts';
export { answerDocument, answerToCsv, answerToJson, answerToNdjson } from './answer-data.ts';
export { answerToHtml } from './answer-html.ts';
export { answerToMarkdown } from './answer-markdown.ts';
export { answerToSvg } from './answer-svg.ts';
export { type AnswerStyle, answerToText } from './answer-text.ts';
export type {
  Axis,
  BarChart,
  BarSeries,
  Chart,
  Evidence,
  EvidenceStyle,
  HeatChart,
  HeatRow,
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
export { type BenchTimes, benchCharts, benchRatioCharts, type FitRows, latencyChart } from './describe/latency.ts';
export { type LayerCosts, layerCostChart, type MeasuredOperation, measuredLayersChart } from './describe/layers.ts';
export { type UnitGroup, type UnitRange, unitsChart } from './describe/units.ts';
export { escapeJson, escapeMarkup } from './escape.ts';
export { tableToHtml } from './html.ts';
export { answer, toJson, toNdjson } from './json.ts';
export { formatBytes, formatNs, formatNumber, formatShare, formatUnit, type Unit } from './number.ts';
export { type Detail, type Nanoseconds, PerfettoWriter, type TrackId } from './perfetto.ts';
export { plainText } from './plain.ts';
export { chartToSvg, type SvgOptions } from './svg.ts';
export type { Cell, Column, Table, Tone, ToneText } from './table.ts';
export { chartToText, type TextOptions } from './text.ts';
export { tableToText } from './text-table.ts';
export { type TreeNode, type TreePicture, treeLines, treeToSvg } from './tree.ts';
