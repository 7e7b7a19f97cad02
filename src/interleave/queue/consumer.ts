/**
 * The SMMU's side of a command queue: fetches entries in order from CMDQ_CONS up to CMDQ_PROD, does them, and moves CMDQ_CONS
 * on (Arm IHI 0070, 3.5.1). A command is done when it is consumed; what may be done later is not modelled.
 * @module
 */
import { awaitWord, event, load, place, type Steps, store } from '../operations.ts';
import { afterMsi, wantsMsi } from './commands.ts';
import { entryOf, forward, type Queue } from './queue.ts';

/** All that the SMMU does; never ends. */
export function* consume(queue: Queue): Steps {
  for (let cons = 0; ; ) {
    yield* place('idle', cons);
    const prod = yield* awaitWord(queue.prodRegister, (register) => register !== cons);
    while (cons !== prod) {
      yield* place('fetch', cons, prod);
      yield* consumeOne(queue, cons);
      cons = forward(queue, cons, 1);
      yield* store(queue.consRegister, cons);
    }
  }
}

function* consumeOne(queue: Queue, at: number): Steps {
  const entry = entryOf(queue, at);
  const w0 = yield* load(entry);
  const w1 = yield* load(entry + 1);
  yield* event('consumes', at, w0, w1);
  if (wantsMsi(w0)) yield* store(entry, afterMsi(w0));
}
