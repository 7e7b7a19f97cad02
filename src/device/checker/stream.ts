/**
 * A recorded stream of table changes, commands and accesses, one JSON object a line: the first names the unit, all others
 * an event. Completion commands complete what is before them.
 * @module
 */
import { InputError, shown } from '../../errors.ts';
import { ANY, emptyScope, STAGES } from '../../hardware/command.ts';
import type { TranslationTag } from '../../hardware/iommu.ts';
import { InvalidationChecker } from './checker.ts';
import { CHECKED_UNITS, checkerRules } from './rules.ts';
import type { CheckerRules, EntryKind, InvalidationFinding, TagUse } from './types.ts';

/** What a stream held, and its verdicts. */
export interface StreamReport {
  readonly unit: string;
  /** Events by their name. */
  readonly events: ReadonlyMap<string, number>;
  /** Commands by their name. */
  readonly commands: ReadonlyMap<string, number>;
  /** Events whose name is not known, which were passed over. */
  readonly unknown: ReadonlyMap<string, number>;
  readonly findings: readonly InvalidationFinding[];
}

/** Output of an access that was refused. */
const NO_OUTPUT = -1;
/** Names of unknown events that are kept. */
const MOST_UNKNOWN = 64;
const KINDS: readonly string[] = ['invalid', 'leaf', 'table'] satisfies EntryKind[];
const SOURCES: readonly string[] = ['tlb', 'device-tlb', 'tables'];
/** Words of the longest command, in quadwords. */
const MOST_QUADS = 5;

