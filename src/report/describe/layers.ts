/**
 * Cost by layer as stacked bars: predicted times of paths, or self times of a function graph.
 * @module
 */
import type { BarChart, Evidence } from '../chart.ts';

/** A bar: its name, and the time of each layer in nanoseconds (null: not known). */
export interface LayerCosts {
  readonly name: string;
  readonly byLayer: Readonly<Record<string, number | null>>;
}

/** Self times of one kind of call, as `iommu explain` gives them for a function graph. */
export interface MeasuredOperation {
  readonly op: string;
  readonly sizes: readonly {
    readonly bytesLow: number;
    readonly bytesHigh: number;
    readonly count: number;
    readonly layers: readonly {
      readonly layer: string;
      readonly status: string;
      readonly medianNs: number;
      readonly selfNs: number;
    }[];
  }[];
}

/** Cost by layer, a bar for each row. Layers stand in the order in which they appear; what is not known is said. */
export function layerCostChart(title: string, rows: readonly LayerCosts[], evidence: Evidence): BarChart {
  const layers = [...new Set(rows.flatMap(({ byLayer }) => Object.keys(byLayer)))];
  const unknown = layers.filter((layer) => rows.some(({ byLayer }) => (byLayer[layer] ?? null) === null));
  return {
    kind: 'bar',
    title,
    category: '',
    categories: rows.map(({ name }) => name),
    value: { label: 'time', unit: 'ns' },
    stacked: true,
    series: layers.map((name) => ({ name, evidence, values: rows.map(({ byLayer }) => byLayer[name] ?? null) })),
    notes: unknown.length === 0 ? [] : [`Not known, and not in the bars: ${unknown.join(', ')}.`],
  };
}

/**
 * Mean self time by layer in one call, a bar for each kind of call and size. Layers that were not traced are named
 * below the chart and drawn nowhere.
 * @param size - a size in bytes in words, such as `4K`
 */
export function measuredLayersChart(
  operations: readonly MeasuredOperation[],
  evidence: Evidence,
  size: (bytes: number) => string,
): BarChart {
  const rows = operations.flatMap(({ op, sizes }) =>
    sizes.map(({ bytesLow, bytesHigh, count, layers }) => {
      const range = bytesLow === bytesHigh ? size(bytesLow) : `${size(bytesLow)} to ${size(bytesHigh)}`;
      const measured = layers.filter(({ status }) => status === 'measured');
      const byLayer = Object.fromEntries(measured.map(({ layer, selfNs }) => [layer, selfNs / Math.max(1, count)]));
      return { name: bytesHigh === 0 ? `${op}, size unknown` : `${op} ${range}`, byLayer };
    }),
  );
  const names = [...new Set(rows.flatMap(({ byLayer }) => Object.keys(byLayer)))];
  const whole = rows.map(({ name, byLayer }) => ({
    name,
    byLayer: Object.fromEntries(names.map((layer) => [layer, byLayer[layer] ?? 0])),
  }));
  const title = `Mean self time of one call by layer: ${operations.map(({ op }) => op).join(', ')}`;
  return { ...layerCostChart(title, whole, evidence), notes: absentNotes(operations, names) };
}

/** Why a layer has no bar: it was not traced, or none of its functions was called. */
function absentNotes(operations: readonly MeasuredOperation[], drawn: readonly string[]): string[] {
  const all = operations.flatMap(({ sizes }) => sizes.flatMap(({ layers }) => layers));
  const absent = all.filter(({ layer }) => !drawn.includes(layer));
  return [...new Set(absent.map(({ status }) => status))].map((status) => {
    const layers = new Set(absent.filter((one) => one.status === status).map(({ layer }) => layer));
    const why =
      status === 'no call' ? 'No traced function called' : status.replace(/^./, (letter) => letter.toUpperCase());
    return `${why}: ${[...layers].join(', ')}.`;
  });
}
