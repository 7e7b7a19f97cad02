/**
 * One way to do the work: a path and a dispatch; and the one life of a domain in which map, translate and unmap are timed.
 * @module
 */
import { Domain } from '../core/domain.ts';
import type { DomainOptions } from '../core/options.ts';
import type { Dispatch, Path } from '../core/paths.ts';
import { PROT } from '../formats/protection.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import { type Counts, Meter } from '../meter/meter.ts';
import type { Work } from './layouts.ts';
import { type Clock, nanoseconds } from './timer.ts';

/** What is timed. */
export type BenchOp = 'map' | 'unmap' | 'translate';

/** All operations, in the order of a domain's life. */
export const BENCH_OPS: readonly BenchOp[] = ['map', 'translate', 'unmap'];

const PROTECTION = PROT.READ | PROT.WRITE;

/** A path and a dispatch. */
export interface Variant {
  /** Path. */
  readonly path: Path;
  /** Dispatch. */
  readonly dispatch: Dispatch;
}

/** What a domain of a benchmark is made of. */
export interface Subject {
  /** Format id. */
  readonly format: string;
  /** Smallest page, bytes. */
  readonly granule: number;
  /** Driver; default one without a device. */
  readonly driver?: DomainOptions['driver'];
}

/** Makes a domain for some work. */
export function makeDomain(subject: Subject, variant: Variant, work: Work, memory: TableMemory): Domain {
  const { format, granule, driver } = subject;
  return new Domain({
    format,
    granule,
    memory,
    meter: new Meter(),
    ...variant,
    ...(driver === undefined ? {} : { driver }),
    ...(work.smallestOnly ? { pageSizes: granule } : {}),
  });
}

function mapAll(domain: Domain, work: Work): number {
  return domain.mapSg(work.iova, work.list, PROTECTION).bytes;
}

function translateAll(domain: Domain, work: Work, page: number): number {
  let sum = 0;
  const end = work.iova + work.bytes;
  for (let iova = work.iova; iova < end; iova += page) sum += domain.translate(iova) ?? 0;
  return sum;
}

function unmapAll(domain: Domain, work: Work): number {
  return domain.unmap(work.iova, work.bytes).bytes;
}

/** Does one operation; the result depends on all that it did. */
export function perform(op: BenchOp, domain: Domain, work: Work, page: number): number {
  if (op === 'map') return mapAll(domain, work);
  return op === 'translate' ? translateAll(domain, work, page) : unmapAll(domain, work);
}

/** What one operation must return. */
export function expected(op: BenchOp, work: Work): number {
  return op === 'translate' ? work.physicalSum : work.bytes;
}

/** Times of one life, in nanoseconds an operation. */
export type Times = Record<BenchOp, number>;

/**
 * One sample: `batch` new domains, each with its own tables, mapped, translated and unmapped once. Domains are made
 * before the clock starts and freed after it stopped; tables are allocated and freed inside.
 * @throws Error where an operation did not do what it was asked.
 */
export function sampleLife(
  subject: Subject,
  variant: Variant,
  work: Work,
  memory: TableMemory,
  batch: number,
  clock: Clock,
): Times {
  const domains = Array.from({ length: batch }, () => makeDomain(subject, variant, work, memory));
  const times: Times = { map: 0, translate: 0, unmap: 0 };
  for (const op of BENCH_OPS) {
    let sink = 0;
    const start = nanoseconds(clock);
    for (const domain of domains) sink += perform(op, domain, work, subject.granule);
    times[op] = (nanoseconds(clock) - start) / batch;
    checkSink(op, sink, batch * expected(op, work));
  }
  for (const domain of domains) domain.free();
  return times;
}

function checkSink(op: BenchOp, got: number, wanted: number): void {
  if (got !== wanted) throw new Error(`${op} gave ${got} where ${wanted} is right`);
}

/** Counts of one life, by operation. */
export function countLife(
  subject: Subject,
  variant: Variant,
  work: Work,
  memory: TableMemory,
): Record<BenchOp, Counts> {
  const domain = makeDomain(subject, variant, work, memory);
  const counted = BENCH_OPS.map((op) => {
    const before = domain.meter.snapshot();
    perform(op, domain, work, subject.granule);
    return [op, domain.meter.since(before)] as const;
  });
  domain.free();
  return Object.fromEntries(counted) as Record<BenchOp, Counts>;
}
