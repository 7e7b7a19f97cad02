/**
 * A CPU that puts commands into a shared queue without a lock, as Linux does since 5.4 (commit 587e6c10a7ce, "Reduce
 * contention during command-queue insertion"): slots are taken by compare-and-swap, written in parallel, and published in
 * order by the first of the producers that took slots while the one before them was still to publish.
 * @module
 */
import {
  awaitWord,
  barrier,
  event,
  highOf,
  load,
  lowOf,
  pair,
  place,
  type Steps,
  store,
  update,
} from '../operations.ts';
import { commandOf } from './commands.ts';
import { leaveExclusive, leaveShared, takeShared, tryExclusive } from './lock.ts';
import { COLLECTED, distance, entryOf, forward, passed, type Queue, space, validRuns } from './queue.ts';

/**
 * Defects that can be put into the queue. The first is one that Linux had (docs/concurrency.md), the others leave out one
 * thing that the algorithm needs.
 */
export type QueueBug =
  | 'exclusive-unlock-clears-waiters'
  | 'no-barrier-before-valid'
  | 'no-shared-lock'
  | 'owner-skips-its-turn'
  | 'owner-skips-valid-bits'
  | 'valid-bits-without-wrap'
  | 'space-without-sync';

/** Commands that are put into the queue together. */
export interface Batch {
  readonly commands: number;
  /** Whether a CMD_SYNC ends it, for which the producer waits. */
  readonly sync: boolean;
}

/** A CPU that sends its batches one after the other. */
export interface Producer {
  readonly queue: Queue;
  /** Its number, from 0. */
  readonly id: number;
  readonly batches: readonly Batch[];
  readonly bug?: QueueBug | undefined;
}

/** Slots that a producer took: from `from` up to `to`, and whether it publishes for those after it. */
interface Slots {
  readonly from: number;
  readonly to: number;
  readonly owner: boolean;
}

/** All that a producer does. */
export function* produce(producer: Producer): Steps {
  let sent = 0;
  for (const [i, batch] of producer.batches.entries()) {
    yield* place('batch', i);
    yield* issue(producer, batch, sent);
    sent += entriesOf(batch);
  }
}

/** Entries that a batch takes. */
export function entriesOf({ commands, sync }: Batch): number {
  return commands + (sync ? 1 : 0);
}

function* issue(producer: Producer, batch: Batch, sent: number): Steps {
  const { queue, bug } = producer;
  const slots = yield* takeSlots(producer, batch, sent);
  yield* writeEntries(producer, batch, slots, sent);
  const known = [sent, slots.from, slots.to, Number(slots.owner)];
  if (batch.sync && bug !== 'no-shared-lock') yield* takeShared(queue, bug, known);
  if (bug !== 'no-barrier-before-valid') yield* barrier();
  yield* markValid(queue, slots);
  if (slots.owner) yield* publish(producer, slots);
  if (batch.sync) yield* finishSync(producer, forward(queue, slots.to, 2 * queue.size - 1), sent + batch.commands);
}

/** Moves the CPUs' PROD on by compare-and-swap, and waits before that until there is room. */
function* takeSlots({ queue, bug }: Producer, batch: Batch, sent: number): Steps<Slots> {
  const count = entriesOf(batch);
  const needed = bug === 'space-without-sync' ? batch.commands : count;
  let seen: number = yield { kind: 'load-pair', low: queue.prod, high: queue.cons };
  for (;;) {
    seen = yield* awaitSpace(queue, bug, seen, needed, sent);
    const from = lowOf(seen) % COLLECTED;
    const to = forward(queue, from, count);
    const value = pair(to + COLLECTED, highOf(seen));
    const old: number = yield { kind: 'swap-pair', low: queue.prod, high: queue.cons, expected: seen, value };
    if (old === seen) return { from, to, owner: lowOf(seen) < COLLECTED };
    seen = old;
    yield* place('take', sent, seen);
  }
}

/** Until `needed` entries are free: takes CONS over from the register, if nobody else holds the lock. */
function* awaitSpace(
  queue: Queue,
  bug: QueueBug | undefined,
  seen: number,
  needed: number,
  sent: number,
): Steps<number> {
  while (space(queue, lowOf(seen) % COLLECTED, highOf(seen)) < needed) {
    yield* place('space', sent, seen);
    if (yield* tryExclusive(queue)) {
      yield* store(queue.cons, yield* load(queue.consRegister));
      yield* leaveExclusive(queue, bug);
    }
    seen = yield { kind: 'load-pair', low: queue.prod, high: queue.cons };
  }
  return seen;
}

function* writeEntries({ queue, id }: Producer, batch: Batch, { from }: Slots, sent: number): Steps {
  for (let i = 0; i < entriesOf(batch); i++) {
    const { w0, w1 } = commandOf({ producer: id, number: sent + i, sync: i === batch.commands }, queue.completion);
    const at = forward(queue, from, i);
    yield* event('writes', at);
    yield* store(entryOf(queue, at), w0);
    yield* store(entryOf(queue, at) + 1, w1);
  }
}

function* markValid(queue: Queue, { from, to }: Slots): Steps {
  for (const { cell, mask } of validRuns(queue, from, distance(queue, from, to))) {
    yield* update(cell, 'flips', (old) => old ^ mask);
  }
}

/** Publishes the owner's slots and those taken since, once all of them are written and the owner before has published. */
function* publish({ queue, bug }: Producer, { from }: Slots): Steps {
  if (bug !== 'owner-skips-its-turn') yield* awaitWord(queue.turn, (turn) => turn === from);
  const to = (yield* update(queue.prod, 'stops collecting', (prod) => prod % COLLECTED)) % COLLECTED;
  if (bug !== 'owner-skips-valid-bits') yield* awaitValid(queue, from, to, bug);
  yield* store(queue.prodRegister, to);
  yield* barrier();
  yield* store(queue.turn, to);
}

function* awaitValid(queue: Queue, from: number, to: number, bug: QueueBug | undefined): Steps {
  for (const { cell, mask, written } of validRuns(queue, from, distance(queue, from, to))) {
    const wanted = bug === 'valid-bits-without-wrap' ? mask : written;
    yield* awaitWord(cell, (bits) => (bits & mask) === wanted);
  }
}

/** Waits for the CMD_SYNC at a position; the last one to leave the lock takes CONS over for all. */
function* finishSync({ queue, bug }: Producer, at: number, number: number): Steps {
  const cons = queue.completion === 'msi' ? yield* awaitMsi(queue, at) : yield* awaitConsumed(queue, at);
  yield* event('synced', number);
  if (bug !== 'no-shared-lock') yield* leaveShared(queue, cons);
}

function* awaitMsi(queue: Queue, at: number): Steps<number> {
  yield* awaitWord(entryOf(queue, at), (w0) => w0 % 2 ** 32 === 0);
  return forward(queue, at, 1);
}

function* awaitConsumed(queue: Queue, at: number): Steps<number> {
  const cons = highOf(yield { kind: 'load-pair', low: queue.prod, high: queue.cons });
  if (passed(queue, cons, at)) return cons;
  return yield* awaitWord(queue.consRegister, (register) => passed(queue, register, at));
}
