/**
 * Logs into incidents. The reader knows no driver: what a driver prints stands in its own file (contract.ts), what stands
 * around it is undone by line-reader.ts and clean.ts.
 * @module
 */
import { checkText } from '../errors.ts';
import { causeByLines } from './cause.ts';
import { cleanLine, isStamped } from './clean.ts';
import { decodeDraft } from './decode-draft.ts';
import type { Draft } from './draft.ts';
import { DriverReader } from './driver-reader.ts';
import { ForeignLines } from './foreign.ts';
import type { Incident } from './incident.ts';
import { type Encoding, LineReader } from './line-reader.ts';
import { type LogCounts, UNKNOWN_DRIVER, type UnknownLine } from './log-counts.ts';
import type { LogLine } from './log-line.ts';
import { Marks } from './marks.ts';
import { FAULT_DRIVERS } from './registry.ts';
import { IncidentTotals } from './totals.ts';
import { Unwrapper } from './unwrap.ts';
import { Widths } from './widths.ts';
import { type RawLine, withHead } from './with-head.ts';

/** Incidents kept; those beyond are counted. */
const MOST_INCIDENTS = 4000;
/** Incidents that may still get lines. */
const MOST_OPEN = 1 << 10;
/** Lines that are not understood kept; those beyond are counted. */
const MOST_UNKNOWN = 1000;
/** Parts that one line is joined from at most. */
const MOST_PARTS = 5;

/** Lines between those of two drivers about one fault. */
const MOST_BETWEEN = 8;

/** Marks that the log reader itself looks for. */
const LOG_MARKS = ['callbacks suppressed', 'messages dropped', '"MESSAGE":[', '"MESSAGE": [', '"MESSAGE" : ['];
/** Messages of any driver that printk could not keep, or that the journal did not get. */
const DROPPED = /\*\* (\d{1,15}) (?:printk )?messages dropped/;
const SUPPRESSED = /(\w{1,80}): (\d{1,15}) callbacks suppressed/;

interface OpenDraft {
  readonly draft: Draft;
  readonly reader: DriverReader;
}

interface Held {
  readonly line: LogLine;
  readonly reader: DriverReader;
  readonly parts: number;
  /** Characters of the last raw line. */
  readonly width: number;
  readonly first: LogLine;
  /** True where the line may be understood alone too, should nothing that follows be its rest. */
  readonly early?: true;
}

const MARKS = new Marks([
  ...LOG_MARKS.map((text) => ({ text, owner: FAULT_DRIVERS.length })),
  ...FAULT_DRIVERS.flatMap(({ marks }, owner) => marks.map((text) => ({ text, owner }))),
]);

/** True for a line with the mark of a driver whose lines are read. */
export function isDriverLine(text: string): boolean {
  return MARKS.find(text) !== undefined;
}

/** True for a line that may be the rest of the one before: without a prefix, and where there are none, without a mark. */
function isRest(text: string, hasPrefixes: boolean): boolean {
  return text.trim() !== '' && !isStamped(text) && (hasPrefixes || !isDriverLine(text));
}

/** Takes a log piece by piece. */
export class FaultLog {
  /** The incidents so far, in the order of their first lines; complete after {@link end}. */
  readonly incidents: Incident[] = [];
  readonly unknown: UnknownLine[] = [];
  /** Lines that name an IOMMU and are of no layout. */
  readonly foreign: ForeignLines = new ForeignLines();
  /** Incidents beyond those kept. */
  readonly totals: IncidentTotals = new IncidentTotals();
  readonly counts: LogCounts = { lines: 0, used: 0, quiet: 0, unknown: 0, suppressed: 0, tooLong: 0, dropped: 0 };
  readonly #lines = new LineReader((text, number) => this.#whole.add(text, number));
  readonly #whole = new Unwrapper(isRest, (text, number, until) => this.#raw(text, number, until));
  readonly #readers: readonly DriverReader[];
  readonly #pairs: readonly { readonly into: DriverReader; readonly from: DriverReader }[];
  #open: OpenDraft[] = [];
  #held: Held | undefined;
  /** The line before, if it has no driver's mark. */
  #before: RawLine | undefined;
  #waiting = false;
  readonly #widths = new Widths();

