/**
 * Answers about timing texts as words and tables.
 * @module
 */
import type { BenchmarkPair, Bounds, HistogramTimes, TimingAnswer } from './timing.ts';
import { percentText, tableLines, timeText } from './words.ts';

function boundsText({ low, high }: Bounds, unit: HistogramTimes['unit']): string {
  const text = unit === 'ns' ? timeText : String;
  if (low === null) return high === null ? 'not known' : `below ${text(high)}`;
  return high === null ? `${text(low)} or more` : `${text(low)} to ${text(high)}`;
}

function histogramLines(of: HistogramTimes): string[] {
  const text = (bounds: Bounds): string => boundsText(bounds, of.unit);
  const name = of.name ?? 'a function that is not named';
  const head = `${name}: ${of.count} calls; median ${text(of.median)}, p99 ${text(of.p99)}, longest ${text(of.most)}; mean ${text(of.mean)}`;
  const rows = of.buckets.map((bucket) => [text(bucket), String(bucket.count), percentText(bucket.share)]);
  return [head, ...tableLines(['time', 'calls', 'share'], rows), ''];
}

function runRows(answer: TimingAnswer): string[] {
  if (answer.runs.length === 0) return [];
  const header = [
    'mode',
    'threads',
    'node',
    'direction',
    'granule',
    'map',
    'deviation',
    'a page',
    'unmap',
    'deviation',
    'a page',
  ];
  const rows = answer.runs.map((run) => [
    run.mode ?? '-',
    String(run.threads),
    String(run.node),
    run.direction,
    String(run.granule),
    timeText(run.mapUs * 1000),
    timeText(run.mapDeviationUs * 1000),
    timeText(run.mapNsPerPage),
    timeText(run.unmapUs * 1000),
    timeText(run.unmapDeviationUs * 1000),
    timeText(run.unmapNsPerPage),
  ]);
  return [...tableLines(header, rows), ''];
}

function differenceText(us: number, told: boolean): string {
  return told ? `${us > 0 ? '+' : '-'}${timeText(Math.abs(us) * 1000)}` : 'no difference beyond the last printed digit';
}

function pairText(pair: BenchmarkPair): string {
  const { setting, from, to } = pair;
  return `  - ${setting} ${from} to ${to}: map ${differenceText(pair.mapUs, pair.mapTold)}; unmap ${differenceText(pair.unmapUs, pair.unmapTold)}.`;
}

function sentence(text: string): string {
  return `  - ${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Prints the answer for a timing text. */
export function timingText(answer: TimingAnswer): string {
  const what =
    answer.kind === 'histogram'
      ? `${answer.histograms.length} histograms`
      : `dma_map_benchmark, ${answer.runs.length} runs`;
  return [
    `${answer.source}: ${what}`,
    '',
    ...answer.histograms.flatMap(histogramLines),
    ...runRows(answer),
    'What this says, and what it cannot tell:',
    ...answer.pairs.map(pairText),
    ...answer.limits.map(sentence),
    sentence(answer.suggestedRun.text),
    '',
  ].join('\n');
}
