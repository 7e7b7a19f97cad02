// The rows as Markdown tables: all of them, and those of the README.
import { disagreement } from './figures.ts';
import { inFloors, type Row, reachedCold, reachedHot } from './row.ts';

function digits(value: number): string {
  if (value >= 10_000) return Math.round(value).toLocaleString('en-US');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function unitOf({ measure }: Row): string {
  return measure === 'ratio' ? ' ×' : ` ${measure}`;
}

function hotText(row: Row): string {
  return `${digits(row.value)}${unitOf(row)}`;
}

function floorsText(row: Row): string {
  const floors = inFloors(row);
  return floors === undefined || floors >= 1e6 ? '' : digits(floors);
}

function timeText(ns: number): string {
  return ns >= 1e6 ? `${digits(ns / 1e6)} ms` : ns >= 1000 ? `${digits(ns / 1000)} µs` : `${digits(ns)} ns`;
}

/** The first call as a whole. */
function coldText({ coldCallNs }: Row): string {
  return coldCallNs === undefined ? '' : timeText(coldCallNs);
}

function spreadText({ spread, samples, coldSamples = 0 }: Row): string {
  const counts = coldSamples === 0 ? `${samples}` : `${samples} + ${coldSamples}`;
  return spread === undefined ? counts : `${digits(spread.mad)} / ${digits(spread.p99)} / ${counts}`;
}

function linuxText({ linux }: Row): string {
  if (linux === undefined) return '';
  return linux.ns === undefined ? `${linux.floors} ×` : `${linux.ns} (${linux.floors} ×)`;
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

function goalText(row: Row): string {
  const hot = reachedHot(row);
  const cold = reachedCold(row);
  if (row.goal === undefined || hot === undefined) return 'reported';
  const { text, coldText = '' } = row.goal;
  return `${text}: ${yesNo(hot)}${cold === undefined ? '' : `; ${coldText}: ${yesNo(cold)}`}`;
}

function programText(row: Row): string {
  const off = disagreement(row);
  if (off === undefined) return '';
  return `${digits(row.cliValue ?? 0)} (${off < 0 ? '−' : '+'}${Math.abs(100 * off).toFixed(0)} %)`;
}

/** A Markdown table whose columns are aligned. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, i) => Math.max(3, ...all.map((row) => [...(row[i] ?? '')].length)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, i) => (row[i] ?? '') + ' '.repeat(width - [...(row[i] ?? '')].length)).join(' | ')} |`;
  return [line(header), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}

/** All rows. */
export function markdown(rows: readonly Row[]): string {
  return table(
    [
      'work',
      'inside the timing',
      'hot',
      '× floor',
      'cold, first call',
      'MAD / p99 / samples hot + cold',
      'goal, reached',
      '`iommu bench`',
      'Linux 6.1 C, hot',
    ],
    rows.map((row) => [
      row.work,
      row.inside,
      hotText(row),
      floorsText(row),
      coldText(row),
      spreadText(row),
      goalText(row),
      programText(row),
      linuxText(row),
    ]),
  );
}

/** The rows of the README. */
export function shortMarkdown(rows: readonly Row[]): string {
  return table(
    ['work', 'hot', '× floor', 'cold, first call', '`iommu bench`', 'goal, reached', 'Linux 6.1 C, hot'],
    rows.map((row) => [
      row.work,
      hotText(row),
      floorsText(row),
      coldText(row),
      programText(row),
      goalText(row),
      linuxText(row),
    ]),
  );
}
