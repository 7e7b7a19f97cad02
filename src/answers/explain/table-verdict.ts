/**
 * The verdict about a latency table: what the gain is made of, what cannot be told apart, and the run that tells most.
 * @module
 */
import type { Gain } from '../../explain/gains.ts';
import type { TableAnswer } from '../../explain/table.ts';
import { listText, rangeText, ratioText, sizeText, timeText } from '../../explain/words.ts';
import { plural } from '../tables/subject.ts';

/** A difference below this share is said to be one. */
const EQUAL = 0.05;
/** A part below this share of the whole difference is left to the tables. */
const WORTH_A_WORD = 0.1;

function gainSentence({ from, to, bytes, fromNs, toNs }: Gain): string {
  const ratio = fromNs / toNs;
  const [fast, slow] = ratio > 1 ? [to, from] : [from, to];
  const times = `${timeText(Math.min(fromNs, toNs))} against ${timeText(Math.max(fromNs, toNs))}`;
  if (Math.abs(ratio - 1) < EQUAL)
    return `${fast} and ${slow} differ by less than 5 % at ${sizeText(bytes)}: ${times}.`;
  return `${fast} is ${ratioText(Math.max(ratio, 1 / ratio))} times as fast as ${slow} at ${sizeText(bytes)}: ${times}.`;
}

function partsSentence({ parts, fromNs, toNs }: Gain): string | null {
  const whole = Math.abs(fromNs - toNs);
  const sign = fromNs > toNs ? 1 : -1;
  const paid = parts
    .map(({ units, low, high }) => ({
      units,
      low: Math.min(sign * low, sign * high),
      high: Math.max(sign * low, sign * high),
    }))
    .filter(({ low, high }) => (low + high) / 2 > WORTH_A_WORD * whole);
  if (paid.length === 0) return null;
  const words = paid.map(({ units, low, high }) => {
    const together = units.length > 1 ? ' (the table cannot tell them apart)' : '';
    return `${rangeText(low, high)} for ${listText(units)}${together}`;
  });
  return `The difference of ${timeText(whole)} is ${words.join('; ')}.`;
}

/** Without anything to hold against each other: what a page costs. */
function lineSentence({ fits }: TableAnswer): string {
  const [fit] = fits;
  if (fit === undefined) return 'No series has two sizes, so no line can be drawn.';
  const cost = `${timeText(fit.perPageNs)} a page and ${timeText(fit.fixedNs)} a list`;
  return `${fit.series}: ${cost} (${fit.estimator}).`;
}

function limitSentence({ units, inseparable }: TableAnswer): string {
  if (units.length === 0)
    return 'The table gives no prices of units: the work of its rows is not known, or has too few sizes.';
  if (inseparable.length === 0) return '';
  const most = inseparable.reduce((a, b) => (b.units.length > a.units.length ? b : a));
  return `The table cannot tell ${listText(most.units)} apart.`;
}

function runSentence({ suggestedRun }: TableAnswer): string {
  return suggestedRun === null ? '' : `The run that tells most: ${suggestedRun.text}.`;
}

/** One to three sentences about a table. */
export function tableVerdict(answer: TableAnswer): string {
  const [gain] = answer.gains;
  const more = answer.gains.length > 1 ? ` (the largest of ${plural(answer.gains.length, 'comparison')})` : '';
  const first = gain === undefined ? lineSentence(answer) : gainSentence(gain).replace(/\.$/, `${more}.`);
  const parts = gain === undefined ? null : partsSentence(gain);
  const limit = parts?.includes('cannot tell them apart') === true ? '' : limitSentence(answer);
  const second = parts === null ? limit : parts;
  return [first, second, runSentence(answer)].filter((sentence) => sentence !== '').join(' ');
}
