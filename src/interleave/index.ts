/**
 * Interleavings: the lock-free algorithms of Linux's IOMMU drivers as generators that stop at each access to shared memory, and
 * schedulers that try all orders of them, or random ones.
 * @module
 */
export { BUGS, type Bug, type BugName } from './bugs.ts';
export { Layout } from './layout.ts';
export { type NumbersBug, type NumbersSetup, numbersScenario } from './numbers.ts';
export {
  awaitWord,
  barrier,
  type Cell,
  type Event,
  event,
  load,
  type Operation,
  place,
  type Steps,
  store,
  swap,
  update,
} from './operations.ts';
export type { Batch, QueueBug } from './queue/producer.ts';
export type { Completion } from './queue/queue.ts';
export { type QueueSetup, queueScenario } from './queue/scenarios.ts';
export { type RunOptions, type RunResult, runRandom } from './random.ts';
export type { Order, Reader, Rules, Scenario, Thread } from './scenario.ts';
export { SCENARIOS, type Shipped } from './scenarios.ts';
export { type SearchOptions, type SearchResult, searchAll, type Violation } from './search.ts';
export { type TableSetup, tableScenario } from './table/scenarios.ts';
export type { Job, TableBug } from './table/writer.ts';
export { type Replay, replay } from './trace.ts';
