/**
 * Scenarios of the shared command queue.
 * @module
 */
import { IommuError } from '../../errors.ts';
import { Layout } from '../layout.ts';
import type { Order, Scenario } from '../scenario.ts';
import { MOST_COMMANDS, MOST_PRODUCERS } from './commands.ts';
import { consume } from './consumer.ts';
import { type Batch, entriesOf, type Producer, produce, type QueueBug } from './producer.ts';
import { type Completion, queueIn } from './queue.ts';
import { queueRules } from './rules.ts';

/** A queue and what each producer sends. */
export interface QueueSetup {
  readonly name: string;
  /** Entries; a power of two, at most 64. */
  readonly size: number;
  readonly completion?: Completion;
  readonly order: Order;
  /** For each producer, its batches. */
  readonly producers: readonly (readonly Batch[])[];
  readonly bug?: QueueBug | undefined;
}

const LARGEST = 64;

/**
 * Producers on CPUs of their own, and the SMMU that consumes.
 * @throws IommuError `BAD_OPTION` if the size is not a power of two up to 64, a batch has more entries than the queue, or there are
 * more producers or commands than the model's commands can name
 */
export function queueScenario(setup: QueueSetup): Scenario {
  const { name, size, order, completion = 'consumed', bug } = setup;
  check(setup);
  const layout = new Layout();
  const queue = queueIn(layout, size, completion);
  const producers: Producer[] = setup.producers.map((batches, id) => ({ queue, id, batches, bug }));
  const cpus = producers.map((producer) => ({ name: `CPU ${producer.id}`, run: () => produce(producer) }));
  const smmu = { name: 'SMMU', device: true, run: () => consume(queue) };
  return { name, order, layout, threads: [...cpus, smmu], rules: queueRules(queue, producers) };
}

function check({ size, producers }: QueueSetup): void {
  if (!(size >= 2 && size <= LARGEST && Number.isInteger(Math.log2(size)))) {
    throw new IommuError('BAD_OPTION', 'size', `expected a power of two from 2 to ${LARGEST}, got ${size}`);
  }
  const batches = producers.map((list) => list.map(entriesOf));
  const atMost = (limit: number, got: number, of: string): void => {
    if (got > limit) throw new IommuError('BAD_OPTION', 'producers', `expected at most ${limit} ${of}, got ${got}`);
  };
  atMost(size, Math.max(0, ...batches.flat()), 'entries a batch');
  atMost(
    MOST_COMMANDS,
    Math.max(0, ...batches.map((list) => list.reduce((sum, one) => sum + one, 0))),
    'commands a producer',
  );
  atMost(MOST_PRODUCERS, producers.length, 'producers');
  if (batches.flat().some((entries) => entries < 1)) {
    throw new IommuError('BAD_OPTION', 'producers', 'expected a command or a CMD_SYNC in each batch, got none');
  }
}
