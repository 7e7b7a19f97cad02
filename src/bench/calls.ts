/**
 * The calls that are measured, as jobs: one operation on one piece of work, in new domains or in one that has its tables.
 * @module
 */
import type { Domain } from '../core/domain.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import type { Job } from './harness.ts';
import type { Work } from './layouts.ts';
import { ACTS, type Act, type BenchOp, makeDomain, type Subject, type Variant } from './variants.ts';

/**
 * Whose tables: `new`: each call is the first of a new domain, and makes its tables; `present`: the domain has made and undone such
 * calls before, so that tables exist but for those that an unmap frees whole.
 */
export type Tables = 'new' | 'present';

/** Both. */
export const TABLES: readonly Tables[] = ['new', 'present'];

/** What is measured. */
export interface Call {
  readonly op: BenchOp;
  readonly variant: Variant;
  readonly tables: Tables;
}

/** Operations that change tables. */
type Changing = 'map' | 'map-run' | 'unmap';

/** Most new domains a sample. */
const MOST_DOMAINS = 64;
/** Ranges of a domain that has its tables: 16 MiB of them, 16 to 1000, and no more than 512 MiB. */
const RANGE_BYTES = 2 ** 24;
const LEAST_RANGES = 16;
const MOST_RANGES = 1000;
const MOST_RANGE_BYTES = 2 ** 29;
const MOST_TRANSLATIONS = 4096;

function rangesOf(bytes: number): number {
  const wanted = Math.min(Math.max(Math.floor(RANGE_BYTES / bytes), LEAST_RANGES), MOST_RANGES);
  return Math.max(1, Math.min(wanted, Math.floor(MOST_RANGE_BYTES / bytes)));
}

/** What a job got must be what it was to get. */
class Sum {
  got = 0;
  wanted = 0;

  check(what: string): void {
    const { got, wanted } = this;
    this.got = 0;
    this.wanted = 0;
    if (got !== wanted) throw new Error(`${what} gave ${got} where ${wanted} is right`);
  }
}

/** Each time in a domain of its own, made before and freed after. */
class NewDomains implements Job {
  readonly most = MOST_DOMAINS;
  readonly #op: Changing;
  readonly #work: Work;
  readonly #make: () => Domain;
  readonly #sum = new Sum();
  #domains: Domain[] = [];

  constructor(op: Changing, work: Work, make: () => Domain) {
    this.#op = op;
    this.#work = work;
    this.#make = make;
  }

  prepare(times: number): void {
    this.#domains = Array.from({ length: times }, this.#make);
    if (this.#op === 'unmap') for (const domain of this.#domains) ACTS.map(domain, this.#work, this.#work.iova);
  }

  work(times: number): void {
    const act = ACTS[this.#op];
    for (let i = 0; i < times; i++) this.#sum.got += act(this.#domains[i] as Domain, this.#work, this.#work.iova);
  }

  finish(times: number): void {
    this.#sum.wanted = times * this.#work.bytes;
    this.#sum.check(this.#op);
    for (const domain of this.#domains) domain.free();
    this.#domains = [];
  }

  end(): void {
    this.finish(0);
  }
}

/** Ranges of one domain, one behind the other. */
class Ranges implements Job {
  readonly most: number;
  readonly #op: Changing;
  readonly #act: Act;
  readonly #work: Work;
  readonly #domain: Domain;
  readonly #sum = new Sum();

  constructor(op: Changing, work: Work, domain: Domain) {
    this.most = rangesOf(work.bytes);
    this.#op = op;
    this.#act = ACTS[op];
    this.#work = work;
    this.#domain = domain;
    this.#all('map', this.most);
    this.#all('unmap', this.most);
    this.#sum.got = 0;
  }

  prepare(times: number): void {
    if (this.#op === 'unmap') this.#all('map', times);
    this.#sum.got = 0;
  }

  work(times: number): void {
    this.#all(this.#op, times);
  }

  single(): void {
    this.#sum.got += this.#act(this.#domain, this.#work, this.#work.iova);
  }

  finish(times: number): void {
    this.#sum.wanted = times * this.#work.bytes;
    this.#sum.check(this.#op);
    if (this.#op !== 'unmap') this.#all('unmap', times);
  }

  end(): void {
    this.#domain.free();
  }

  #all(op: Changing, times: number): void {
    const act = ACTS[op];
    const { iova, bytes } = this.#work;
    for (let i = 0; i < times; i++) this.#sum.got += act(this.#domain, this.#work, iova + i * bytes);
  }
}

/** Translates everything, a call for each page; cold is one page. */
class Translations implements Job {
  readonly most: number;
  readonly #work: Work;
  readonly #domain: Domain;
  readonly #sum = new Sum();

  constructor(work: Work, domain: Domain) {
    this.most = Math.max(1, Math.floor(MOST_TRANSLATIONS / work.pages));
    this.#work = work;
    this.#domain = domain;
    ACTS.map(domain, work, work.iova);
  }

  prepare(times: number): void {
    this.#sum.wanted = times * this.#work.physicalSum;
  }

  work(times: number): void {
    for (let i = 0; i < times; i++) this.#sum.got += ACTS.translate(this.#domain, this.#work, this.#work.iova);
  }

  single(): void {
    this.#sum.got = this.#domain.translate(this.#work.iova) ?? -1;
    this.#sum.wanted = this.#work.list.addresses[0] as number;
  }

  finish(): void {
    this.#sum.check('translate');
  }

  end(): void {
    this.#domain.free();
  }
}

/** Translates everything in one call. */
class RangeTranslation implements Job {
  readonly most = 1;
  readonly #work: Work;
  readonly #domain: Domain;
  readonly #out: Float64Array;

  constructor(work: Work, domain: Domain) {
    this.#work = work;
    this.#domain = domain;
    this.#out = new Float64Array(work.pages);
    ACTS.map(domain, work, work.iova);
  }

  prepare(): void {
    this.#out.fill(0);
  }

  work(): void {
    this.#domain.translateRange(this.#work.iova, this.#out.length, this.#out);
  }

  finish(): void {
    const got = this.#out.reduce((sum, pa) => sum + pa, 0);
    if (got !== this.#work.physicalSum) throw new Error(`translateRange gave ${got}, not ${this.#work.physicalSum}`);
  }

  end(): void {
    this.#domain.free();
  }
}

/** The job of a call; its domains lie in `memory`, beside the work's list. */
export function jobOf(call: Call, subject: Subject, work: Work, memory: TableMemory): Job {
  const make = (): Domain => makeDomain(subject, call.variant, work, memory);
  if (call.op === 'translate') return new Translations(work, make());
  if (call.op === 'translate-range') return new RangeTranslation(work, make());
  return call.tables === 'new' ? new NewDomains(call.op, work, make) : new Ranges(call.op, work, make());
}