/** Whether a text begins as such a stream does. */
export function isCommandStream(start: string): boolean {
  const line = start.trimStart().split('\n', 1)[0] ?? '';
  return line.startsWith('{') && line.includes('"unit"');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One line's object. */
class Line {
  readonly #fields: Record<string, unknown>;
  readonly #where: string;

  constructor(fields: Record<string, unknown>, where: string) {
    this.#fields = fields;
    this.#where = where;
  }

  /** @throws InputError `MALFORMED` */
  refuse(name: string, expected: string): never {
    const value = Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
    throw new InputError('MALFORMED', this.#where, `${name}: expected ${expected}, got ${shown(value)}`);
  }

  /** An object of one of its fields. */
  within(name: string, fields: Record<string, unknown>): Line {
    return new Line(fields, `${this.#where}: ${name}`);
  }

  value(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  text(name: string): string {
    const value = this.value(name);
    return typeof value === 'string' ? value : this.refuse(name, 'text');
  }

  among<T extends string>(name: string, names: readonly string[]): T {
    const value = this.text(name);
    return names.includes(value) ? (value as T) : this.refuse(name, names.join(', '));
  }

  /** A whole number from `least` on, or its `0x…` text. */
  wide(name: string, least = 0): bigint {
    const value = this.value(name);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return BigInt(value);
    if (typeof value !== 'string' || !/^(?:0x[0-9a-f]{1,16}|\d{1,19})$/i.test(value)) {
      return this.refuse(name, 'a whole number or 0x text');
    }
    return BigInt(value);
  }

  number(name: string, otherwise?: number, least: number = otherwise === ANY ? ANY : 0): number {
    if (otherwise !== undefined && this.value(name) === undefined) return otherwise;
    const value = this.wide(name, least);
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : this.refuse(name, 'a number below 2^53');
  }

  flag(name: string): boolean {
    const value = this.value(name) ?? false;
    return typeof value === 'boolean' ? value : this.refuse(name, 'true or false');
  }

  /** Input addresses of whole pages: first page and their number. */
  pages(): { first: number; pages: number } {
    const iova = this.wide('iova');
    const bytes = this.wide('bytes');
    if (iova % 4096n !== 0n || bytes % 4096n !== 0n || bytes < 4096n) this.refuse('bytes', 'whole pages of 4 KiB');
    if (iova + bytes > 2n ** 64n) this.refuse('bytes', 'an end up to 2^64');
    return { first: Number(iova >> 12n), pages: Number(bytes >> 12n) };
  }

  tag(): TranslationTag {
    const stage = this.number('stage', 1);
    if (stage !== 1 && stage !== 2) this.refuse('stage', '1 or 2');
    return {
      domain: this.number('domain'),
      space: this.number('space', ANY),
      stages: stage === 2 ? STAGES.second : STAGES.first,
    };
  }

  words(): Uint32Array {
    const given = this.value('words');
    if (!Array.isArray(given) || given.length < 1 || given.length > MOST_QUADS)
      return this.refuse('words', 'quadwords');
    const quads = given.map((_, i) => new Line({ [`words[${i}]`]: given[i] }, this.#where).wide(`words[${i}]`));
    return Uint32Array.from(quads.flatMap((quad) => [Number(quad & 0xffff_ffffn), Number(quad >> 32n)]));
  }
}

/** Judges the lines of a stream. */
export class StreamJudge {
  readonly #source: string;
  readonly #events: Map<string, number> = new Map();
  readonly #commands: Map<string, number> = new Map();
  readonly #unknown: Map<string, number> = new Map();
  readonly #scope = emptyScope();
  #rules: CheckerRules | undefined;
  #checker: InvalidationChecker | undefined;
  #number = 0;

  /** @param source name for messages */
  constructor(source: string) {
    this.#source = source;
  }

  /**
   * Takes one line; empty ones count only.
   * @throws InputError `MALFORMED`, `UNSUPPORTED_INPUT` for a unit that is not known
   */
  line(text: string): void {
    this.#number++;
    if (text.trim() === '') return;
    const line = this.#parse(text);
    if (this.#checker === undefined) this.#begin(line);
    else this.#event(line, this.#checker);
  }

  /**
   * The verdicts.
   * @throws InputError `NO_EVENTS` where there was no unit
   */
  finish(): StreamReport {
    if (this.#rules === undefined || this.#checker === undefined) {
      throw new InputError('NO_EVENTS', this.#source, 'expected a line that names the unit, got none');
    }
    const findings = this.#checker.finish();
    const { unit } = this.#rules;
    return { unit, events: this.#events, commands: this.#commands, unknown: this.#unknown, findings };
  }

  #parse(text: string): Line {
    const where = `${this.#source}: line ${this.#number}`;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new InputError('MALFORMED', where, 'expected a JSON object, got other text');
    }
    if (!isObject(value)) throw new InputError('MALFORMED', where, `expected a JSON object, got ${shown(value)}`);
    return new Line(value, where);
  }

  #begin(line: Line): void {
    const unit = line.text('unit');
    const given = line.value('registers') ?? {};
    if (!isObject(given)) line.refuse('registers', 'an object');
    const registers = new Line(given, this.#source);
    const named = new Map(Object.keys(given).map((name) => [name, registers.wide(name)]));
    const rules = checkerRules(unit, named);
    if (rules === undefined) {
      throw new InputError(
        'UNSUPPORTED_INPUT',
        this.#source,
        `unit: expected ${CHECKED_UNITS.join(', ')}, got ${shown(unit)}`,
      );
    }
    this.#rules = rules;
    this.#checker = new InvalidationChecker(rules);
  }

  #event(line: Line, checker: InvalidationChecker): void {
    const name = line.text('event');
    const take = EVENTS.get(name);
    if (take === undefined) {
      const known = this.#unknown.has(name) || this.#unknown.size < MOST_UNKNOWN;
      if (known) this.#unknown.set(name, (this.#unknown.get(name) ?? 0) + 1);
      return;
    }
    this.#events.set(name, (this.#events.get(name) ?? 0) + 1);
    if (name === 'command') this.#command(line, checker);
    else take(line, checker);
  }

  #command(line: Line, checker: InvalidationChecker): void {
    const words = line.words();
    const decoder = checker.rules.decoder;
    decoder.scope(words, this.#scope, checker.rules.limits);
    const name = decoder.typeOf(words)?.name ?? 'unknown command';
    this.#commands.set(name, (this.#commands.get(name) ?? 0) + 1);
    checker.consumed({ words, scope: this.#scope });
    if (this.#scope.kind === 'completion') checker.completed();
  }
}

type Take = (line: Line, checker: InvalidationChecker) => void;

const EVENTS: ReadonlyMap<string, Take> = new Map<string, Take>([
  ['change', change],
  ['config', config],
  ['command', () => undefined],
  ['device', (line, checker) => checker.deviceCaches(line.number('stream'), line.tag())],
  ['access', access],
  [
    'done',
    (line, checker) => {
      const { first, pages } = line.pages();
      checker.done(line.tag(), first, pages);
    },
  ],
  ['config-done', (line, checker) => checker.configDone(line.number('stream'))],
  ['freed', (line, checker) => checker.freed(line.number('table'))],
]);

function change(line: Line, checker: InvalidationChecker): void {
  const optional = (name: string) => (line.value(name) === undefined ? {} : { [name]: line.number(name) });
  checker.changed({
    tag: line.tag(),
    ...line.pages(),
    before: line.among<EntryKind>('before', KINDS),
    after: line.among<EntryKind>('after', KINDS),
    level: line.number('level', ANY),
    granule: line.number('granule', 0),
    ...optional('output'),
    ...optional('table'),
    ...unitOf(line),
    ...(line.flag('raised') ? { raised: true, sameOutput: true } : {}),
  });
}

/** Pages of one entry, from its bytes. */
function unitOf(line: Line): { readonly unit?: number } {
  if (line.value('entry') === undefined) return {};
  const bytes = line.number('entry');
  if (bytes < 4096 || bytes % 4096 !== 0) line.refuse('entry', 'whole pages of 4 KiB');
  return { unit: bytes / 4096 };
}

function config(line: Line, checker: InvalidationChecker): void {
  const use = (name: string): TagUse | undefined => {
    const given = line.value(name);
    if (given === undefined) return undefined;
    if (!isObject(given)) return line.refuse(name, 'an object with domain, space and root');
    const inner = line.within(name, given);
    return { tag: inner.tag(), root: inner.number('root') };
  };
  const [before, after] = [use('before'), use('after')];
  checker.configChanged({
    stream: line.number('stream'),
    substream: line.number('substream', ANY),
    wasValid: line.flag('wasValid'),
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  });
}

function access(line: Line, checker: InvalidationChecker): void {
  checker.accessed({
    stream: line.number('stream', 0),
    substream: line.number('substream', ANY),
    ...line.tag(),
    page: Number(line.wide('iova') >> 12n),
    write: line.flag('write'),
    from: line.among('from', SOURCES),
    output: line.number('output', undefined, NO_OUTPUT),
  });
}
