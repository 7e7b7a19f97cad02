/**
 * The answer for a latency table as words and tables.
 * @module
 */
import { UNIT_ESTIMATOR } from '../cost/ranges.ts';
import type { Comparison } from './comparisons.ts';
import type { Fit, TableAnswer } from './table.ts';
import { listText, rangeText, ratioText, sizeText, tableLines, timeText } from './words.ts';

function sizesOf(fit: Fit): string {
  const [first, last] = [fit.rows[0], fit.rows.at(-1)];
  return first === undefined || last === undefined ? '' : `${sizeText(first.bytes)} to ${sizeText(last.bytes)}`;
}

function fitLines(answer: TableAnswer): string[] {
  const header = ['series', 'sizes', 'estimator', 'a page', 'leave one out', 'fixed', 'leave one out'];
  const rows = answer.fits.map((fit) => {
    const spread = (range: readonly [number, number] | undefined): string =>
      range === undefined ? '-' : rangeText(...range);
    const [page, fixed] = [spread(fit.leaveOneOut?.perPageNs), spread(fit.leaveOneOut?.fixedNs)];
    return [fit.series, sizesOf(fit), fit.estimator, timeText(fit.perPageNs), page, timeText(fit.fixedNs), fixed];
  });
  return ['Lines, time over pages:', ...tableLines(header, rows, 3), ''];
}

function comparisonLines(comparison: Comparison): string[] {
  const { from, to, changed, rows, limit, breakEvenBytes } = comparison;
  const ratios = rows.map(({ bytes, ratio }) => `${sizeText(bytes)} ${ratioText(ratio)}`).join(', ');
  const towards = limit === null ? '' : `; for large sizes ${ratioText(limit)} (ratio of the unweighted slopes)`;
  const even =
    breakEvenBytes === null ? 'never below by the lines' : `below from ${sizeText(breakEvenBytes)} (unweighted lines)`;
  const several = changed.length > 1 ? `  differs in ${listText(changed)} at once` : null;
  return [`  ${from} / ${to}: ${ratios}${towards}; ${to} is ${even}`, ...(several === null ? [] : [several])];
}

function comparisonsText(answer: TableAnswer): string[] {
  if (answer.comparisons.length === 0) return [];
  return [
    'Comparisons, measured time of the first over that of the second:',
    ...answer.comparisons.flatMap(comparisonLines),
    '',
  ];
}

function whereText(where: Readonly<Record<string, string>>): string {
  return Object.values(where).join(' ') || 'all';
}

function noiseLines(answer: TableAnswer): string[] {
  const { rule, factors } = answer.noise;
  const words = factors.map(({ where, factor, usedFactor }) => {
    const of = factors.length > 1 ? `${whereText(where)}: ` : '';
    return `  ${of}noise factor ${factor.toFixed(2)} (least at which the counts fit), ${usedFactor.toFixed(2)} used`;
  });
  return [`Noise of a row: ${rule}.`, ...words, ''];
}

function verdict(unit: TableAnswer['units'][number], grouped: boolean): string {
  if (unit.identifiable) return 'identified';
  if (unit.belowNoise) return 'not told from 0';
  return grouped ? 'inseparable, see below' : 'not identified';
}

function unitLines(answer: TableAnswer): string[] {
  if (answer.units.length === 0) return [];
  const several = answer.noise.factors.length > 1;
  const header = [...(several ? ['of'] : []), 'unit', 'estimate', 'range', 'verdict'];
  const rows = answer.units.map((unit) => {
    const sameProblem = answer.inseparable.filter((group) => whereText(group.where) === whereText(unit.where));
    const grouped = sameProblem.some((group) => group.units.includes(unit.unit));
    const estimate = unit.ns === null ? '-' : timeText(unit.ns);
    return [
      ...(several ? [whereText(unit.where)] : []),
      unit.unit,
      estimate,
      rangeText(unit.low, unit.high),
      verdict(unit, grouped),
    ];
  });
  const title = `Prices of the units (${UNIT_ESTIMATOR}; range: all non-negative prices within the noise):`;
  return [title, ...tableLines(header, rows, header.length), ''];
}

function groupLines(answer: TableAnswer): string[] {
  if (answer.inseparable.length === 0) return [];
  const several = answer.noise.factors.length > 1;
  const lines = answer.inseparable.map((group) => {
    const weights = group.units.map((unit) =>
      group.weights[unit] === 1 ? unit : `${Number((group.weights[unit] ?? 1).toPrecision(4))} × ${unit}`,
    );
    const sum = group.sumNs === null ? 'sum not identified' : `sum ${timeText(group.sumNs)}`;
    const of = several ? `${whereText(group.where)}: ` : '';
    return `  ${of}${weights.join(' + ')} (${group.exact ? 'exact' : 'within the noise'}): ${sum}, ${rangeText(group.low, group.high)}`;
  });
  const exact = 'exact: the counts keep one proportion in every row, so that no fit can tell them apart';
  const noisy = 'within the noise: none of them is needed, but not all of them can be free';
  return [`Inseparable (sums by ${UNIT_ESTIMATOR}; ${exact}; ${noisy}):`, ...lines, ''];
}

function suggestionLines(answer: TableAnswer): string[] {
  if (answer.suggestedRuns.length === 0) return [];
  const byText = new Map<string, TableAnswer['suggestedRuns'][number][]>();
  for (const run of answer.suggestedRuns) byText.set(run.text, [...(byText.get(run.text) ?? []), run]);
  const lines = [...byText].map(([text, runs]) => {
    const before = timeText(runs.reduce((sum, run) => sum + run.widthBefore, 0));
    const after = timeText(runs.reduce((sum, run) => sum + run.widthAfter, 0));
    const of = answer.noise.factors.length > 1 ? ` for ${listText(runs.map(({ where }) => whereText(where)))}` : '';
    return `  ${text}${of}: the summed ranges of the inseparable units shrink from ${before} to ${after} on average`;
  });
  return ['The run to make next:', ...lines, ''];
}

/** Prints an answer. */
export function tableText(answer: TableAnswer): string {
  const findings = answer.findings.filter(({ kind }) => kind !== 'inseparable').map((finding) => `  - ${finding.text}`);
  return [
    `${answer.source}`,
    '',
    ...fitLines(answer),
    ...comparisonsText(answer),
    ...noiseLines(answer),
    ...unitLines(answer),
    ...groupLines(answer),
    'What the numbers say, and what they cannot tell:',
    ...findings,
    '',
    ...suggestionLines(answer),
  ].join('\n');
}
