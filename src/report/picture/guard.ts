/**
 * Keeps texts from outside away from a trap in ECharts: its renderer looks text widths up in a plain object, where
 * a text such as `__proto__` or `constructor` finds, and then changes, what every object of the process inherits.
 * So each line begins with a character that no text can hold, and loses it again in the picture.
 * @module
 */
import type { Options } from './frame.ts';

/** A Unicode noncharacter; texts from outside have lost theirs (`plainText`). */
const MARK = '\ufdd0';

const TEXT_KEYS: ReadonlySet<string> = new Set(['text', 'name', 'data']);

/** The text with each line marked. */
export function guardText(text: string): string {
  return text
    .split('\n')
    .map((line) => MARK + line)
    .join('\n');
}

function guard(key: string, value: unknown): unknown {
  if (typeof value === 'string') return TEXT_KEYS.has(key) ? guardText(value) : value;
  if (Array.isArray(value)) return value.map((item: unknown) => guard(key, item));
  return typeof value === 'object' && value !== null ? guardTexts(value as Options) : value;
}

/** The options with every text in them marked. */
export function guardTexts(options: Options): Options {
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [key, guard(key, value)]));
}

/** The picture, or a text, without the marks. */
export function unguard(text: string): string {
  return text.replaceAll(MARK, '');
}
