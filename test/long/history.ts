/**
 * One history over all domains of a unit: what each call comes to, what is mapped after it, every byte of the tables against
 * the twin's, what an independent reader and a live unit see, and that nothing is left at the end.
 * @module
 */
import type { Domain } from '../../src/core/index.ts';
import { IommuError } from '../../src/errors.ts';
import { type Call, CallMaker, type Draw, type Look, type StepKind } from '../../src/testing/histories.ts';
import { leavesOf, perform } from '../../src/testing/rules/histories.ts';
import { iovaOf } from '../../src/testing/setup.ts';
import { firstDifference } from '../cross/checks.ts';
import { DEVICE } from '../cross/live.ts';
import { regimeOf } from '../cross/regimes.ts';
import { sameTables } from './bytes.ts';
import { Difference, same } from './difference.ts';
import { look } from './looks.ts';
import { Marks } from './marks.ts';
import { type Model, merged, modelFor, type Outcome } from './models.ts';
import { type CampaignUnit, type Plant, type Subject, subjectsOf, twinOf } from './units.ts';

/** Steps between two comparisons of all bytes. */
const STEPS_BETWEEN = 24;

/** Smallest pages of a call: where a unit is live, its driver may send a command for each of them. */
const MOST_PAGES = { live: 2 ** 16, without: 2 ** 26 };

/** Counts that depend on the dispatch, or on what lay where a table lies. */
const DECIDED_ELSEWHERE: ReadonlySet<string> = new Set(['driverCalls', 'tableCalls', 'zeroedBytes']);

/** What a call comes to on a domain. */
function outcomeOn(domain: Domain, call: Call): Outcome {
  try {
    const result: { bytes: number; errno?: number } = perform(domain, call);
    return result.errno === undefined || result.errno === 0 ? result.bytes : result.errno;
  } catch (error) {
    if (error instanceof IommuError) return error.code;
    throw error;
  }
}

/** A call in words. */
export function words(call: Call | Look): string {
  return JSON.stringify(call, (_, value) => (typeof value === 'number' ? `0x${value.toString(16)}` : value));
}

/** One run of a history. */
export class HistoryRun {
  /** Calls made on domains under test. */
  operations = 0;
  /** The calls and looks so far. */
  readonly made: (Call | Look)[] = [];
  readonly #unit: CampaignUnit;
  readonly #subjects: readonly Subject[];
  readonly #twin: Domain;
  readonly #model: Model;
  readonly #marks = new Marks();
  readonly #maker: CallMaker;
  #steps = 0;

  /** @param neighbours whether two domains each lie in one memory */
  constructor(unit: CampaignUnit, plant: Plant, neighbours: boolean) {
    this.#unit = unit;
    this.#subjects = subjectsOf(unit, plant, neighbours);
    this.#twin = twinOf(unit);
    this.#model = modelFor(this.#twin);
    this.#maker = new CallMaker(this.#twin.geometry);
  }

  /** Performs the whole history. @throws Difference */
  run(history: readonly Draw<StepKind>[]): void {
    for (const draw of history) this.#step(draw);
    this.#compareTables();
    this.#end();
  }

