/**
 * Golden vectors through the engine: every answer, event, register and entry is compared.
 * @module
 */
import { IommuError } from '../errors.ts';
import {
  addEntry,
  compareEntries,
  compareEvents,
  compareText,
  compareValue,
  type Difference,
  type EntryMap,
  expandRows,
  type Value,
} from './compare.ts';
import { perform } from './operations.ts';
import type { Subject } from './subject.ts';
import { purposeOf, type Skipped, subjectOf } from './subjects.ts';
import type { GenericVector, Vector, VectorOp } from './vector.ts';

/** Why a vector failed: the first difference. */
export interface VectorFailure extends Difference {
  /** Id of the vector. */
  readonly id: string;
  /** Index of the operation, or null where the difference is in the configuration or at the end. */
  readonly op: number | null;
}

/** A configuration that the kernel grants and this library refuses on purpose: see `iommu formats`. */
export interface Refused {
  readonly refused: string;
}

/** What became of one vector. */
export type VectorResult = 'passed' | Skipped | Refused | VectorFailure;

type AnyVector = Vector | GenericVector;

/** A comparison of one's own after the last operation. */
export type AtEnd = (subject: Subject) => Difference | undefined;

/** A difference, and the operation that it belongs to. */
interface Found {
  readonly op: number | null;
  readonly difference: Difference;
}

function entriesOf(subject: Subject): EntryMap {
  const entries = new Map<string, string>();
  subject.entries((table, level, index, entry) => addEntry(entries, table, level, index, entry));
  return entries;
}

function compareTranslations(subject: Subject, op: VectorOp): Difference | undefined {
  for (const [i, [iova, expected]] of (op.q ?? []).entries()) {
    const difference = compareValue(`q[${i}] ${iova}`, expected, subject.translate(BigInt(iova)));
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** Keys of an operation that hold answers; `tlb` and `ev` are compared as events. */
const ANSWERS = ['ret', 'mapped', 'dirty', 'gather', 'sync', 'ptes', 'hit'] as const;

function runOp(subject: Subject, op: VectorOp): Difference | undefined {
  if (op.op === 'i2p') return compareTranslations(subject, op);
  if (op.op === 'dump') return compareEntries(expandRows(op.rows ?? [], subject.entryBits), entriesOf(subject));
  const answers = perform(subject, op);
  const events = subject.takeEvents();
  for (const key of ANSWERS) {
    const expected: Value = op[key] as Value;
    const difference = expected === undefined ? undefined : compareValue(key, expected, answers[key]);
    if (difference !== undefined) return difference;
  }
  return (
    (op.tlb === undefined ? undefined : compareEvents('tlb', op.tlb, events)) ??
    (op.ev === undefined ? undefined : compareEvents('ev', op.ev, events))
  );
}

/** Compares what the vector records of a record; further keys of the answer are not looked at. */
function compareKeys(name: string, expected: object | null | undefined, got: object): Difference | undefined {
  for (const [key, value] of Object.entries(expected ?? {})) {
    const have: Value = Object.hasOwn(got, key) ? (got as Record<string, Value>)[key] : undefined;
    const difference = compareValue(`${name}.${key}`, value as Value, have);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** Registers are compared as values: a vector has small ones as numbers. */
function compareRegisters(name: string, expected: AnyVector['regs'], subject: Subject): Difference | undefined {
  const values = Object.entries(expected ?? {}).map(([key, value]) => [key, BigInt(value)] as const);
  return compareKeys(name, Object.fromEntries(values), subject.registers());
}

function compareInit(vector: AnyVector, subject: Subject): Difference | undefined {
  const { ok, ...granted } = vector.init;
  return (
    compareText('init.ok', String(ok), 'true') ??
    compareKeys('init', granted, subject.granted()) ??
    compareRegisters('regs', vector.regs, subject) ??
    (vector.init_ev === undefined ? undefined : compareEvents('init_ev', vector.init_ev, subject.takeEvents()))
  );
}

function compareEnd(vector: AnyVector, subject: Subject): Difference | undefined {
  const { dump, tables, dma_sync: sync, dma_map: map, clean } = vector;
  return (
    (dump === null ? undefined : compareEntries(expandRows(dump, subject.entryBits), entriesOf(subject))) ??
    compareRegisters('regs_end', vector.regs_end ?? null, subject) ??
    (tables === undefined ? undefined : compareKeys('tables', tables, subject.tables())) ??
    (sync === undefined ? undefined : compareKeys('dma_sync', sync, subject.cleans())) ??
    (clean === undefined ? undefined : compareKeys('clean', clean, subject.cleans())) ??
    (map === undefined ? undefined : compareKeys('dma_map', map, subject.walkerMaps?.() ?? {}))
  );
}

/** What a call that threw says in place of an answer. */
function thrown(error: unknown): Difference {
  const got = error instanceof Error ? error.message : String(error);
  return { field: 'call', expected: 'an answer', got };
}

function guarded(op: number | null, run: () => Difference | undefined): Found | undefined {
  try {
    const difference = run();
    return difference === undefined ? undefined : { op, difference };
  } catch (error) {
    return { op, difference: thrown(error) };
  }
}

function firstDifference(vector: AnyVector, subject: Subject, atEnd: AtEnd): Found | undefined {
  const init = guarded(null, () => compareInit(vector, subject));
  if (init !== undefined) return init;
  subject.takeEvents();
  for (const [i, op] of vector.ops.entries()) {
    const found = guarded(i, () => runOp(subject, op));
    if (found !== undefined) return found;
  }
  return guarded(null, () => compareEnd(vector, subject) ?? atEnd(subject));
}

/** Codes of refusals that stand for an allocator of the kernel that returned nothing. */
const REFUSALS: ReadonlySet<string> = new Set(['BAD_GEOMETRY', 'UNSUPPORTED_GEOMETRY', 'BAD_QUIRK', 'NO_MEMORY']);

function compareRefusal(vector: AnyVector, error: IommuError): Difference | Refused | undefined {
  const { init } = vector;
  const refused = init.ok && REFUSALS.has(error.code) ? purposeOf(vector) : undefined;
  if (refused !== undefined) return { refused };
  if (init.ok || !REFUSALS.has(error.code)) {
    return { field: 'init.ok', expected: String(init.ok), got: error.message };
  }
  const ret = 'ret' in init ? init.ret : undefined;
  return ret === undefined ? undefined : compareValue('init.ret', ret, error.errno);
}

function startedOr(vector: AnyVector): Subject | Skipped | Refused | Difference | undefined {
  try {
    return subjectOf(vector);
  } catch (error) {
    return error instanceof IommuError ? compareRefusal(vector, error) : thrown(error);
  }
}

/** Runs one vector, to its first difference. A call that throws fails this vector only. */
export function runVector(vector: AnyVector, atEnd: AtEnd = () => undefined): VectorResult {
  const started = startedOr(vector);
  if (started === undefined) return 'passed';
  if ('skipped' in started || 'refused' in started) return started;
  if ('field' in started) return { id: vector.id, op: null, ...started };
  const found = firstDifference(vector, started, atEnd);
  return found === undefined ? 'passed' : { id: vector.id, op: found.op, ...found.difference };
}
