/**
 * CMD_SYNCs with numbers, as Linux waited for them from 4.15 to 5.3: a spinlock around the queue, a number in each CMD_SYNC,
 * and one word to which the SMMU writes the number of the last one that it has done. A waiter is content with its own number
 * or a later one, so the numbers must grow in the order of the queue.
 * @module
 */
import { IommuError } from '../errors.ts';
import { Layout } from './layout.ts';
import { awaitWord, barrier, type Cell, event, load, place, type Steps, store, update } from './operations.ts';
import type { Order, Rules, Scenario } from './scenario.ts';

/** The defect that Linux had: a CPU takes its number before it has the lock (docs/concurrency.md). */
export type NumbersBug = 'number-taken-before-the-lock';

/** CPUs that each send and await some CMD_SYNCs. */
export interface NumbersSetup {
  readonly name: string;
  readonly order: Order;
  readonly cpus: number;
  /** CMD_SYNCs of each CPU. */
  readonly syncs: number;
  readonly bug?: NumbersBug | undefined;
}

interface Words {
  readonly lock: Cell;
  /** The last number given out. */
  readonly number: Cell;
  readonly prod: Cell;
  readonly queue: Cell;
  /** The last number that the SMMU wrote. */
  readonly done: Cell;
}

/**
 * CPUs that share a locked queue without end.
 * @throws IommuError `BAD_OPTION` if there is no CPU or no CMD_SYNC
 */
export function numbersScenario({ name, order, cpus, syncs, bug }: NumbersSetup): Scenario {
  for (const [argument, count] of Object.entries({ cpus, syncs })) {
    if (!(Number.isInteger(count) && count > 0))
      throw new IommuError('BAD_OPTION', argument, `expected 1 or more, got ${count}`);
  }
  const layout = new Layout();
  const words: Words = {
    lock: layout.cell('lock'),
    number: layout.cell('number'),
    prod: layout.cell('prod'),
    queue: layout.cells('sync', cpus * syncs),
    done: layout.cell('done'),
  };
  const senders = Array.from({ length: cpus }, (_, id) => ({ name: `CPU ${id}`, run: () => send(words, syncs, bug) }));
  const smmu = { name: 'SMMU', device: true, run: () => consume(words, cpus * syncs) };
  return { name, order, layout, threads: [...senders, smmu], rules: numbersRules(words, cpus * syncs) };
}

function* send(words: Words, syncs: number, bug: NumbersBug | undefined): Steps {
  for (let i = 0; i < syncs; i++) {
    yield* place('sync', i);
    const early = bug === undefined ? 0 : yield* take(words);
    yield* awaitLock(words);
    const number = bug === undefined ? yield* take(words) : early;
    const slot = yield* load(words.prod);
    yield* store(words.queue + slot, number);
    yield* event('sends', slot, number);
    yield* barrier();
    yield* store(words.prod, slot + 1);
    yield* barrier();
    yield* store(words.lock, 0);
    yield* awaitWord(words.done, (done) => done >= number);
    yield* event('synced', number);
  }
}

function* take({ number }: Words): Steps<number> {
  return (yield* update(number, 'adds 1', (last) => last + 1)) + 1;
}

function* awaitLock({ lock }: Words): Steps {
  for (;;) {
    yield* awaitWord(lock, (held) => held === 0);
    if ((yield* update(lock, 'sets', () => 1)) === 0) return;
  }
}

function* consume({ prod, queue, done }: Words, total: number): Steps {
  for (let cons = 0; cons < total; cons++) {
    yield* awaitWord(prod, (register) => register > cons);
    const number = yield* load(queue + cons);
    yield* event('consumes', cons, number);
    yield* store(done, number);
  }
}

/** Each number is consumed from the slot where it was sent, and before its waiter goes on. */
function numbersRules({ done }: Words, total: number): Rules {
  return {
    memory: new Array<number>(2 * total).fill(0),
    event: (memory, { name, values: [first = 0, second = 0] }) => {
      if (name === 'sends') memory[first] = second;
      if (name === 'consumes') {
        if (memory[first] !== second) return `the SMMU consumes ${second} where ${memory[first]} was sent`;
        memory[total + second - 1] = 1;
      }
      if (name === 'synced' && memory[total + first - 1] !== 1)
        return `the waiter of ${first} goes on before it was consumed`;
      return undefined;
    },
    end: (_, read) => (read(done) === 0 ? 'no CMD_SYNC was done' : undefined),
  };
}
