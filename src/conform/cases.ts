/**
 * Files of recorded cases: each line is told apart by its keys, checked, and run by its kind.
 * @module
 */
import { checkText, emptyInput, InputError } from '../errors.ts';
import { wrongIovaKey } from './iova-schema.ts';
import { type IovaVector, runIovaVector } from './iova-vector.ts';
import { isPackHeader, PackReader } from './pack/pack.ts';
import { runRiscvCase, wrongRiscvKey } from './riscv-case.ts';
import { runVector, type VectorResult } from './run.ts';
import { wrongKey } from './schema.ts';
import { isObject, own } from './shape.ts';
import type { GenericVector, Vector } from './vector.ts';

/** One recorded case, ready to run. */
export interface ConformCase {
  readonly id: string;
  /** Runs it to its first difference; throws nothing. */
  run(): VectorResult;
}

/** A schema of recorded cases. */
interface Kind {
  /** What a line of it is called, in errors. */
  readonly name: string;
  /** Keys that only this kind has; the last kind has none and takes the rest. */
  readonly marks: readonly string[];
  /** The first key that is missing or wrong. */
  readonly wrongKey: (value: unknown) => string | undefined;
  readonly run: (value: never) => VectorResult;
}

const TABLES: Kind = {
  name: 'vector',
  marks: [],
  wrongKey,
  run: (value: Vector | GenericVector) => runVector(value),
};

const IOVA: Kind = {
  name: 'history of the IOVA allocator',
  marks: ['kernel', 'state'],
  wrongKey: wrongIovaKey,
  run: (value: IovaVector) => runIovaVector(value),
};

const RISCV_REQUESTS: Kind = {
  name: 'translation request',
  marks: ['req', 'ans', 'mem'],
  wrongKey: wrongRiscvKey,
  run: runRiscvCase,
};

/** A pack's header is a short line. */
const MOST_HEADER = 65_536;

const KINDS: readonly Kind[] = [IOVA, RISCV_REQUESTS, TABLES];

function kindOf(value: unknown): Kind {
  const record = isObject(value) ? value : {};
  return KINDS.find(({ marks }) => marks.every((key) => own(record, key) !== undefined)) ?? TABLES;
}

function parseLine(source: string, line: string, number: number): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch (cause) {
    throw new InputError(
      'MALFORMED',
      source,
      `line ${number}: expected JSON, got other text: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        line: number,
      },
    );
  }
}

function* checkedLines(source: string, text: string): Generator<{ kind: Kind; value: unknown }> {
  let found = 0;
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const value = parseLine(source, line, i + 1);
    const kind = kindOf(value);
    const wrong = kind.wrongKey(value);
    if (wrong !== undefined) {
      const message = `line ${i + 1}: expected a ${kind.name}, got one whose ${wrong} is missing or wrong`;
      throw new InputError('MALFORMED', source, message, { line: i + 1, key: wrong });
    }
    found++;
    yield { kind, value };
  }
  if (text === '') throw emptyInput('NO_EVENTS', source, 'vectors, a JSON object a line');
  if (found === 0) throw new InputError('NO_EVENTS', source, 'expected vectors, a JSON object a line, got none');
}

/** Reads a pack: one header, then its images and cases. */
function packCases(source: string, text: string): ConformCase[] {
  let reader: PackReader | undefined;
  const cases: ConformCase[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const value = parseLine(source, line, i + 1);
    if (reader === undefined) reader = new PackReader(source, value);
    else cases.push(...[reader.read(value, i + 1)].filter((each) => each !== undefined));
  }
  if (cases.length === 0) throw new InputError('NO_EVENTS', source, 'expected cases below the header, got none');
  return cases;
}

/** Whether a file is a pack: its first line says so. */
function isPack(text: string): boolean {
  const first = text.slice(0, MOST_HEADER).trimStart().split('\n', 1)[0] ?? '';
  try {
    return isPackHeader(JSON.parse(first));
  } catch {
    return false;
  }
}

/**
 * Reads the cases of one file, of whatever schema.
 * @param source name of the file, for errors
 * @throws InputError `MALFORMED` with the line, `NO_EVENTS` where there is none.
 */
export function parseCases(source: string, text: string): ConformCase[] {
  checkText('text', text);
  checkText('source', source);
  if (isPack(text)) return packCases(source, text);
  return Array.from(checkedLines(source, text), ({ kind, value }) => ({
    id: String((value as { readonly id: unknown }).id),
    run: () => kind.run(value as never),
  }));
}

/**
 * Reads the vectors of io-pgtable of one file.
 * @param source name of the file, for errors
 * @throws InputError as {@link parseCases}
 */
export function parseVectors(source: string, text: string): Vector[] {
  checkText('text', text);
  checkText('source', source);
  return Array.from(checkedLines(source, text), ({ value }) => value as Vector);
}
