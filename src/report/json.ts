/**
 * JSON text: 64-bit values as `0x…` text.
 * @module
 */
import { hex } from '../address.ts';
import { escapeControlsOfJson } from './controls.ts';

/** Puts schema and version in front of a document that is not an `Answer`: metadata, a record of the program. */
export function answer<Body extends object>(
  schema: string,
  version: number,
  body: Body,
): { readonly schema: string; readonly version: number } & Body {
  return { schema, version, ...body };
}

function replacer(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return hex(value);
  return typeof value === 'number' && !Number.isFinite(value) ? null : value;
}

/**
 * JSON text: each `bigint` as `0x…` text, each number that JSON has not (infinite, none) as `null`, each character that
 * would steer a terminal as `\uXXXX`.
 */
export function toJson(value: object, indent = 2): string {
  return escapeControlsOfJson(JSON.stringify(value, replacer, indent));
}

/** One JSON line a value. */
export function* toNdjson(values: Iterable<object>): Generator<string> {
  for (const value of values) yield `${toJson(value, 0)}\n`;
}
