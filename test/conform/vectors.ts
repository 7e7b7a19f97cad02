/**
 * The shipped vectors, for tests.
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type ConformCase, type IovaVector, parseCases, parseVectors, type Vector } from '../../src/conform/index.ts';

const FOLDER = new URL('../vectors/', import.meta.url);

const NAMES = readdirSync(FOLDER).filter((name) => name.endsWith('.jsonl.gz'));

/** Names of the shipped files of page-table vectors. */
export const VECTOR_FILES: readonly string[] = NAMES.filter((name) => !/^(V_iova|R)_/.test(name));

/** Names of the shipped files of IOVA histories. */
export const IOVA_FILES: readonly string[] = NAMES.filter((name) => name.startsWith('V_iova'));

function textOf(name: string): string {
  return gunzipSync(readFileSync(new URL(name, FOLDER))).toString();
}

/** The vectors of one shipped file. */
export function readVectors(name: string): Vector[] {
  return parseVectors(name, textOf(name));
}

/** The cases of one shipped file, ready to run. */
export function readCases(name: string): ConformCase[] {
  return parseCases(name, textOf(name));
}

/** The IOVA histories of one shipped file. */
export function readIovaVectors(name: string): IovaVector[] {
  const lines = textOf(name).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as IovaVector);
}

/** One case of any kind, read as the program reads it. */
export function asCase(vector: unknown): ConformCase {
  const [one] = parseCases('one.jsonl', JSON.stringify(vector));
  if (one === undefined) throw new Error('no case');
  return one;
}

/** A page-table vector as its line says it, unread: what tests change before the program reads it. */
export interface Recorded {
  readonly id: string;
  readonly init: Readonly<Record<string, unknown>>;
  readonly regs_end?: Readonly<Record<string, unknown>>;
  readonly ops: readonly (Readonly<Record<string, unknown>> & { readonly op: string })[];
  readonly [key: string]: unknown;
}

/** The page-table vectors of one shipped file, unread. */
export function readRecords(name: string): Recorded[] {
  const lines = textOf(name).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Recorded);
}
