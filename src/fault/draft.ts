/**
 * An incident while its lines come in: the printed values by name, and which layouts they came from.
 * @module
 */
import type { Layout } from './contract.ts';
import { type IncidentEvent, MOST_LINES } from './incident.ts';
import type { LogLine } from './log-line.ts';
import type { Values } from './template.ts';

/** Values kept of one name. */
const MOST_VALUES = 64;

/** Characters of 64 bits that a blank parts in two halves. */
const HALVES = 17;

/** A number in hex text, with or without `0x`, or in two halves of 32 bits; `undefined` where it is none of at most 64 bits. */
export function parseHex(text: string | undefined): bigint | undefined {
  const printed = text?.replace(/^0x/i, '');
  const digits = printed?.length === HALVES ? printed.replace(/^([0-9a-f]{8}) /i, '$1') : printed;
  return digits !== undefined && /^[0-9a-f]{1,16}$/i.test(digits) ? BigInt(`0x${digits}`) : undefined;
}

/** True if two printed values are the same number, or the same word. */
function isSame(a: string, b: string): boolean {
  if (a.toLowerCase() === b.toLowerCase()) return true;
  const [left, right] = [parseHex(a), parseHex(b)];
  return left !== undefined && left === right;
}

/** The lines of one incident so far. */
export class Draft {
  readonly line: number;
  readonly seconds: number | undefined;
  /** Name of the IOMMU instance in the head of the lines. */
  unit: string | undefined;
  readonly lines: number[] = [];
  readonly events: IncidentEvent[] = [];
  /** Notes of the log reader: lines that the kernel left out. */
  readonly notes: string[] = [];
  /** The last line. */
  last: { line: number; seconds: number | undefined };
  /** Group of its layouts, see {@link Layout.group}. */
  group: string | undefined;
  /** True when no more lines are taken. */
  closed = false;
  readonly #values = new Map<string, string[]>();
  readonly #layouts = new Map<string, number>();

  constructor(line: LogLine, unit: string | undefined) {
    this.line = line.number;
    this.seconds = line.seconds;
    this.last = { line: line.number, seconds: line.seconds };
    this.unit = unit;
  }

  /** Adds a line. */
  add(line: LogLine, layout: Layout, values: Values): void {
    this.last = { line: line.until, seconds: line.seconds };
    this.group ??= layout.group;
    this.#count(layout.id, 1);
    for (let number = line.number; number <= line.until; number++) this.#line(number);
    if (layout.says !== undefined) this.#event(line, layout.says, values);
    for (const [name, value] of values) this.#value(name, value);
    if (line.device !== undefined && !this.#values.has('device')) this.#values.set('device', [line.device]);
  }

  #count(layout: string, lines: number): void {
    this.#layouts.set(layout, (this.#layouts.get(layout) ?? 0) + lines);
  }

  #line(number: number): void {
    if (this.lines.length < MOST_LINES && this.lines.at(-1) !== number) this.lines.push(number);
  }

  /** `{name}` in the words stands for the value of that name. */
  #event(line: LogLine, says: string, values: Values): void {
    if (this.events.length >= MOST_LINES) return;
    const words = says.replace(/\{(\w+)\}/g, (_, name: string) => values.get(name) ?? '');
    this.events.push({ line: line.number, seconds: line.seconds, words });
  }

  #value(name: string, value: string): void {
    const list = this.#values.get(name);
    if (list === undefined) this.#values.set(name, [value]);
    else if (list.length < MOST_VALUES) list.push(value);
  }

  /** Takes over the lines of another draft of the same incident. */
  absorb(other: Draft): void {
    for (const [layout, lines] of other.#layouts) this.#count(layout, lines);
    for (const [name, values] of other.#values) for (const value of values) this.#value(name, value);
    this.lines.push(...other.lines);
    this.lines.sort((a, b) => a - b);
    this.events.push(...other.events);
    this.events.sort((a, b) => a.line - b.line);
  }

  /** True if a line of that layout is in the incident. */
  has(layout: string): boolean {
    return this.#layouts.has(layout);
  }

  /** True if a line may belong to this incident: it says nothing that an earlier line contradicts. */
  accepts(layout: Layout, values: Values): boolean {
    const { id, starts, repeats = 1, group = this.group, notAfter = [], same = [] } = layout;
    if (starts === true || (this.group !== undefined && group !== this.group)) return false;
    if ((this.#layouts.get(id) ?? 0) >= repeats || notAfter.some((other) => this.#layouts.has(other))) return false;
    return this.#agrees(values, repeats > 1 ? same : undefined);
  }

  #agrees(values: Values, names: readonly string[] | undefined): boolean {
    for (const [name, value] of values) {
      const known = this.#values.get(name)?.[0];
      if (known === undefined || (names !== undefined && !names.includes(name))) continue;
      if (!isSame(known, value)) return false;
    }
    return true;
  }

  /** The first value of that name, as printed. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  /** All values of that name, as printed. */
  texts(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** The first value of that name, printed in hex. */
  hex(name: string): bigint | undefined {
    return parseHex(this.text(name));
  }

  /** As {@link hex}, for values below 2^53. */
  hexNumber(name: string): number | undefined {
    const value = this.hex(name);
    return value === undefined || value > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(value);
  }

  /** The first value of that name, printed in decimal. */
  decimal(name: string): number | undefined {
    const text = this.text(name);
    return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
  }

  /** All values of that name, printed in hex. */
  hexes(name: string): readonly bigint[] {
    return this.texts(name).flatMap((text) => parseHex(text) ?? []);
  }
}
