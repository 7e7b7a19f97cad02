/**
 * One way to do the work: a path and a dispatch; and what is done.
 * @module
 */
import { Domain } from '../core/domain.ts';
import type { DomainOptions } from '../core/options.ts';
import type { Dispatch, Path } from '../core/paths.ts';
import { PROT } from '../formats/protection.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import { type Counts, Meter } from '../meter/meter.ts';
import type { Work } from './layouts.ts';

/**
 * What is timed: `map` a list, `map-run` one piece without a list, `translate` a call for each page, `translate-range` in one call,
 * `unmap` everything in one call.
 */
export type BenchOp = 'map' | 'map-run' | 'translate' | 'translate-range' | 'unmap';

/** The operations of the 2021 series. */
export const BENCH_OPS: readonly BenchOp[] = ['map', 'translate', 'unmap'];

/** All operations. */
export const ALL_OPS: readonly BenchOp[] = ['map', 'map-run', 'translate', 'translate-range', 'unmap'];

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

/** One operation on some work, from an input address on. @returns bytes, or a sum of output addresses */
export type Act = (domain: Domain, work: Work, iova: number) => number;

function translatePages(domain: Domain, { bytes, pages }: Work, iova: number): number {
  const page = bytes / pages;
  let sum = 0;
  for (let at = iova; at < iova + bytes; at += page) sum += domain.translate(at) ?? 0;
  return sum;
}

/** Each operation, done once at `iova`. The result depends on all that it did: bytes, or the sum of the output addresses. */
export const ACTS: Readonly<Record<BenchOp, Act>> = {
  map: (domain, work, iova) => domain.mapSg(iova, work.list, PROTECTION).bytes,
  'map-run': (domain, work, iova) => domain.map(iova, work.physical, work.bytes, PROTECTION).bytes,
  translate: translatePages,
  'translate-range': (domain, work, iova) => domain.translateRange(iova, work.pages).reduce((sum, pa) => sum + pa, 0),
  unmap: (domain, work, iova) => domain.unmap(iova, work.bytes).bytes,
};

/** Whether an operation can be done with such work: `map-run` needs one piece. */
export function isPossible(op: BenchOp, { list }: Work): boolean {
  return op !== 'map-run' || list.length === 1;
}

/** Counts of one operation in a new domain, or, with `again`, in one that has done and undone it before. */
export function countOnce(op: BenchOp, domain: Domain, work: Work, again: boolean): Counts {
  const map = op === 'map-run' ? op : 'map';
  if (again) {
    ACTS[map](domain, work, work.iova);
    ACTS.unmap(domain, work, work.iova);
  }
  if (op !== map) ACTS[map](domain, work, work.iova);
  const before = domain.meter.snapshot();
  ACTS[op](domain, work, work.iova);
  const counts = domain.meter.since(before);
  domain.free();
  return counts;
}
