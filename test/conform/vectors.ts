/**
 * The shipped vectors, for tests.
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type ConformCase, parseCases, parseVectors, type Vector } from '../../src/conform/index.ts';

const FOLDER = new URL('../vectors/', import.meta.url);

/** Names of the shipped vector files. */
export const VECTOR_FILES: readonly string[] = readdirSync(FOLDER).filter((name) => name.endsWith('.jsonl.gz'));

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
