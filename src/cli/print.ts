/**
 * An answer printed: in the form that was asked for, to the file or to standard output, through a pager where it is longer
 * than the screen. Renderers are loaded only when their form is asked for.
 * @module
 */
import { openSync, writeFileSync, writeSync } from 'node:fs';
import type { Answer, Outcome } from '../report/answer.ts';
import { showControlsOfLines } from '../report/controls.ts';
import { EXIT, UsageError } from './exit.ts';
import type { Form, Output } from './forms.ts';
import { unwritable } from './system-errors.ts';

const STATUS: Readonly<Record<Outcome, number>> = {
  fine: EXIT.ok,
  findings: EXIT.findings,
  unusable: EXIT.input,
};

/** Makes the text of a form that only one verb has. */
export type OwnForms = Partial<Record<Form, () => string | Uint8Array>>;

function onlySection(answer: Answer, id: string | undefined): Answer {
  if (id === undefined) return answer;
  const sections = answer.sections.filter((one) => one.id === id).map((one) => ({ ...one, rank: 'main' as const }));
  if (sections.length === 0) {
    throw new UsageError(`--section: expected ${answer.sections.map((one) => one.id).join(', ')}, got ${id}`);
  }
  const { csv: _, ...rest } = answer;
  return { ...rest, sections };
}

async function textOf(answer: Answer, output: Output): Promise<string> {
  const { answerToText } = await import('../report/answer-text.ts');
  const text = answerToText(answer, { ...output, ruled: output.terminal });
  return showControlsOfLines(text, output.color);
}

function orRefuse(text: string | undefined, form: Form, missing: string): string {
  if (text !== undefined) return text;
  throw new UsageError(
    `--output: ${form} needs ${missing}, and this answer has none; expected text, json, markdown or html`,
  );
}

/**
 * An answer in the form that was asked for.
 * @throws UsageError for a form that this answer cannot have.
 */
export async function renderAnswer(whole: Answer, output: Output, own: OwnForms = {}): Promise<string | Uint8Array> {
  const special = own[output.form];
  if (special !== undefined) return special();
  const answer = onlySection(whole, output.section);
  switch (output.form) {
    case 'json':
      return (await import('../report/answer-data.ts')).answerToJson(answer);
    case 'ndjson':
      return (await import('../report/answer-data.ts')).answerToNdjson(answer);
    case 'csv':
      return orRefuse((await import('../report/answer-data.ts')).answerToCsv(answer), 'csv', 'a table');
    case 'markdown':
      return (await import('../report/answer-markdown.ts')).answerToMarkdown(answer, output.bytes);
    case 'html':
      return (await import('../report/answer-html.ts')).answerToHtml(answer, answer.schema.replace('.', ' '));
    case 'svg':
      return orRefuse((await import('../report/answer-svg.ts')).answerToSvg(answer), 'svg', 'a picture');
    default:
      return await textOf(answer, output);
  }
}

/**
 * Writes a file that `--output` named.
 * @throws InputError `UNWRITABLE`.
 */
export function writeFile(file: string, data: string | Uint8Array): void {
  orUnwritable(file, () => writeFileSync(file, data));
}

function orUnwritable<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

/**
 * Writes bytes piece by piece to a file, or to standard output where it is null, so that they need no memory.
 * @throws InputError `UNWRITABLE`, at once or with a piece.
 */
export function pieceSink(file: string | null): (bytes: Uint8Array) => void {
  if (file === null) return (bytes) => void process.stdout.write(bytes);
  const descriptor = orUnwritable(file, () => openSync(file, 'w'));
  return (bytes) => void orUnwritable(file, () => writeSync(descriptor, bytes));
}

function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}

/** Shows a text in the pager of the user; false where there is none. */
async function page(text: string): Promise<boolean> {
  const [command = '', ...args] = (process.env['PAGER'] ?? 'less').split(' ').filter((word) => word !== '');
  if (command === '' || command === 'cat') return false;
  const { spawnSync } = await import('node:child_process');
  const env = { LESS: 'FRX', ...process.env };
  const { error } = spawnSync(command, args, { input: text, stdio: ['pipe', 'inherit', 'inherit'], env });
  return error === undefined || (error as NodeJS.ErrnoException).code === 'EPIPE';
}

async function show(data: string | Uint8Array, { screen, form }: Output): Promise<void> {
  const long = typeof data === 'string' && form === 'text' && screen !== undefined && countLines(data) >= screen;
  if (!(long && (await page(data as string)))) process.stdout.write(data);
}

/** Prints an answer and sets the exit status that its outcome stands for. */
export async function printAnswer(answer: Answer, output: Output, own: OwnForms = {}): Promise<void> {
  process.exitCode = STATUS[answer.outcome];
  const data = await renderAnswer(answer, output, own);
  if (output.file === null) await show(data, output);
  else writeFile(output.file, data);
}
