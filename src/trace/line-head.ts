/**
 * The part of a trace line before the event's name: task, pid, processor, flags, time. One reader for all tools, for
 * they differ little:
 *
 *     dd-243     [000] d.h..     7.656746: unmap: …                 ftrace, trace-cmd report
 *     dd-243     (  243) [000] d.h1     7.656746: unmap: …          option record-tgid, four flag characters
 *     dd-243   [000]     7.656746785: unmap:      …                 trace-cmd report -t, no flags column
 *     dd   243 [000]     7.656746:        iommu:unmap: …            perf script
 *     dd   243/243     7.656746:        iommu:unmap: …              perf script of one task: no processor
 * @module
 */
import type { Cursor } from './cursor.ts';
import { CONTEXT, type Context, type TraceEvent, type TraceNames } from './events.ts';

const SPACE = 0x20;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const DOT = 0x2e;
const COLON = 0x3a;
const DASH = 0x2d;
const SLASH = 0x2f;
const PAREN_OPEN = 0x28;
const PAREN_CLOSE = 0x29;
/** A name, tasks included, is never longer than TASK_COMM_LEN (16); kernel thread names in reports may be. */
const MAX_HEAD = 256;

/** How the pid is joined to the task's name: `-` by ftrace and trace-cmd, a space by perf. */
export type HeadForm = 'ftrace' | 'perf';

/** Whether a byte is a decimal digit. */
export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Context by the third character of the flags: hardirq/softirq (`h` hard, `H` hard in soft, `s` soft, `z`/`Z` NMI). */
export function contextOf(flag: number): Context {
  if (flag === DOT) return CONTEXT.TASK;
  if (flag === 0x73) return CONTEXT.SOFT_IRQ;
  if (flag === 0x68 || flag === 0x48 || flag === 0x7a || flag === 0x5a) return CONTEXT.HARD_IRQ;
  return CONTEXT.UNKNOWN;
}

/** Reads line heads into an event. Results beside the event: {@link form}, {@link ticks}, {@link fixedEnd}. */
export class LineHead {
  /** How the last line joined task and pid. */
  form: HeadForm = 'ftrace';
  /** True if the last stamp had no decimal point. */
  ticks = false;
  /** Where the head's fixed part ended (after the processor's bracket), or −1. */
  fixedEnd = -1;
  readonly #names: TraceNames;

  constructor(names: TraceNames) {
    this.#names = names;
  }

  /** Reads the head; leaves the cursor at the event's name. False if this is not an event line. */
  read(cursor: Cursor, event: TraceEvent): boolean {
    const start = cursor.at;
    const open = this.#findCpu(cursor);
    this.fixedEnd = -1;
    if (open < 0) return this.#readWithoutCpu(cursor, start, event);
    cursor.at = open + 1;
    event.cpu = cursor.decimal();
    cursor.at++;
    this.fixedEnd = cursor.at;
    if (!this.#readTask(cursor, start, open, event)) return false;
    this.#readFlags(cursor, event);
    return this.#readTime(cursor, event);
  }

  /** Where ` [digits] ` stands, −1 if nowhere. */
  #findCpu(cursor: Cursor): number {
    const { bytes } = cursor;
    const end = Math.min(cursor.end, cursor.at + MAX_HEAD);
    for (let at = cursor.at + 1; at + 2 < end; at++) {
      if (bytes[at] !== OPEN || !isDigit(bytes[at + 1] as number)) continue;
      let close = at + 2;
      while (close < end && isDigit(bytes[close] as number)) close++;
      if (bytes[close] === CLOSE && close < end && close - at < 8) return at;
    }
    return -1;
  }

  /** Task and pid, which end before `end`. */
  #readTask(cursor: Cursor, start: number, end: number, event: TraceEvent): boolean {
    const { bytes } = cursor;
    let at = this.#skipTgid(bytes, start, end);
    while (at > start && bytes[at - 1] === SPACE) at--;
    const pidEnd = at;
    while (at > start && isDigit(bytes[at - 1] as number)) at--;
    if (at === pidEnd || at <= start || pidEnd - at > 10) return false;
    event.pid = decimalBetween(bytes, at, pidEnd);
    let joint = at - 1;
    if (bytes[joint] === SLASH) {
      do joint--;
      while (joint > start && isDigit(bytes[joint] as number));
    }
    this.form = bytes[joint] === DASH ? 'ftrace' : 'perf';
    if (bytes[joint] !== DASH && bytes[joint] !== SPACE) return false;
    return this.#readName(bytes, start, joint, event);
  }

  #readName(bytes: Uint8Array, start: number, end: number, event: TraceEvent): boolean {
    while (start < end && bytes[start] === SPACE) start++;
    while (end > start && bytes[end - 1] === SPACE) end--;
    if (start === end) return false;
    event.task = this.#names.tasks.id(bytes, start, end);
    return true;
  }

  /** Steps back over `(  123)` or `(-------)`. */
  #skipTgid(bytes: Uint8Array, start: number, end: number): number {
    let at = end;
    while (at > start && bytes[at - 1] === SPACE) at--;
    if (at <= start || bytes[at - 1] !== PAREN_CLOSE) return end;
    while (at > start && bytes[at - 1] !== PAREN_OPEN) at--;
    return Math.max(start, at - 1);
  }

  #readFlags(cursor: Cursor, event: TraceEvent): void {
    cursor.skipSpaces();
    event.context = CONTEXT.UNKNOWN;
    if (isDigit(cursor.peek())) return;
    const { bytes, at } = cursor;
    const end = cursor.find(SPACE);
    if (end - at >= 3 && end - at <= 8) event.context = contextOf(bytes[at + 2] as number);
    cursor.at = end;
    cursor.skipSpaces();
  }

  /** Seconds with 1 to 9 decimals, or ticks, up to a colon; then `(+123)` of `--ts-diff` and spaces are passed over. */
  #readTime(cursor: Cursor, event: TraceEvent): boolean {
    const seconds = cursor.decimal();
    this.ticks = cursor.peek() !== DOT;
    if (this.ticks) event.time = seconds;
    else {
      const from = ++cursor.at;
      const fraction = cursor.decimal();
      event.time = seconds * 1e9 + fraction * 10 ** (9 - Math.min(9, cursor.at - from));
      if (cursor.at - from > 9) return false;
    }
    if (Number.isNaN(event.time) || cursor.peek() !== COLON) return false;
    cursor.at++;
    cursor.skipSpaces();
    if (cursor.peek() === PAREN_OPEN) {
      cursor.at = cursor.find(PAREN_CLOSE) + 1;
      cursor.skipSpaces();
    }
    return true;
  }

  /** perf script of a single task: `comm pid time: event`. */
  #readWithoutCpu(cursor: Cursor, start: number, event: TraceEvent): boolean {
    const { bytes } = cursor;
    const end = Math.min(cursor.end, start + MAX_HEAD);
    let colon = start;
    while (colon < end && !(bytes[colon] === COLON && (bytes[colon + 1] === SPACE || colon + 1 === end))) colon++;
    let stamp = colon;
    while (stamp > start && (isDigit(bytes[stamp - 1] as number) || bytes[stamp - 1] === DOT)) stamp--;
    if (colon === end || stamp === colon || stamp <= start || bytes[stamp - 1] !== SPACE) return false;
    event.cpu = -1;
    event.context = CONTEXT.UNKNOWN;
    if (!this.#readTask(cursor, start, stamp, event) || this.form !== 'perf') return false;
    cursor.at = stamp;
    return this.#readTime(cursor, event);
  }
}

function decimalBetween(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) value = value * 10 + (bytes[at] as number) - 0x30;
  return value;
}
