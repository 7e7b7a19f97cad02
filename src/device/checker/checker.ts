/**
 * Judges invalidations: every change of a table entry or of a stream's configuration must be asked for, completed, and in
 * time, and nothing else need be. It sees changes, commands, completions and accesses in their order, whoever reports them.
 * @module
 */
import { hex } from '../../address.ts';
import { ANY, type Scope, STAGES, scopeText } from '../../hardware/command.ts';
import type { TranslationTag } from '../../hardware/iommu.ts';
import type { AccessSeen, ConsumedCommand, UnitObserver } from '../observer.ts';
import { Findings } from './findings.ts';
import { type Coverage, type Made, NEAR, OpenChange, type Target } from './open.ts';
import { OpenChanges } from './open-index.ts';
import { Tags } from './tags.ts';
import type { CheckerRules, ConfigChange, InvalidationFinding, InvalidationRule, TableChange } from './types.ts';

/** Options of a checker. */
export interface CheckerOptions {
  /** A command that covers more than this many pages for each page changed is too wide; 8 unless given. */
  readonly wide?: number;
  /** Called before a command is judged: report changes that were not reported yet. */
  readonly catchUp?: () => void;
}

const WIDE = 8;
/** Pages from which on an invalidation of a whole tag is not called too wide: Linux 7.x does so from 512 on. */
const TAG_PAGES = 512;
/** Commands remembered, to tell a command before its change from a missing one. */
const REMEMBERED = 64;

const address = (page: number): string => hex(BigInt(page) << 12n);

/** Why a change is due now. */
type Due =
  | 'its unmapping was reported as done'
  | 'its table was freed'
  | 'its addresses were given out again'
  | 'the end';

/** The checker of one unit's queue. */
export class InvalidationChecker implements UnitObserver {
  readonly rules: CheckerRules;
  readonly #findings = new Findings();
  readonly #tags = new Tags();
  readonly #options: CheckerOptions;
  readonly #ats: Map<number, TranslationTag> = new Map();
  readonly #open = new OpenChanges();
  #number = 0;
  /** Commands since the last change that was due, newest last. */
  #recent: Scope[] = [];
  #events = 0;
  /** Commands follow between which nothing changes. */
  #caughtUp = false;

  constructor(rules: CheckerRules, options: CheckerOptions = {}) {
    this.rules = rules;
    this.#options = options;
  }

  /** Verdicts so far. */
  get findings(): readonly InvalidationFinding[] {
    return this.#findings.list;
  }

  /** Changes that are not yet clean. */
  get open(): number {
    return this.#open.size;
  }

  /** A device of a tag's tables keeps translations itself (ATS), or stops to. */
  deviceCaches(stream: number, tag: TranslationTag | undefined): void {
    if (tag === undefined) this.#ats.delete(stream);
    else this.#ats.set(stream, tag);
  }

  /** Table entries changed. */
  changed(change: TableChange): void {
    this.#events++;
    if (change.pages < 1 || change.before === 'invalid') {
      this.#made(change);
      return;
    }
    this.#breaks(change);
    if (change.sameOutput === true && change.raised === undefined) return;
    const own = this.#add('tlb', { change, unit: this.#unitOf(change) });
    for (const [stream, tag] of this.#ats) {
      if (sameTag(tag, change.tag)) this.#add('device-tlb', { change, stream, own });
    }
  }