  get #startsDirty(): boolean {
    const { dirty, format } = this.#twin.geometry;
    return dirty !== undefined && format.startsWith('arm-');
  }

  #step(draw: Draw<StepKind>): void {
    const { kind } = draw;
    const { mapped } = this.#model;
    if (kind === 'remap') for (const call of this.#maker.remap(draw, mapped).filter(this.#isBearable)) this.#call(call);
    else if (kind === 'translate' || kind === 'write' || kind === 'dirty') this.#look(this.#maker.look(draw, mapped));
    else {
      const call = this.#maker.make({ ...draw, kind }, mapped);
      if (call !== undefined && this.#isBearable(call)) this.#call(call);
    }
    if (++this.#steps % STEPS_BETWEEN === 0) this.#compareTables();
  }

  /** Larger ones are those of the tests of limits. */
  readonly #isBearable = ({ bytes }: Call): boolean =>
    bytes <= MOST_PAGES[this.#unit.make === undefined ? 'without' : 'live'] * 2 ** this.#twin.geometry.pageShift;

  #call(call: Call): void {
    this.made.push(call);
    const wanted = this.#model.outcome(call);
    const twin = outcomeOn(this.#twin, call);
    same(() => `twin: ${words(call)}`, twin, wanted ?? twin);
    this.#model.follow(this.#twin);
    if (this.#startsDirty && call.kind !== 'unmap' && typeof twin === 'number' && twin > 0) {
      this.#marks.mayBeWritten(call.offset, call.offset + twin);
    }
    this.#marks.keep(this.#model.mapped.intervals);
    for (const subject of this.#subjects) {
      same(() => `${subject.name}: ${words(call)}`, outcomeOn(subject.domain, call), twin);
    }
    this.operations += this.#subjects.length;
    this.#probe(call);
  }

  /** The first, middle and last byte of a call, and one to each side; of a device the first and the last. */
  #probe(call: Call): void {
    const [offset, bytes] = [BigInt(call.offset), BigInt(call.bytes)];
    const end = 1n << BigInt(this.#twin.geometry.ias);
    for (const at of [offset - 1n, offset, offset + bytes / 2n, offset + bytes - 1n, offset + bytes]) {
      if (at >= 0n && at < end) this.#translate(this.#iovaAt(at), this.#wantedAt(at));
    }
    for (const at of [offset, offset + bytes - 1n]) this.#ask(this.#iovaAt(at), this.#wantedAt(at));
  }

  /** The public form of an offset, which may lie beyond 2^53. */
  #iovaAt(offset: bigint): bigint {
    const within = offset % 2n ** BigInt(this.#twin.geometry.pageShift);
    return iovaOf(this.#twin, Number(offset - within)) + within;
  }

  #wantedAt(offset: bigint): number | undefined {
    const pa = this.#model.mapped.translate(offset);
    return pa === undefined ? undefined : Number(pa);
  }

  #translate(iova: bigint, wanted: number | undefined): void {
    for (const { name, domain } of this.#subjects) {
      same(() => `${name}: translate 0x${iova.toString(16)}`, domain.translate(iova), wanted);
    }
    this.operations += this.#subjects.length;
  }

  #ask(iova: bigint, wanted: number | undefined): void {
    for (const { name, device } of this.#subjects) {
      if (device === undefined) continue;
      const { result } = device.translate(DEVICE, iova);
      same(() => `${name}: the device at 0x${iova.toString(16)}`, result.ok ? result.pa : undefined, wanted);
    }
  }

  #look(one: Look | undefined): void {
    if (one === undefined) return;
    this.made.push(one);
    const done = look(one, this.#twin, this.#subjects, this.#model.mapped, this.#marks);
    this.operations += done;
  }

  #compareTables(): void {
    const twin = this.#twin;
    same(() => 'leaves of the twin', merged(leavesOf(twin).intervals), merged(this.#model.mapped.intervals));
    for (const { name, domain } of this.#subjects) sameTables(name, domain, twin);
    if (this.#unit.setup.configuration.request.encryptionBit !== undefined) return;
    const regime = regimeOf(twin);
    const seen = firstDifference(twin, regime, twin.leaves());
    if (seen !== undefined) throw new Difference(`the reader: ${seen}`);
  }

  #end(): void {
    this.#compareCounts();
    for (const { name, domain, device } of this.#subjects) {
      for (const unknown of device?.unknown.keys() ?? []) throw new Difference(`${name}: unknown register ${unknown}`);
      sameTables(name, domain, this.#twin);
      domain.free();
    }
    for (const { name, domain } of this.#subjects) {
      same(() => `${name}: tables left`, domain.memory.liveTables, 0);
      same(() => `${name}: bytes left`, domain.memory.liveBytes, 0);
    }
    this.#twin.free();
    same(() => 'twin: tables left', this.#twin.memory.liveTables, 0);
  }

  /** Both dispatches of a path do the same work, but for the calls between layers. */
  #compareCounts(): void {
    for (const [i, { name, domain }] of this.#subjects.entries()) {
      const other = this.#subjects[i - 1]?.domain;
      if (other?.path !== domain.path) continue;
      const counts = workOf(domain);
      for (const [count, wanted] of workOf(other)) same(() => `${name}: ${count}`, counts.get(count), wanted);
    }
  }
}

/** Counts of a domain that its dispatch does not decide, nor where its tables lie. */
function workOf({ meter }: Domain): Map<string, number> {
  const commands = Object.entries(meter.commands?.snapshot() ?? {});
  const counts = Object.entries(meter.snapshot()).filter(([name]) => !DECIDED_ELSEWHERE.has(name));
  return new Map([...counts, ...commands]);
}
