/**
 * Names of series as legends print them, and the key that says what markers and dashes mean.
 * @module
 */
import { type Chart, EVIDENCE, type Evidence } from './chart.ts';

interface Named {
  readonly name: string;
  readonly evidence: Evidence;
}

/** What a chart draws, by name and origin: its series, or its rows for a range chart. */
export function namesOf(chart: Chart): readonly Named[] {
  if (chart.kind === 'heat') return [];
  return chart.kind === 'range' ? chart.rows : chart.series;
}

/** The name of a series with its origin beside it, unless it is a count. */
export function legendName({ name, evidence }: Named): string {
  return evidence === 'count' ? name : `${name} (${shortLabel(evidence)})`;
}

function shortLabel(evidence: Evidence): string {
  return evidence === 'this-engine' ? 'this engine' : evidence;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The letter of the series or name at `index`. */
export function letterOf(index: number): string {
  return LETTERS[index % LETTERS.length] ?? '?';
}

/** Index of the name of each item among the different names. */
export function nameIndices(items: readonly Named[]): number[] {
  const names = [...new Set(items.map(({ name }) => name))];
  return items.map(({ name }) => names.indexOf(name));
}

/** The kinds of evidence in a chart, each once, in order of appearance. */
export function evidenceOf(chart: Chart): Evidence[] {
  return [...new Set(namesOf(chart).map(({ evidence }) => evidence))];
}

/**
 * Sentences about where the numbers come from: with `shapes`, the key of markers and dashes; without, only what the
 * legend's one word leaves open.
 */
export function evidenceNotes(chart: Chart, shapes: boolean): string[] {
  const marked = shapes && chart.kind !== 'bar';
  return evidenceOf(chart).flatMap((evidence, _, all) => {
    const { label, marker, line } = EVIDENCE[evidence];
    const shape = chart.kind === 'range' ? line : `${marker}, ${line}`;
    const name = shortLabel(evidence);
    const meaning = label === name ? '' : `: ${label}`;
    if (marked) return all.length === 1 && evidence === 'count' ? [] : [`${name} (${shape})${meaning}`];
    return evidence === 'count' || meaning === '' ? [] : [`${name}${meaning}`];
  });
}
