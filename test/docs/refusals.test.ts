/** Every refusal says what was expected and what was got (docs/words.md), behind the name of the argument or the input. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'vite';
import { describe, expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));
const FILES = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
/** What the system says of a file that cannot be read or written is passed on as it is. */
const OF_THE_SYSTEM = /^'(?:UNREADABLE|UNWRITABLE)'/;

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly callee?: { readonly name?: unknown };
  readonly arguments?: Node[];
}

/** The `new` expressions of a tree, with the names of their classes. */
function* newsOf(node: unknown): Generator<{ readonly start: number; readonly name: unknown; readonly args: Node[] }> {
  if (Array.isArray(node)) for (const one of node) yield* newsOf(one);
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
  const { type, start, callee, arguments: args } = node as Node;
  if (type === 'NewExpression') yield { start, name: callee?.name, args: args ?? [] };
  yield* newsOf(Object.values(node));
}

/** A message that is a name: what the nearest line above gives it. */
function resolved(text: string, at: number, message: string): string {
  if (!/^\w+$/.test(message)) return message;
  const above = text.slice(0, at);
  const given = above.lastIndexOf(`const ${message} =`);
  return given < 0 ? message : above.slice(given, above.indexOf(';', given));
}

interface Refusal {
  readonly where: string;
  readonly code: string;
  readonly message: string;
}

function refusalsIn(text: string, file: string): Refusal[] {
  const news = [...newsOf(parseAst(text, { lang: 'ts' }).body)];
  return news
    .filter(({ name }) => name === 'IommuError' || name === 'InputError')
    .map(({ start, args }) => {
      const [code = '', , message = ''] = args.map((arg) => text.slice(arg.start, arg.end));
      const where = `${file}:${text.slice(0, start).split('\n').length}`;
      return { where, code, message: resolved(text, start, message) };
    });
}

const REFUSALS = FILES.flatMap((file) => refusalsIn(readFileSync(join(SRC, file), 'utf8'), file));

/** Messages that are made elsewhere: another error's, a verdict, or of parts that have the form. */
const PASSED_ON = [
  'answers/explain/read.ts', // NO_DURATIONS, by format
  'cli/compare.ts', // the verdict of an answer that is unusable
  'cli/tables.ts', // the refusal of a geometry, as that of the snapshot that holds it
  'errors.ts', // inputs without a byte
  'gen/image.ts', // the refusal of a mapping, with its line
  'gen/map-list.ts',
  'trace/apart/failure.ts', // an error of another thread
  'trace/trace-dat/compression.ts',
];

describe('every refusal of src', () => {
  test('is found', () => {
    expect(REFUSALS.length).toBeGreaterThan(300);
    const text = "const why = 'no';\nthrow new IommuError('EMPTY', name(1, 2), why, { a });";
    expect(refusalsIn(text, 'x')).toEqual([{ where: 'x:2', code: "'EMPTY'", message: "const why = 'no'" }]);
  });

  test('says expected and got', () => {
    const odd = REFUSALS.filter(({ code, message }) => {
      return !OF_THE_SYSTEM.test(code) && !(/\bexpected\b/.test(message) && /\bgot\b/.test(message));
    });
    const elsewhere = odd.filter(({ where }) => PASSED_ON.includes(where.replace(/:\d+$/, '')));
    expect(odd.filter((one) => !elsewhere.includes(one))).toEqual([]);
    expect(new Set(elsewhere.map(({ where }) => where.replace(/:\d+$/, '')))).toEqual(new Set(PASSED_ON));
  });
});
