/**
 * One driver's layouts at work on one log: which of its lines are understood, and which incident each belongs to.
 * @module
 */
import type { FaultDriver, Layout, Window } from './contract.ts';
import { Draft } from './draft.ts';
import type { LogLine } from './log-line.ts';
import { compileTemplate, type Match, matchPattern, type Pattern, type Values } from './template.ts';

const WINDOW: Window = { lines: 32, seconds: 0.5 };
/** Instances of a driver whose last incident is kept open. */
const MOST_UNITS = 64;
/** Messages looked for in one line: prints without a newline are glued together. */
const MOST_MESSAGES = 8;

/** Ends of a line behind which a value is missing: mail broke it there. */
const OPEN_ENDS = [',', '=', '(', ' at', ' addr', ' address', ' from'];

interface CompiledLayout {
  readonly layout: Layout;
  readonly patterns: readonly Pattern[];
}

function compile(layout: Layout, at: 'start' | 'anywhere'): CompiledLayout {
  const texts = typeof layout.text === 'string' ? [layout.text] : layout.text;
  return { layout, patterns: texts.map((text) => compileTemplate(text, at)) };
}

/** What became of a line: part of an incident; understood, but no fault; not understood; no line of this driver. */
export type Outcome = 'taken' | 'quiet' | 'unknown' | 'foreign';

/** Where new drafts are announced. */
export type DraftSink = (draft: Draft, reader: DriverReader) => void;

/** Reads the lines of one driver. */
export class DriverReader {
  readonly driver: FaultDriver;
  readonly window: Window;
  readonly #sink: DraftSink;
  readonly #latest = new Map<string, Draft>();
  #last: Draft | undefined;
  #heads: readonly Pattern[] | undefined;
  #layouts: readonly CompiledLayout[] = [];
  #headless: readonly CompiledLayout[] = [];
  #quiet: readonly Pattern[] = [];

  constructor(driver: FaultDriver, sink: DraftSink) {
    this.driver = driver;
    this.window = driver.window ?? WINDOW;
    this.#sink = sink;
  }

  /** The incident that got the last line, closed or not. */
  get last(): Draft | undefined {
    return this.#last;
  }

