/**
 * Numbers and lists in words.
 * @module
 */

const UNITS = ['B', 'K', 'M', 'G', 'T'] as const;

/** A size as people write it: 4K, 64K, 32M. */
export function sizeText(bytes: number): string {
  let [value, at] = [bytes, 0];
  while (value >= 1024 && value % 1024 === 0 && at < UNITS.length - 1) [value, at] = [value / 1024, at + 1];
  return `${value}${UNITS[at]}`;
}

function significant(value: number): string {
  if (Math.abs(value) < 1e-6) return '0';
  return Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/** Nanoseconds with a fitting unit and three digits. */
export function timeText(ns: number): string {
  if (Math.abs(ns) >= 999_500_000) return `${significant(ns / 1e9)} s`;
  if (Math.abs(ns) >= 999_500) return `${significant(ns / 1e6)} ms`;
  if (Math.abs(ns) >= 999.5) return `${significant(ns / 1000)} µs`;
  return `${significant(ns)} ns`;
}

/** A range of nanoseconds, with one unit for both ends; `high` may be infinite. */
export function rangeText(low: number, high: number): string {
  if (!Number.isFinite(high)) return `${timeText(low)} or more`;
  const most = Math.max(Math.abs(low), Math.abs(high));
  const [scale, unit] = most >= 999_500 ? [1e6, 'ms'] : most >= 999.5 ? [1e3, 'µs'] : [1, 'ns'];
  return `${significant(low / scale)} to ${significant(high / scale)} ${unit}`;
}

/** Microseconds as a table prints them. */
export function microseconds(ns: number): string {
  return `${Number((ns / 1000).toFixed(3))} µs`;
}

/** A ratio with three digits. */
export function ratioText(ratio: number): string {
  return significant(ratio);
}

/** A share as a percentage. */
export function percentText(share: number): string {
  const percent = 100 * share;
  return `${Math.abs(percent) < 10 ? Number(percent.toFixed(1)) : Math.round(percent)} %`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listText(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}
