/**
 * The operations of a vector as calls of a {@link Subject}, and their answers by the keys of the schema.
 * @module
 */
import { IommuError, shown } from '../errors.ts';
import type { Value } from './compare.ts';
import type { Gathered, MapAnswer, Subject } from './subject.ts';
import type { VectorOp } from './vector.ts';

/** What an operation answered, by the keys under which a vector records it. */
export type Answers = Readonly<Record<string, Value>>;

type Operation = (subject: Subject, op: VectorOp) => Answers;

function big(text: string | undefined): bigint {
  return BigInt(text ?? 0);
}

function missing(op: VectorOp): IommuError {
  return new IommuError('UNSUPPORTED', 'op', `expected an operation of the engine of this format, got ${shown(op.op)}`);
}

function gathered({ start, end, pages, leaf, table }: Gathered): Value {
  const levels = leaf === undefined || table === undefined ? {} : { leaf, table };
  return { start, end, ...(pages === undefined ? {} : { pages }), ...levels };
}

function mapped({ errno, bytes }: MapAnswer): Answers {
  return { ret: errno, mapped: bytes };
}

function args(op: VectorOp): [iova: bigint, pa: bigint] {
  return [big(op.iova), big(op.paddr)];
}

const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  [
    'map',
    (subject, op) => {
      if (subject.mapPages === undefined) throw missing(op);
      return mapped(subject.mapPages(...args(op), big(op.pgsize), op.pgcount ?? 0, op.prot ?? 0));
    },
  ],
  [
    'unmap',
    (subject, op) => {
      if (subject.unmapPages === undefined) throw missing(op);
      const gather = op.no_gather === true ? 'none' : op.queued === true ? 'queued' : 'now';
      return { ret: subject.unmapPages(big(op.iova), big(op.pgsize), op.pgcount ?? 0, gather) };
    },
  ],
  [
    'map_range',
    (subject, op) => {
      if (subject.mapRange === undefined) throw missing(op);
      return mapped(subject.mapRange(...args(op), big(op.len), op.prot ?? 0));
    },
  ],
  [
    'unmap_range',
    (subject, op) => {
      if (subject.unmapRange === undefined) throw missing(op);
      const { bytes, gather, sync } = subject.unmapRange(big(op.iova), big(op.len), op.queued === true);
      return { ret: bytes, gather: gathered(gather), sync };
    },
  ],
  [
    'gather_begin',
    (subject, op) => {
      if (subject.beginGather === undefined) throw missing(op);
      subject.beginGather(op.queued === true);
      return {};
    },
  ],
  [
    'gather_end',
    (subject, op) => {
      if (subject.endGather === undefined) throw missing(op);
      const { gather, sync } = subject.endGather();
      return { gather: gathered(gather), sync };
    },
  ],
  ['iommu_map', (subject, op) => ({ ret: subject.map(...args(op), big(op.size), op.prot ?? 0) })],
  ['iommu_unmap', (subject, op) => ({ ret: subject.unmap(big(op.iova), big(op.size)) })],
  [
    'iommu_map_sg',
    (subject, op) => {
      const list = (op.sg ?? []).map(([address, length]) => [BigInt(address), BigInt(length)] as const);
      const { errno, bytes } = subject.mapSg(big(op.iova), list, op.prot ?? 0);
      return { ret: errno === 0 ? bytes : errno };
    },
  ],
  [
    'set_dirty',
    (subject, op) => {
      if (subject.setDirty === undefined) throw missing(op);
      return { ret: subject.setDirty(big(op.iova)) };
    },
  ],
  [
    'read_dirty',
    (subject, op) => {
      if (subject.readDirty === undefined) throw missing(op);
      const gather = op.no_gather !== true;
      const answer = subject.readDirty(big(op.iova), big(op.size), op.flags ?? 0, op.bitmap === true, gather);
      return { ret: answer.errno, dirty: answer.dirty, gather: gathered(answer.gather) };
    },
  ],
  [
    'hw_write',
    (subject, op) => {
      if (subject.hardwareWrite === undefined) throw missing(op);
      return { hit: subject.hardwareWrite(big(op.iova)) };
    },
  ],
  [
    'pgtable_walk',
    (subject, op) => {
      if (subject.walk === undefined) throw missing(op);
      const { errno, entries } = subject.walk(big(op.iova));
      return { ret: errno, ptes: entries };
    },
  ],
  [
    'failalloc',
    (subject, op) => {
      subject.failAfter(op.after ?? -1);
      return {};
    },
  ],
]);

/**
 * Performs one operation.
 * @throws IommuError `UNSUPPORTED` for one that the subject does not have, and whatever the subject's call throws.
 */
export function perform(subject: Subject, op: VectorOp): Answers {
  const operation = OPERATIONS.get(op.op);
  if (operation === undefined) throw missing(op);
  return operation(subject, op);
}
