// Small corpora of inputs that reached code which no earlier one did: test/fuzz/corpus/READER.jsonl.gz, one input a line.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { CORPUS } from './corpus.mjs';

const FOLDER = new URL('../../test/fuzz/corpus/', import.meta.url);
const NOT_A_NAME = /[^a-z0-9]+/g;

function fileOf(reader) {
  return new URL(`${reader.replace(NOT_A_NAME, '-')}.jsonl.gz`, FOLDER);
}

/** An input as data for a file: what lies beside it is a sample that ships with the tests, by its folder. */
export function encodeInput({ bytes, beside }) {
  return { bytes: Buffer.from(bytes).toString('base64'), ...(beside === undefined ? {} : { beside }) };
}

/** The other way. */
export function decodeInput(reader, { bytes, beside }) {
  const sample = beside === undefined ? {} : CORPUS[reader].find((one) => one.beside === beside);
  return { ...sample, bytes: new Uint8Array(Buffer.from(bytes, 'base64')) };
}

/** Inputs kept of a reader. */
export function readKept(reader) {
  const file = fileOf(reader);
  if (!existsSync(file)) return [];
  const lines = gunzipSync(readFileSync(file)).toString().split('\n');
  return lines.filter((line) => line !== '').map((line) => decodeInput(reader, JSON.parse(line)));
}

/** Replaces the inputs kept of a reader. */
export function writeKept(reader, inputs) {
  mkdirSync(FOLDER, { recursive: true });
  const text = inputs.map((input) => `${JSON.stringify(encodeInput(input))}\n`).join('');
  writeFileSync(fileOf(reader), gzipSync(text, { level: 9 }));
}
