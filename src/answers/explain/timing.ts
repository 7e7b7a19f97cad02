/**
 * The evidence in a timing text: histograms of one function, averages of dma_map_benchmark.
 * @module
 */
import type { BenchmarkPair, Bounds, HistogramTimes, TimingAnswer } from '../../explain/timing.ts';
import { rangeText, timeText } from '../../explain/words.ts';
import { listSection, type Section, tableSection } from '../../report/answer.ts';
import { formatNumber } from '../../report/number.ts';
import type { Table } from '../../report/table.ts';
import { plural } from '../tables/subject.ts';

function boundsText({ low, high }: Bounds, unit: HistogramTimes['unit']): string {
  const text = unit === 'ns' ? timeText : String;
  if (low === null) return high === null ? 'not known' : `below ${text(high)}`;
  if (high === null) return `${text(low)} or more`;
  return unit === 'ns' ? rangeText(low, high) : `${low} to ${high}`;
}

function nameOf({ name }: HistogramTimes): string {
  return name ?? 'function not named';
}

function figureTable({ histograms }: TimingAnswer): Table {
  return {
    columns: [
      { title: 'function' },
      { title: 'calls', unit: 'count' },
      { title: 'median', align: 'right' },
      { title: 'p99', align: 'right' },
      { title: 'longest', align: 'right', drop: 2 },
      { title: 'mean', align: 'right', drop: 1 },
    ],
    rows: histograms.map((of) => [
      nameOf(of),
      of.count,
      ...[of.median, of.p99, of.most, of.mean].map((bounds) => boundsText(bounds, of.unit)),
    ]),
  };
}

function bucketTable({ histograms }: TimingAnswer): Table {
  return {
    columns: [
      { title: 'function' },
      { title: 'time', align: 'right' },
      { title: 'calls', unit: 'count' },
      { title: 'share', unit: 'share' },
    ],
    rows: histograms.flatMap((of) =>
      of.buckets.map((bucket) => [nameOf(of), boundsText(bucket, of.unit), bucket.count, bucket.share]),
    ),
  };
}

function runTable({ runs }: TimingAnswer): Table {
  return {
    columns: [
      { title: 'mode', drop: 1 },
      { title: 'threads', unit: 'count' },
      { title: 'node', drop: 6, align: 'right' },
      { title: 'direction', drop: 5 },
      { title: 'granule', unit: 'count', drop: 4 },
      { title: 'map', unit: 'ns' },
      { title: 'map deviation', unit: 'ns', drop: 8 },
      { title: 'map a page', unit: 'ns', drop: 3 },
      { title: 'unmap', unit: 'ns' },
      { title: 'unmap deviation', unit: 'ns', drop: 7 },
      { title: 'unmap a page', unit: 'ns', drop: 2 },
    ],
    rows: runs.map((run) => [
      run.mode,
      run.threads,
      String(run.node),
      run.direction,
      run.granule,
      run.mapUs * 1000,
      run.mapDeviationUs * 1000,
      run.mapNsPerPage,
      run.unmapUs * 1000,
      run.unmapDeviationUs * 1000,
      run.unmapNsPerPage,
    ]),
  };
}

function differenceText(us: number, told: boolean): string {
  return told ? `${us > 0 ? '+' : '-'}${timeText(Math.abs(us) * 1000)}` : 'no difference beyond the last printed digit';
}

function pairText({ setting, from, to, mapUs, mapTold, unmapUs, unmapTold }: BenchmarkPair): string {
  return `${setting} ${from} to ${to}: map ${differenceText(mapUs, mapTold)}; unmap ${differenceText(unmapUs, unmapTold)}`;
}

/** Sections of the answer about a timing text. */
export function timingSections(answer: TimingAnswer): Section[] {
  if (answer.kind === 'histogram') {
    return [
      tableSection('histograms', 'Figures', figureTable(answer)),
      tableSection('buckets', 'Buckets', bucketTable(answer)),
    ];
  }
  const pairs = answer.pairs.map(pairText);
  return [
    tableSection('runs', 'Runs', runTable(answer)),
    ...(pairs.length === 0 ? [] : [listSection('pairs', 'Runs that differ in one setting', pairs)]),
  ];
}

function histogramSentence(answer: TimingAnswer): string {
  const [first] = answer.histograms.toSorted((a, b) => b.count - a.count);
  if (first === undefined) return '';
  const others =
    answer.histograms.length > 1 ? ` (the most calls of ${plural(answer.histograms.length, 'histogram')})` : '';
  const figures = `median ${boundsText(first.median, first.unit)}, p99 ${boundsText(first.p99, first.unit)}`;
  return `${nameOf(first)}: ${figures} in ${formatNumber(first.count)} calls${others}. A histogram does not say where inside the function the time goes.`;
}

function benchmarkSentence({ runs, pairs }: TimingAnswer): string {
  const [run] = runs;
  if (run === undefined) return '';
  const [pair] = pairs;
  const times = `a map takes ${timeText(run.mapUs * 1000)} and an unmap ${timeText(run.unmapUs * 1000)} on average`;
  const of = `${plural(run.threads, 'thread')}${run.mode === null ? '' : `, ${run.mode}`}`;
  const differ = pair === undefined ? '' : ` ${pairText(pair).replace(/^./, (letter) => letter.toUpperCase())}.`;
  return `With ${of}, ${times}.${differ} Averages do not say where inside a call the time goes.`;
}

/** One to three sentences about a timing text. */
export function timingVerdict(answer: TimingAnswer): string {
  return answer.kind === 'histogram' ? histogramSentence(answer) : benchmarkSentence(answer);
}

/** What limits the answer, and the run that tells more. */
export function timingNotes(answer: TimingAnswer): string[] {
  return [...answer.limits, answer.suggestedRun.text];
}

/** The rows of CSV: buckets, or runs. */
export function timingRows(answer: TimingAnswer): Table {
  return answer.kind === 'histogram' ? bucketTable(answer) : runTable(answer);
}