  /** A stream's configuration changed. */
  configChanged(config: ConfigChange): void {
    this.#events++;
    const user = `${config.stream}/${config.substream}`;
    if (config.wasValid || this.rules.config === 'all') {
      this.#add('config', { config });
    }
    if (config.before !== undefined) this.#tags.leave(config.before, user);
    if (config.after === undefined || this.#tags.use(config.after, user)) return;
    const { domain, space } = config.after.tag;
    const text = `${tagText(domain, space)} stands for other tables (root ${hex(config.after.root)}) before all of it was invalidated`;
    this.#findings.add('tag-reuse', this.#events, text);
  }

  consuming(begins: boolean): void {
    if (begins) this.#options.catchUp?.();
    this.#caughtUp = begins;
  }

  consumed({ words, scope }: ConsumedCommand): void {
    if (!this.#caughtUp) this.#options.catchUp?.();
    this.#events++;
    const { decoder, limits } = this.rules;
    for (const offence of decoder.offences(words, limits)) {
      this.#findings.count('unpredictable', offence, this.#events, `${this.#name(words)}: ${offence}`);
    }
    if (decoder.refuses(words, limits)) return;
    if (scope.kind === 'illegal') {
      this.#findings.count('unpredictable', 'illegal', this.#events, `${this.#name(words)}: illegal for the unit`);
    } else if (scope.kind === 'tlb' || scope.kind === 'config' || scope.kind === 'device-tlb')
      this.#asked(words, scope);
  }

  completed(): void {
    this.#events++;
    this.#tags.completed();
    for (const { finding } of this.#open.complete()) if (finding !== undefined) this.#isLate(finding);
  }

  accessed({ domain, space, stages, page, from, output, stream }: AccessSeen): void {
    this.#events++;
    if (output < 0 || from === 'tables' || this.#open.size === 0) return;
    for (const open of this.#open.concerning({ domain, space, stages }, page, page + 1)) {
      if (open.target !== from || (from === 'device-tlb' && open.stream !== stream)) continue;
      if (!isStale(open.change, page, output)) continue;
      this.#stale(open, page, output);
      return;
    }
  }

  /** An unmapping (or a change) of a range was reported as done, or a lazy one's addresses were given back. */
  done(tag: TranslationTag, first: number, pages: number): void {
    this.#options.catchUp?.();
    this.#events++;
    for (const open of this.#open.concerning(tag, first, first + pages)) {
      this.#due(open, 'its unmapping was reported as done');
    }
    this.#recent = [];
  }

  /** The change of a stream's configuration was reported as done. */
  configDone(stream: number): void {
    this.#options.catchUp?.();
    this.#events++;
    for (const open of this.#open.ofStream(stream)) this.#due(open, 'its unmapping was reported as done');
  }

  /** A table was freed. */
  freed(table: number): void {
    this.#options.catchUp?.();
    this.#events++;
    for (const open of this.#open.ofTable(table)) this.#due(open, 'its table was freed');
  }

  /** Nothing follows: what is not clean never will be. */
  finish(): readonly InvalidationFinding[] {
    this.#options.catchUp?.();
    this.#events++;
    for (const open of this.#open.all) this.#due(open, 'the end');
    return this.findings;
  }

  /** Pages that go together by an invalidation of one of them. */
  #unitOf({ before, unit = 1 }: TableChange): number {
    return this.rules.wholeEntry && before === 'leaf' ? unit : 1;
  }

  /** A valid entry where none was: it needs an invalidation only where what is not present may be kept. */
  #made(change: TableChange): void {
    const { tag, first, pages } = change;
    if (change.after === 'leaf') {
      for (const open of this.#open.concerning(tag, first, first + pages)) {
        if (this.rules.breakBeforeMake && open.finding === undefined) this.#broken(open, change);
        else this.#due(open, 'its addresses were given out again');
      }
    }
    const { keepsAbsent } = this.rules;
    const kept = keepsAbsent === 'all' || (keepsAbsent === 'second' && tag.stages === STAGES.second);
    if (kept && change.after === 'leaf') this.#add('tlb', { change });
  }

  /** A valid entry became another valid one. */
  #breaks(change: TableChange): void {
    if (!this.rules.breakBeforeMake || change.after === 'invalid') return;
    if (change.sameOutput === true && change.resized !== true) return;
    const text = `${rangeText(change)}: a valid ${change.before} became another valid ${change.after} without being invalid in between`;
    this.#findings.add('break-before-make', this.#events, text, change.pages);
  }

  #broken(open: OpenChange, change: TableChange): void {
    const text = `${rangeText(change)}: made valid before the invalidation of what was there had completed`;
    open.finding = this.#findings.add('break-before-make', this.#events, text, change.pages);
  }

  #add(target: Target, made: Omit<Made, 'number'>): OpenChange {
    const open = new OpenChange(target, this.#events, { ...made, number: ++this.#number });
    open.early = this.#recent.some((scope) => scope.kind === target && open.coverage(scope) === 'covers');
    this.#open.add(open);
    return open;
  }

  /** An invalidation: what of the open changes it covers. */
  #asked(words: Uint32Array, scope: Scope): void {
    const tagged = this.#tags.consumed(scope);
    let gained = 0;
    let tables = false;
    let near = false;
    for (const open of this.#open.named(scope)) {
      const coverage = open.coverage(scope);
      if (coverage === 'covers') {
        this.#order(open, scope);
        gained += open.ask(scope);
        this.#open.asked(open);
        tables ||= open.change?.before === 'table';
      } else near = isNear(open, coverage) || near;
    }
    // Another domain's command may well meet the same addresses: it is a near miss only if it is of no other use
    if (gained === 0) for (const open of this.#open.otherwise(scope)) near = isNear(open, open.coverage(scope)) || near;
    this.#judgeWork(words, scope, gained, tables, tagged || near);
    this.#recent.push({ ...scope });
    if (this.#recent.length > REMEMBERED) this.#recent.shift();
  }

  /** A device asked for its translations again could get the unit's stale ones: the unit goes first. */
  #order(open: OpenChange, scope: Scope): void {
    if (open.target !== 'device-tlb' || !this.rules.deviceLast) return;
    const { change } = open;
    if (open.own === undefined || !this.#open.has(open.own) || change === undefined) return;
    const text = `${rangeText(change)}: the TLB of stream ${hex(scope.stream)} was asked before the unit's own had completed`;
    this.#findings.add('wrong-order', this.#events, text, change.pages);
  }

  /** Whether a command did more than was needed. */
  #judgeWork(words: Uint32Array, scope: Scope, gained: number, tables: boolean, excused: boolean): void {
    const name = this.#name(words);
    if (gained === 0) {
      if (excused) return;
      const finding = this.#findings.count(
        'needless',
        name,
        this.#events,
        `${name} (${scopeText(scope)}): nothing that it covers changed since it was clean`,
      );
      finding.cost.commands++;
      return;
    }
    if (scope.kind !== 'tlb') return;
    this.#judgeWidth(name, scope, gained);
    if (scope.walk && !tables && scope.pages !== Number.POSITIVE_INFINITY) {
      this.#findings.count(
        'needless',
        `${name} walk`,
        this.#events,
        `${name}: takes table entries too, and none of them changed`,
      );
    }
  }

  #judgeWidth(name: string, scope: Scope, gained: number): void {
    const limit = this.#options.wide ?? WIDE;
    if (scope.pages === Number.POSITIVE_INFINITY) {
      if (gained >= TAG_PAGES) return;
      const text = `${name}: every page of ${tagText(scope.domain, scope.space)} for ${gained} changed`;
      this.#findings.count('too-wide', `${name} all`, this.#events, text);
    } else if (scope.pages > limit * gained) {
      const factor = Math.round(scope.pages / gained);
      const text = `${name} (${scopeText(scope)}): ${scope.pages} pages for ${gained} changed, ${factor} times as many`;
      this.#findings.count('too-wide', name, this.#events, text, scope.pages - gained);
    }
  }

