/**
 * A chart in one paragraph, for people who do not see it.
 * @module
 */
import type { BarChart, Chart, HeatChart, LineChart, RangeChart, ScatterChart } from './chart.ts';
import { evidenceNotes, legendName } from './legend.ts';
import { formatUnit } from './number.ts';
import { extent } from './scale.ts';

const MOST_SERIES = 12;

function xySentences(chart: LineChart | ScatterChart): string[] {
  return chart.series.slice(0, MOST_SERIES).map((series) => {
    const range = extent(series.points.map(([, y]) => y));
    if (range === undefined) return `${legendName(series)}: no points.`;
    const [low, high] = range.map((value) => formatUnit(value, chart.y.unit));
    return `${legendName(series)}: ${series.points.length} points, ${chart.y.label} ${low} to ${high}.`;
  });
}

function barSentences(chart: BarChart): string[] {
  return chart.series.slice(0, MOST_SERIES).map((series) => {
    const parts = series.values.slice(0, MOST_SERIES).map((value, i) => {
      const shown = value === null ? 'not known' : formatUnit(value, chart.value.unit);
      return `${chart.categories[i] ?? ''} ${shown}`;
    });
    return `${legendName(series)}: ${parts.join(', ')}.`;
  });
}

function rangeSentences(chart: RangeChart): string[] {
  return chart.rows.slice(0, MOST_SERIES).map((row) => {
    const [low, high] = [row.low, row.high].map((value) => formatUnit(value, chart.value.unit));
    return `${legendName(row)}: ${low} to ${high}.`;
  });
}

function heatSentences(chart: HeatChart): string[] {
  return chart.rows.slice(0, MOST_SERIES).map(({ name, values }) => {
    const most = values.reduce((a, b) => Math.max(a, b), 0);
    return `${name}: ${chart.value.label} up to ${formatUnit(most, chart.value.unit)}.`;
  });
}

function sentencesOf(chart: Chart): string[] {
  switch (chart.kind) {
    case 'bar':
      return barSentences(chart);
    case 'range':
      return rangeSentences(chart);
    case 'heat':
      return heatSentences(chart);
    default:
      return xySentences(chart);
  }
}

/** What a prepared chart shows, in words and numbers. */
export function summary(chart: Chart): string {
  return [`${chart.title}.`, ...sentencesOf(chart), ...evidenceNotes(chart, false)].join(' ');
}