  /** Compiled when the first line with one of the driver's marks comes. */
  #compile(): readonly Pattern[] {
    const { heads, layouts, quiet } = this.driver;
    this.#layouts = layouts.filter((layout) => layout.headless !== true).map((layout) => compile(layout, 'start'));
    this.#headless = layouts.filter((layout) => layout.headless === true).map((layout) => compile(layout, 'anywhere'));
    this.#quiet = quiet.map((text) => compileTemplate(text, 'start'));
    this.#heads = heads.map((text) => compileTemplate(text, 'anywhere'));
    return this.#heads;
  }

  /** Takes a line that has one of the driver's marks. */
  take(line: LogLine): Outcome {
    const heads = this.#heads ?? this.#compile();
    const messages = findHeads(heads, line.text);
    if (messages.length === 0) return this.#bare(line);
    let outcome: Outcome = 'quiet';
    for (const [i, message] of messages.entries()) {
      const end = messages[i + 1]?.at ?? line.text.length;
      const one = this.#message(line, line.text.slice(message.end, end).trimStart(), message.values);
      if (one === 'taken' || outcome !== 'taken') outcome = one;
    }
    return outcome;
  }

  /** How many messages of the driver begin in a text. */
  headsIn(text: string): number {
    return findHeads(this.#heads ?? this.#compile(), text).length;
  }

  /** A line with a mark, and no head. */
  #bare(line: LogLine): Outcome {
    if (this.takeHeadless(line)) return 'taken';
    return this.driver.sure === true ? 'unknown' : 'foreign';
  }

  /** True for a line that looks as if mail had broken it: what it says is complete only with the next. */
  goesOn(text: string): boolean {
    return OPEN_ENDS.some((end) => text.endsWith(end)) || this.driver.goesOn?.(text) === true;
  }

  #message(line: LogLine, text: string, head: Values): Outcome {
    for (const { layout, patterns } of this.#layouts) {
      for (const pattern of patterns) {
        const match = matchPattern(pattern, text, 0);
        if (match === undefined) continue;
        this.#add(line, layout, new Map([...head, ...match.values]));
        return 'taken';
      }
    }
    if (this.#takeHeadless({ ...line, text }, head)) return 'taken';
    return this.#quiet.some((pattern) => matchPattern(pattern, text, 0) !== undefined) ? 'quiet' : 'unknown';
  }

  /** Takes a line without the driver's head, if it belongs to an open incident or may start one. */
  takeHeadless(line: LogLine): boolean {
    if (this.#heads === undefined) this.#compile();
    return this.#takeHeadless(line, new Map());
  }

  #takeHeadless(line: LogLine, head: Values): boolean {
    for (const { layout, patterns } of this.#headless) {
      if (layout.starts !== true && this.#open(head.get('unit'), line) === undefined) continue;
      for (const pattern of patterns) {
        const match = matchPattern(pattern, line.text, 0);
        if (match === undefined) continue;
        if (this.#addHeadless(line, layout, new Map([...head, ...match.values]))) return true;
      }
    }
    return false;
  }

  /** A later line of a print must fit the open incident. */
  #addHeadless(line: LogLine, layout: Layout, values: Values): boolean {
    if (layout.starts !== true && !this.#fits(this.#open(values.get('unit'), line), layout, values)) return false;
    this.#add(line, layout, values);
    return true;
  }

  /** True while a line without a head may belong to an incident. */
  waits(line: LogLine): boolean {
    return this.#last !== undefined && this.#headless.length > 0 && this.#isNear(this.#last, line);
  }

  #isNear(draft: Draft, line: LogLine): boolean {
    if (draft.closed || line.number - draft.last.line > this.window.lines) return false;
    if (line.seconds === undefined || draft.last.seconds === undefined) return true;
    return Math.abs(line.seconds - draft.last.seconds) <= this.window.seconds;
  }

  /** The incident that a line of this instance may belong to. */
  #open(unit: string | undefined, line: LogLine): Draft | undefined {
    const last = this.#last;
    const own = unit === undefined || last?.unit === undefined ? last : this.#latest.get(unit);
    return own !== undefined && this.#isNear(own, line) ? own : undefined;
  }

  #fits(draft: Draft | undefined, layout: Layout, values: Values): draft is Draft {
    return draft?.accepts(layout, values) === true && this.driver.agrees?.(draft, values) !== false;
  }

  #add(line: LogLine, layout: Layout, values: Values): void {
    const unit = values.get('unit');
    const open = this.#open(unit, line);
    const draft = this.#fits(open, layout, values) ? open : this.#begin(line, unit);
    draft.unit ??= unit;
    draft.add(line, layout, values);
    this.#keep(draft);
  }

  #begin(line: LogLine, unit: string | undefined): Draft {
    const draft = new Draft(line, unit);
    this.#sink(draft, this);
    return draft;
  }

  #keep(draft: Draft): void {
    this.#last = draft;
    if (draft.unit === undefined) return;
    if (this.#latest.size >= MOST_UNITS) this.#latest.clear();
    this.#latest.set(draft.unit, draft);
  }
}

/** The places where a message of the driver begins, in order; overlapping ones once. */
function findHeads(heads: readonly Pattern[], text: string): Match[] {
  const found: Match[] = [];
  for (const head of heads) {
    for (let from = 0; found.length < MOST_MESSAGES; ) {
      const match = matchPattern(head, text, from);
      if (match === undefined || match.end === from) break;
      if (!found.some((other) => match.at < other.end && other.at < match.end)) found.push(match);
      from = match.end;
    }
  }
  return found.sort((a, b) => a.at - b.at);
}