  /** A change must be clean now. */
  #due(open: OpenChange, why: Due): void {
    if (open.finding !== undefined) return;
    const [rule, how] = verdictOf(open);
    const what = open.change === undefined ? `the configuration of stream ${hex(open.stream)}` : rangeText(open.change);
    const where = open.target === 'device-tlb' ? ` in the TLB of stream ${hex(open.stream)}` : '';
    const table = why === 'its table was freed' ? ` ${hex(open.change?.table ?? 0)}` : '';
    const severity = open.change?.raised === true ? 'warning' : undefined;
    const pages = open.change?.pages ?? 0;
    open.finding = this.#findings.add(
      rule,
      this.#events,
      `${what}${where}: ${how}, and ${why}${table}`,
      pages,
      severity,
    );
  }

  #isLate(finding: InvalidationFinding): void {
    if (finding.rule !== 'missing' && finding.rule !== 'not-completed' && finding.rule !== 'too-narrow') return;
    finding.rule = 'late';
  }

  #stale(open: OpenChange, page: number, output: number): void {
    const late = open.finding !== undefined;
    if (open.finding !== undefined) open.finding.cost.accesses++;
    const text = late
      ? `${address(page)}: a stale translation to ${hex(output)} was used after the change was reported as done`
      : `${address(page)}: a stale translation to ${hex(output)} was used before the invalidation had completed`;
    const finding = this.#findings.count('stale-use', `${late}`, this.#events, text, 0, late ? 'error' : 'warning');
    finding.cost.accesses++;
  }

  #name(words: Uint32Array): string {
    const { decoder } = this.rules;
    return decoder.typeOf(words)?.name ?? `unknown command ${hex(decoder.opcodeOf(words))}`;
  }
}

/** The verdict of a change that is due, and how to say it. */
function verdictOf(open: OpenChange): [InvalidationRule, string] {
  if (open.asked) return ['not-completed', 'the invalidation was asked for, and no completion followed'];
  if (open.near !== undefined) return ['too-narrow', `the invalidation does not do: ${NEAR[open.near]}`];
  if (open.partly) {
    const [gap] = open.unasked;
    return [
      'too-narrow',
      `the invalidation leaves out ${gap === undefined ? 'a part' : `pages from ${address(gap.first)} on`}`,
    ];
  }
  if (open.early) return ['wrong-order', 'the invalidation came before the change'];
  return ['missing', 'no invalidation'];
}

/** Whether a command met the pages of a change and does not cover it: the first such command is remembered. */
function isNear(open: OpenChange, coverage: Coverage): boolean {
  if (NEAR[coverage] === undefined) return false;
  open.near ??= coverage;
  return true;
}

function sameTag(a: TranslationTag, b: TranslationTag): boolean {
  return a.domain === b.domain && a.space === b.space && a.stages === b.stages;
}

/** Whether an access was served from what a change made stale. */
function isStale(change: TableChange | undefined, page: number, output: number): boolean {
  if (change === undefined || change.before === 'invalid') return false;
  if (change.after === 'invalid' || change.before === 'table' || change.output === undefined)
    return change.after === 'invalid';
  const old = change.output + (page - change.first) * 4096;
  return output - (output % 4096) === old - (old % 4096) && change.sameOutput !== true && change.resized !== true;
}

function rangeText({ first, pages, before, tag }: TableChange): string {
  const entry = before === 'table' ? 'table entry' : before === 'invalid' ? 'new entry' : 'leaf';
  return `${entry} at ${address(first)}, ${pages} ${pages === 1 ? 'page' : 'pages'} of ${tagText(tag.domain, tag.space)}`;
}

function tagText(domain: number, space: number): string {
  if (domain === ANY) return 'every domain';
  return space === ANY ? `domain ${domain}` : `domain ${domain}, address space ${space}`;
}