  constructor() {
    this.#readers = FAULT_DRIVERS.map(
      (driver) => new DriverReader(driver, (draft, reader) => this.#begin(draft, reader)),
    );
    this.#pairs = this.#readers.flatMap((into) =>
      this.#readers.flatMap((from) => (into.driver.absorbs?.includes(from.driver.id) ? [{ into, from }] : [])),
    );
  }

  /** What the bytes were taken for; `undefined` before the first. */
  get encoding(): Encoding | undefined {
    return this.#lines.encoding;
  }

  /** True if nothing but blanks was read. */
  get blank(): boolean {
    return this.#lines.counts.text === 0;
  }

  /** Takes the next bytes of the log, cut anywhere. */
  push(bytes: Uint8Array): void {
    this.#lines.push(bytes);
  }

  /** Says that there are no more bytes. */
  end(): void {
    this.#lines.end();
    this.#whole.end();
    this.#release();
    this.#close(Number.POSITIVE_INFINITY, 0);
    this.#nameForeign();
    this.counts.lines = this.#lines.counts.lines;
    this.counts.tooLong = this.#lines.counts.tooLong;
  }

  /** Lines of no layout that speak of a fault of an IOMMU stand beside what was understood: nothing of it goes unsaid. */
  #nameForeign(): void {
    const { used, unknown, quiet } = this.counts;
    if (used + unknown + quiet === 0) return;
    this.counts.unknown += this.foreign.faultCount;
    for (const { line, text } of this.foreign.faults) {
      const owner = MARKS.find(text)?.find((each) => each < FAULT_DRIVERS.length);
      const driver = owner === undefined ? UNKNOWN_DRIVER : (this.#readers[owner]?.driver.id ?? UNKNOWN_DRIVER);
      this.unknown.push({ driver, line, text });
    }
    this.unknown.sort((a, b) => a.line - b.line);
    this.unknown.length = Math.min(this.unknown.length, MOST_UNKNOWN);
  }

  /** Most lines are of no driver, and of no interest: they cost one pass. */
  #raw(text: string, number: number, until: number): void {
    const before = this.#before;
    const isMarked = MARKS.find(text) !== undefined;
    this.#before = isMarked ? undefined : { text, number: until };
    if (this.#held === undefined && !this.#waiting && !isMarked) {
      this.foreign.add(text, number);
      return;
    }
    this.#widths.add(text.trimEnd().length);
    const lines = cleanLine(text, number, until);
    const whole = isMarked && before?.number === number - 1 ? this.#withHead(before, lines) : undefined;
    for (const line of whole === undefined ? lines : [whole]) this.#line(line);
  }

  /** The line with the head that mail left on the line before, if that is so. */
  #withHead(before: RawLine, [line, ...others]: readonly LogLine[]): LogLine | undefined {
    if (line === undefined || others.length > 0) return undefined;
    const readers = (MARKS.find(line.text) ?? []).flatMap((owner) => this.#readers[owner] ?? []);
    return readers.length === 0 ? undefined : withHead(before, line, readers);
  }

  #line(line: LogLine): void {
    const owners = MARKS.find(line.text);
    this.#close(line.number, MOST_OPEN);
    if (owners === undefined) {
      this.#without(line);
      return;
    }
    this.#release();
    const early = this.#readers[owners[0] ?? -1];
    if (early?.goesOn(line.text) === true) this.#hold(line, early, { early: true });
    else this.#owned(owners, line);
  }

  #hold(line: LogLine, reader: DriverReader, also: { readonly early?: true } = {}): void {
    this.#held = { line, reader, parts: 1, width: this.#widths.last, first: line, ...also };
  }

  #owned(owners: readonly number[], line: LogLine): void {
    const reader = this.#ask(owners, line);
    if (reader === 'understood') return;
    if (reader === undefined) this.#without(line);
    else this.#hold(line, reader);
  }

  /** Asks the drivers whose marks are in a line; gives the first whose line it is, but does not understand it. */
  #ask(owners: readonly number[], line: LogLine): DriverReader | 'understood' | undefined {
    let unknown: DriverReader | undefined;
    for (const owner of owners) {
      const reader = this.#readers[owner];
      const outcome = reader === undefined ? this.#suppressed(line.text) : reader.take(line);
      if (outcome === 'unknown') unknown ??= reader;
      if (outcome !== 'taken' && outcome !== 'quiet') continue;
      this.#understood(outcome, reader);
      return 'understood';
    }
    return unknown;
  }

  #understood(outcome: 'taken' | 'quiet', reader: DriverReader | undefined): void {
    if (outcome === 'taken') this.counts.used++;
    else this.counts.quiet++;
    this.#waiting = true;
    if (reader !== undefined) this.#absorb(reader);
  }

  /** Two drivers may print the same fault: one incident, under the driver that knows more. */
  #absorb(reader: DriverReader): void {
    for (const { into, from } of this.#pairs) {
      if (into !== reader && from !== reader) continue;
      const [keep, drop] = [into.last, from.last];
      if (keep === undefined || drop === undefined || keep.closed || drop.closed) continue;
      const distance = Math.abs(keep.last.line - drop.last.line);
      if (distance > MOST_BETWEEN || keep.hex('iova') === undefined || keep.hex('iova') !== drop.hex('iova')) continue;
      keep.absorb(drop);
      drop.closed = true;
      this.#open = this.#open.filter(({ draft }) => draft !== drop);
    }
  }

  /** A line without the mark of a driver: the rest of the line before, or a later line of an open incident. */
  #without(line: LogLine): void {
    const joined = this.#join(line);
    if (joined === 'understood') return;
    const waiting = this.#readers.filter((reader) => reader.waits(line)).sort((x, y) => lastLine(y) - lastLine(x));
    this.#waiting = waiting.length > 0;
    if (waiting.some((reader) => reader.takeHeadless(line))) {
      this.#release();
      this.counts.used++;
      return;
    }
    if (joined === undefined) this.foreign.add(line.text, line.number);
    else this.#held = joined;
  }

  /** The held line with one more part: understood; still not; or `undefined` if the line cannot be its rest. */
  #join(line: LogLine): Held | 'understood' | undefined {
    const held = this.#held;
    if (held === undefined) return undefined;
    if (line.stamped || line.text === '' || held.parts >= MOST_PARTS) {
      this.#release();
      return undefined;
    }
    const joints = this.#widths.joints(held.line.text, held.width, line.text);
    for (const text of joints) {
      if (held.early === true && held.reader.goesOn(text)) continue;
      const outcome = held.reader.take({ ...held.line, text, until: line.until, cut: line.cut });
      if (outcome !== 'taken' && outcome !== 'quiet') continue;
      this.#held = undefined;
      this.#understood(outcome, held.reader);
      return 'understood';
    }
    const joined = { ...held.line, text: joints[0] ?? '', until: line.until, cut: line.cut };
    return { ...held, line: joined, parts: held.parts + 1, width: this.#widths.last };
  }

  /** The held line is not understood, whatever follows. */
  #release(): void {
    if (this.#held === undefined) return;
    const { first, reader, early } = this.#held;
    this.#held = undefined;
    const outcome = early === true ? reader.take(first) : 'unknown';
    if (outcome === 'taken' || outcome === 'quiet') this.#understood(outcome, reader);
    if (outcome !== 'unknown') return;
    this.counts.unknown++;
    if (this.unknown.length < MOST_UNKNOWN) {
      this.unknown.push({ driver: reader.driver.id, line: first.number, text: first.text });
    }
  }

  #suppressed(text: string): 'quiet' | 'foreign' {
    const [, name = '', count = ''] = SUPPRESSED.exec(text) ?? [];
    const reader = this.#readers.find(({ driver }) => driver.functions?.includes(name));
    const dropped = DROPPED.exec(text)?.[1];
    if (dropped !== undefined) {
      this.counts.suppressed += Number(dropped);
      return 'quiet';
    }
    if (reader === undefined) return 'foreign';
    this.counts.suppressed += Number(count);
    reader.last?.notes.push(`the kernel left out ${count} more messages`);
    return 'quiet';
  }

  #begin(draft: Draft, reader: DriverReader): void {
    this.#open.push({ draft, reader });
  }

  /** Closes the incidents that can get no more lines, and the oldest ones if there are more than `most`. */
  #close(number: number, most: number): void {
    let done = 0;
    for (const open of this.#open) {
      const until = open.draft.last.line + open.reader.window.lines;
      if (until >= number && this.#open.length - done <= most) break;
      done++;
      this.#finish(open);
    }
    if (done > 0) this.#open = this.#open.slice(done);
  }

  #finish(open: OpenDraft): void {
    open.draft.closed = true;
    const incident = decodeDraft(open.draft, open.reader.driver);
    if (this.incidents.length < MOST_INCIDENTS) this.incidents.push(incident);
    else this.#count(incident);
  }

  /** Beyond the limit, only the totals grow. */
  #count(incident: Incident): void {
    this.counts.dropped++;
    this.totals.add(incident, causeByLines(incident));
  }
}

/** Number of the last line that a reader took. */
function lastLine(reader: DriverReader): number {
  return reader.last?.last.line ?? 0;
}

/** Reads a whole log from text. */
export function readFaultLog(text: string): FaultLog {
  checkText('text', text);
  const log = new FaultLog();
  log.push(new TextEncoder().encode(text));
  log.end();
  return log;
}
