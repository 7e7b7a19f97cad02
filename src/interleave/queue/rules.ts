/**
 * What must hold of a shared command queue: every command is consumed once, whole and in the order of its producer; no entry
 * is written before the one that it replaces was consumed; a CMD_SYNC ends after its producer's earlier commands; whoever
 * waits for the lock gets it next; and at the end the words agree.
 * @module
 */
import type { Event } from '../operations.ts';
import type { Reader, Rules } from '../scenario.ts';
import { senderOf } from './commands.ts';
import { entriesOf, type Producer } from './producer.ts';
import { distance, forward, type Queue, validRuns } from './queue.ts';

/** How often the lock may be taken alone while somebody waits to share it, before the waiter counts as starved. */
const OVERTAKEN = 2;

/**
 * Rules for one queue. What they remember: the position up to which entries were consumed, then for each producer the commands
 * consumed, then for each producer one more than how often it was overtaken while it waits for the lock, 0 while it does not.
 */
export function queueRules(queue: Queue, producers: readonly Producer[]): Rules {
  const count = producers.length;
  const totals = producers.map(({ batches }) => batches.reduce((sum, batch) => sum + entriesOf(batch), 0));
  const handlers: Record<string, (memory: number[], values: readonly number[], thread: number) => string | undefined> =
    {
      writes: (memory, values, thread) => writes(queue, memory, values, thread),
      consumes: (memory, values) => consumes(queue, totals, memory, values),
      synced: (memory, values, thread) => synced(memory, values, thread),
      'waits for the lock': (memory, _, thread) => {
        memory[1 + count + thread] = 1;
        return undefined;
      },
      'has the lock': (memory, _, thread) => {
        memory[1 + count + thread] = 0;
        return undefined;
      },
      'took the lock alone': (memory) => overtakes(memory, count),
    };
  return {
    memory: new Array<number>(1 + 2 * count).fill(0),
    event: (memory: number[], { name, values }: Event, thread: number) => handlers[name]?.(memory, values, thread),
    end: (memory, read) => atEnd(queue, totals, memory, read),
  };
}

function writes(
  queue: Queue,
  memory: readonly number[],
  [at = 0]: readonly number[],
  thread: number,
): string | undefined {
  const consumed = memory[0] as number;
  if (distance(queue, consumed, at) < queue.size) return undefined;
  return `producer ${thread} writes entry ${at % queue.size} before the command in it was consumed`;
}

function consumes(
  queue: Queue,
  totals: readonly number[],
  memory: number[],
  [at = 0, w0 = 0, w1 = 0]: readonly number[],
): string | undefined {
  const sent = senderOf({ w0, w1 });
  if (sent === undefined) return `the SMMU consumes an entry that is not a whole command: ${hex(w0)} ${hex(w1)}`;
  const { producer, number } = sent;
  const expected = memory[1 + producer] as number;
  if (producer >= totals.length) return `the SMMU consumes a command that nobody sent: ${hex(w0)} ${hex(w1)}`;
  if (number !== expected) {
    const which = number < expected ? 'a second time' : `before command ${expected} of the same producer`;
    return `the SMMU consumes command ${number} of producer ${producer} ${which}`;
  }
  memory[1 + producer] = expected + 1;
  memory[0] = forward(queue, at, 1);
  return undefined;
}

function synced(memory: readonly number[], [number = 0]: readonly number[], thread: number): string | undefined {
  const consumed = memory[1 + thread] as number;
  if (consumed > number) return undefined;
  return `producer ${thread} takes its CMD_SYNC (command ${number}) for done when ${consumed} of its commands were consumed`;
}

function overtakes(memory: number[], count: number): string | undefined {
  for (let thread = 0; thread < count; thread++) {
    const waits = memory[1 + count + thread] as number;
    if (waits > OVERTAKEN)
      return `producer ${thread} starves: the lock was taken alone ${waits} times while it waited to share it`;
    if (waits > 0) memory[1 + count + thread] = waits + 1;
  }
  return undefined;
}

function atEnd(queue: Queue, totals: readonly number[], memory: readonly number[], read: Reader): string | undefined {
  const lost = totals.findIndex((total, producer) => memory[1 + producer] !== total);
  if (lost !== -1) return `${memory[1 + lost]} of ${totals[lost]} commands of producer ${lost} were consumed`;
  const end = memory[0] as number;
  const words = { CMDQ_PROD: queue.prodRegister, CMDQ_CONS: queue.consRegister, prod: queue.prod, turn: queue.turn };
  for (const [name, cell] of Object.entries(words)) {
    if (read(cell) !== end) return `at the end ${name} is ${hex(read(cell))}, not ${hex(end)}`;
  }
  if (read(queue.lock) !== 0) return `at the end the lock is ${read(queue.lock)}, not 0`;
  return validBits(queue, totals, read, end);
}

/** Each entry's bit says in which round it was last written. */
function validBits(queue: Queue, totals: readonly number[], read: Reader, end: number): string | undefined {
  const written = Math.min(
    totals.reduce((sum, total) => sum + total, 0),
    queue.size,
  );
  const from = forward(queue, end, 2 * queue.size - written);
  const wrong = validRuns(queue, from, written).find(({ cell, mask, written: bits }) => (read(cell) & mask) !== bits);
  return wrong === undefined ? undefined : `at the end the valid bits are ${hex(read(wrong.cell))}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
