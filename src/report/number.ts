/**
 * Numbers as people read them. One convention everywhere: thousands are grouped with commas (plain ASCII, which a
 * spreadsheet reads back), the decimal sign is a point, and a unit follows after one space. Sizes are powers of two:
 * exact ones as `4K`, `2M`, `1G`, others rounded to three digits with an `i` in the unit (`13.2 MiB`).
 * @module
 */
import { formatSize } from '../address.ts';

/** What a number counts; decides how it is printed and where an axis puts its marks. */
export type Unit = 'count' | 'bytes' | 'ns' | 'seconds' | 'share' | 'ratio' | 'plain';

const TIME_UNITS: readonly (readonly [number, string])[] = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
  [1, 'ns'],
];

const SIZE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

function group(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A number with `digits` significant digits (never fewer than its whole part has), thousands grouped: `1,234`, `0.0123`. */
export function formatNumber(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'none' : value < 0 ? '−∞' : '∞';
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return (value < 0 ? '-' : '') + group(String(Math.abs(value)));
  if (Math.abs(value) >= 1e15 || Math.abs(value) < 1e-6) return value.toPrecision(digits);
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value))));
  const [whole = '0', rest = ''] = Math.abs(value).toFixed(Math.min(decimals, 20)).split('.');
  const fraction = rest.replace(/0+$/, '');
  return `${value < 0 ? '-' : ''}${group(whole)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** A time in nanoseconds in the unit that suits it: `250 ns`, `1.23 µs`, `45.6 ms`, `2 s`. */
export function formatNs(ns: number): string {
  const size = Math.abs(ns);
  const [scale, name] = TIME_UNITS.find(([least]) => size >= least * 0.9995) ?? [1, 'ns'];
  return `${formatNumber(rounded(ns / scale), 3)} ${name}`;
}

/** A size in bytes for reading: exact powers of 1024 in short form (`4K`), others rounded (`13.2 MiB`). */
export function formatBytes(bytes: number): string {
  const exact = formatSize(bytes);
  if (Number.isInteger(bytes) && Number.parseInt(exact, 10) < 1024 && bytes !== 0) {
    return /\d$/.test(exact) ? `${exact} B` : exact;
  }
  const unit = bytes === 0 ? 0 : Math.min(Math.max(Math.floor(Math.log2(Math.abs(bytes)) / 10), 0), 6);
  return `${formatNumber(rounded(bytes / 1024 ** unit), 3)} ${SIZE_UNITS[unit] ?? 'B'}`;
}

/** A share of one as a percentage: `0.123` is `12.3 %`. */
export function formatShare(share: number): string {
  return `${formatNumber(rounded(share * 100), 3)} %`;
}

/** A number in its unit, as tables, axes and the terminal show it. */
export function formatUnit(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return formatNumber(value);
  switch (unit) {
    case 'bytes':
      return formatBytes(value);
    case 'ns':
      return formatNs(value);
    case 'seconds':
      return formatNs(value * 1e9);
    case 'share':
      return formatShare(value);
    case 'ratio':
      return `${formatNumber(rounded(value), 3)}×`;
    default:
      return formatNumber(value, 3);
  }
}

/** A mark's label on an axis: as {@link formatUnit}, but 0 needs no unit. */
export function axisLabel(value: number, unit: Unit): string {
  if (value === 0) return '0';
  return unit === 'bytes' ? shortBytes(value) : formatUnit(value, unit);
}

/** `1.25M` where a table says `1280K`: marks of one axis are to be read side by side. */
function shortBytes(bytes: number): string {
  const unit = Math.min(Math.max(Math.floor(Math.log2(Math.abs(bytes)) / 10), 0), 6);
  const name = unit === 0 ? ' B' : (SIZE_UNITS[unit] ?? 'B').slice(0, 1);
  return `${formatNumber(rounded(bytes / 1024 ** unit), 3)}${name}`;
}

/** At least three significant digits, and never fewer than the whole part has. */
function rounded(value: number): number {
  const whole = Math.floor(Math.log10(Math.abs(value) || 1)) + 1;
  return whole > 20 ? value : Number(value.toPrecision(Math.max(3, whole)));
}
