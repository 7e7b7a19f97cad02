/**
 * Lines of an input that were not understood: how many, of how many, and the first of them. What was not understood is
 * said on the first screen, for what was looked for may be in it.
 * @module
 */
import { cutTo } from '../errors.ts';
import type { Answer } from '../report/answer.ts';
import { formatNumber } from '../report/number.ts';
import type { GraphStats } from '../trace/function-graph.ts';
import type { ReadStats } from '../trace/stats.ts';
import { CUT_OFF } from '../trace/text-reader.ts';

/** The first of them. */
export interface FirstNotUnderstood {
  /** Number of the file from 1, in the order given; null where there is one file. */
  readonly file: number | null;
  /** Number of the line from 1; null for a record of a trace.dat, which has no lines. */
  readonly line: number | null;
  /** Why it was not understood; null where the reader gives no reason. */
  readonly reason: string | null;
  /** The line, cut to 200 characters. */
  readonly text: string;
}

/** Lines, or records of a trace.dat, that were not understood. */
export interface NotUnderstood {
  readonly count: number;
  /** All lines, headers and empty ones among them. */
  readonly of: number;
  readonly first: FirstNotUnderstood | null;
  /** Present where the last line of a file has no newline: its end may be missing. */
  readonly cutOff?: true;
}

/** Characters of a line in a note. */
const SHOWN = 80;

/** A line as part of a sentence: blanks joined, cut to 80 characters. The faces show control characters by their code. */
export function shortened(line: string): string {
  return cutTo(line.trim().replace(/\s+/g, ' '), SHOWN);
}

/** What the readers of traces did not understand; `stats` are those of the files in order. */
export function notUnderstoodOf(stats: readonly ReadStats[]): NotUnderstood {
  const rows = stats.flatMap(({ skipped }, index) =>
    skipped.filter(({ understood }) => !understood).map((row) => ({ ...row, file: index + 1 })),
  );
  const [first] = rows.toSorted((a, b) => a.file - b.file || a.line - b.line);
  return {
    count: rows.reduce((sum, { count }) => sum + count, 0),
    of: stats.reduce((sum, { lines }) => sum + lines, 0),
    first:
      first === undefined
        ? null
        : {
            file: stats.length > 1 ? first.file : null,
            line: first.line === 0 ? null : first.line,
            reason: first.reason,
            text: first.firstLine,
          },
    ...(rows.some(({ reason }) => reason === CUT_OFF) ? { cutOff: true } : {}),
  };
}

type GraphLines = Pick<GraphStats, 'lines' | 'unread' | 'firstUnread' | 'firstUnreadText' | 'cutOff'>;

/** The same of function_graph text, as its reader counts it. */
export function graphLines({ lines, unread, firstUnread, firstUnreadText, cutOff }: GraphLines): NotUnderstood {
  const first = { file: null, line: firstUnread, reason: null, text: firstUnreadText };
  return { count: unread, of: lines, first: firstUnread === null ? null : first, ...(cutOff ? { cutOff } : {}) };
}

function counted({ count, of, first }: NotUnderstood): string {
  const unit = first !== null && first.line === null ? 'record' : 'line';
  return `${formatNumber(count)} of ${formatNumber(of)} ${of === 1 ? unit : `${unit}s`}`;
}

/** `3 of 302 lines were not understood.`; empty where all were. `whose`: ` of the trace`. */
export function notUnderstoodSentence(found: NotUnderstood, whose = '', may = ''): string {
  const cut = found.cutOff === true ? `The last line${whose} has no newline: the end may be missing.` : '';
  if (found.count === 0) return cut;
  const words = `${counted(found)}${whose} ${found.count === 1 ? 'was' : 'were'} not understood${may}.`;
  return cut === '' ? words : `${words} ${cut}`;
}

/** The note with the first of them; none where all lines were understood. `whose`: ` of A`. */
export function notUnderstoodNotes(found: NotUnderstood, whose = ''): string[] {
  const { count, first } = found;
  if (count === 0) return [];
  const all = `not understood: ${counted(found)}${whose}`;
  if (first === null) return [all];
  const line = first.line === null ? '' : ` is line ${first.line}`;
  const file = first.file === null ? '' : `${line === '' ? ' is' : ''} of file ${first.file}`;
  const why = first.reason === null ? '' : ` (${first.reason})`;
  return [`${all}; the first${line}${file}${why}: ${shortened(first.text)}`];
}

/** The answer to a question about a trace, with what was not understood of it in verdict and notes. */
export function withNotUnderstood<Data extends object>(
  answer: Answer<Data>,
  found: NotUnderstood,
  whose = '',
): Answer<Data> {
  if (found.count === 0 && found.cutOff !== true) return answer;
  const may = answer.outcome === 'unusable' ? ': what is missing here may be among them' : '';
  return {
    ...answer,
    verdict: `${answer.verdict} ${notUnderstoodSentence(found, whose, may)}`,
    notes: [...notUnderstoodNotes(found, whose), ...answer.notes],
  };
}
