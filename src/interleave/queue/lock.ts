/**
 * The lock around the CPUs' CONS: shared by those that wait for a CMD_SYNC, so that the queue cannot go round twice under
 * them, or held alone to take CONS over from the register. One signed word: 0 free, above 0 the number of sharers, below 0
 * held alone, counted up by those that wait to share it.
 * @module
 */
import { awaitWord, barrier, event, load, place, type Steps, store, swap, update } from '../operations.ts';
import type { QueueBug } from './producer.ts';
import { EXCLUSIVE, type Queue } from './queue.ts';

/**
 * Shares the lock. Whoever holds it alone is waited for, but nobody may come in between. `known` is what the caller knows and
 * will still use, for the head of a loop.
 */
export function* takeShared({ lock }: Queue, bug: QueueBug | undefined, known: readonly number[]): Steps {
  const old = yield* update(lock, 'adds 1', (count) => count + 1);
  if (old >= 0) return;
  yield* event('waits for the lock');
  if (bug === 'exclusive-unlock-clears-waiters') yield* retryShared(lock, known);
  else yield* awaitWord(lock, (count) => count > 0);
  yield* event('has the lock');
}

/** The way in that belongs to an unlocking that forgets the waiters (Linux before commit df180b1a4cc5). */
function* retryShared(lock: number, known: readonly number[]): Steps {
  for (;;) {
    yield* place('retry', ...known);
    const count = yield* awaitWord(lock, (value) => value >= 0);
    if ((yield* swap(lock, count, count + 1)) === count) return;
  }
}

/** Stops sharing the lock; the last one first writes `cons`, up to where it knows the queue to be consumed. */
export function* leaveShared({ lock, cons }: Queue, consumed: number): Steps {
  if ((yield* load(lock)) === 1) yield* store(cons, consumed);
  yield* barrier();
  yield* update(lock, 'subtracts 1', (count) => count - 1);
}

/** Takes the lock alone if it is free. */
export function* tryExclusive({ lock }: Queue): Steps<boolean> {
  const got = (yield* swap(lock, 0, EXCLUSIVE)) === 0;
  if (got) yield* event('took the lock alone');
  return got;
}

/** Gives the lock up, and keeps the count of those that wait to share it. */
export function* leaveExclusive({ lock }: Queue, bug: QueueBug | undefined): Steps {
  yield* barrier();
  if (bug === 'exclusive-unlock-clears-waiters') yield* store(lock, 0);
  else yield* update(lock, 'clears the sign', (count) => count - EXCLUSIVE);
}
