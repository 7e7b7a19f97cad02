/**
 * An answer for programs: JSON, NDJSON, CSV.
 * @module
 */
import { type Answer, tablesOf } from './answer.ts';
import { tableToCsv } from './csv.ts';
import { toJson, toNdjson } from './json.ts';
import type { Table } from './table.ts';

/** The JSON document: schema, version, outcome and verdict first, then the data, the notes last. */
export function answerDocument({ schema, version, outcome, verdict, data, notes }: Answer): object {
  return { schema, version, outcome, verdict, ...data, notes };
}

/** The answer as JSON text. */
export function answerToJson(answer: Answer): string {
  return `${toJson(answerDocument(answer))}\n`;
}

/** The answer as lines of JSON: a line a record, or the whole document in one line. */
export function answerToNdjson(answer: Answer): string {
  return [...toNdjson(answer.records ?? [answerDocument(answer)])].join('');
}

/** The table that CSV prints; undefined where an answer has none. */
export function csvTableOf(answer: Answer): Table | undefined {
  return answer.csv ?? tablesOf(answer)[0];
}

/** The answer's table as CSV; undefined where it has none. */
export function answerToCsv(answer: Answer): string | undefined {
  const table = csvTableOf(answer);
  return table === undefined ? undefined : tableToCsv(table);
}
