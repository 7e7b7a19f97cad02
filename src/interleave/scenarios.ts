/**
 * The scenarios that ship: small ones of which all interleavings are searched, and large ones for random schedules.
 * @module
 */
import { BUGS, type BugName } from './bugs.ts';
import { numbersScenario } from './numbers.ts';
import type { Batch } from './queue/producer.ts';
import { type QueueSetup, queueScenario } from './queue/scenarios.ts';
import type { Scenario } from './scenario.ts';
import { type TableSetup, tableScenario } from './table/scenarios.ts';
import type { Job } from './table/writer.ts';

/** A scenario that ships. */
export interface Shipped {
  readonly name: string;
  readonly about: string;
  /** `small`: all interleavings can be searched; `large`: random schedules only. */
  readonly size: 'small' | 'large';
  /** Makes it, with a defect if one is named. Defects of another algorithm change nothing. */
  readonly make: (bug?: BugName) => Scenario;
}

const SYNC: Batch = { commands: 1, sync: true };
const BARE: Batch = { commands: 1, sync: false };
const LONG: Batch = { commands: 3, sync: true };

function map(input: number): Job {
  return { input, frame: 0x100 + input };
}

function unmap(input: number): Job {
  return { input };
}

function shipped(size: Shipped['size'], about: string, name: string, make: (bug?: BugName) => Scenario): Shipped {
  return { name, about, size, make };
}

function queue(size: Shipped['size'], about: string, setup: QueueSetup): Shipped {
  return shipped(size, about, setup.name, (bug) => queueScenario({ ...setup, bug: only(bug, 'queue-') }));
}

function table(size: Shipped['size'], about: string, setup: TableSetup): Shipped {
  return shipped(size, about, setup.name, (bug) => tableScenario({ ...setup, bug: only(bug, 'table-') }));
}

function numbers(
  size: Shipped['size'],
  about: string,
  setup: Omit<Parameters<typeof numbersScenario>[0], 'bug'>,
): Shipped {
  return shipped(size, about, setup.name, (bug) => numbersScenario({ ...setup, bug: only(bug, 'numbers') }));
}

/** The defect if it belongs to the algorithm whose scenarios' names begin so. */
function only<Name extends BugName>(bug: BugName | undefined, prefix: string): Name | undefined {
  return bug !== undefined && BUGS[bug].scenario.startsWith(prefix) ? (bug as Name) : undefined;
}

const LOOSE = 'stores-reordered';
const STRICT = 'in-order';

const QUEUES: readonly Shipped[] = [
  queue('small', 'two CPUs, a command and a CMD_SYNC each', {
    name: 'queue-two',
    size: 4,
    order: STRICT,
    producers: [[SYNC], [SYNC]],
  }),
  queue('small', 'the same, stores reordered', {
    name: 'queue-two-reordered',
    size: 4,
    order: LOOSE,
    producers: [[SYNC], [SYNC]],
  }),
  queue('small', 'the same, CMD_SYNCs that end by MSI', {
    name: 'queue-two-msi',
    size: 4,
    order: LOOSE,
    completion: 'msi',
    producers: [[SYNC], [SYNC]],
  }),
  queue('small', 'three batches in a queue of two entries: full, and wraps', {
    name: 'queue-full',
    size: 2,
    order: STRICT,
    producers: [[SYNC, SYNC], [SYNC]],
  }),
  queue('small', 'the same, stores reordered', {
    name: 'queue-full-reordered',
    size: 2,
    order: LOOSE,
    producers: [[SYNC, SYNC], [SYNC]],
  }),
  queue('small', 'batches with and without a CMD_SYNC', {
    name: 'queue-mixed',
    size: 2,
    order: STRICT,
    producers: [[BARE, BARE], [SYNC]],
  }),
  queue('small', 'three CPUs, one of them without a CMD_SYNC', {
    name: 'queue-three',
    size: 4,
    order: STRICT,
    producers: [[BARE], [BARE], [SYNC]],
  }),
  queue('large', 'six CPUs, eight batches each, in a queue of eight entries', {
    name: 'queue-many',
    size: 8,
    order: LOOSE,
    producers: Array.from({ length: 6 }, () => [SYNC, BARE, LONG, SYNC, SYNC, BARE, LONG, SYNC]),
  }),
  queue('large', 'the same by MSI, in a queue of 32 entries', {
    name: 'queue-many-msi',
    size: 32,
    order: LOOSE,
    completion: 'msi',
    producers: Array.from({ length: 6 }, () => [SYNC, BARE, LONG, SYNC, SYNC, BARE, LONG, SYNC]),
  }),
];

const INSTALL = { levels: 2, entries: 2, writers: [[map(0)], [map(1)]], walks: [0] };
const SPLIT = { levels: 2, entries: 2, blocks: [0x100], writers: [[unmap(0)], [unmap(1)]], walks: [1] };
/** Sixteen pages of a new region by four CPUs in turn, and all sixteen of a block. */
const MANY = {
  levels: 3,
  entries: 4,
  blocks: [0x100],
  writers: [0, 1, 2, 3].map((cpu) => [0, 1, 2, 3].flatMap((i) => [unmap(4 * i + cpu), map(16 + 4 * i + cpu)])),
  walks: [0, 5, 17, 31],
};

const TABLES: readonly Shipped[] = [
  table('small', 'two CPUs map pages under a table that does not exist yet', {
    name: 'table-install',
    coherent: true,
    order: STRICT,
    ...INSTALL,
  }),
  table('small', 'the same, stores reordered', {
    name: 'table-install-reordered',
    coherent: true,
    order: LOOSE,
    ...INSTALL,
  }),
  table('small', 'the same, by a device that does not snoop', {
    name: 'table-install-not-snooped',
    coherent: false,
    order: LOOSE,
    ...INSTALL,
  }),
  table('small', 'two tables missing, one below the other', {
    name: 'table-install-deep',
    coherent: true,
    order: LOOSE,
    levels: 3,
    entries: 2,
    writers: [[map(0)], [map(2)]],
    walks: [2],
  }),
  table('small', 'three CPUs map under one missing table', {
    name: 'table-install-three',
    coherent: true,
    order: STRICT,
    levels: 2,
    entries: 4,
    writers: [[map(0)], [map(1)], [map(2)]],
  }),
  table('small', 'two CPUs unmap pages of one block', { name: 'table-split', coherent: true, order: STRICT, ...SPLIT }),
  table('small', 'the same, stores reordered', {
    name: 'table-split-reordered',
    coherent: true,
    order: LOOSE,
    ...SPLIT,
  }),
  table('small', 'the same, by a device that does not snoop', {
    name: 'table-split-not-snooped',
    coherent: false,
    order: LOOSE,
    ...SPLIT,
  }),
  table('small', 'two CPUs unmap pages of a block of blocks', {
    name: 'table-split-deep',
    coherent: true,
    order: LOOSE,
    levels: 3,
    entries: 2,
    blocks: [0x100],
    writers: [[unmap(0)], [unmap(1)]],
    walks: [2],
  }),
  table('large', 'four CPUs unmap and map 32 pages', { name: 'table-many', coherent: true, order: LOOSE, ...MANY }),
  table('large', 'the same, by a device that does not snoop', {
    name: 'table-many-not-snooped',
    coherent: false,
    order: LOOSE,
    ...MANY,
  }),
];

const NUMBERS: readonly Shipped[] = [
  numbers('small', 'a queue with a lock: two CPUs, two numbered CMD_SYNCs each', {
    name: 'numbers',
    order: LOOSE,
    cpus: 2,
    syncs: 2,
  }),
  numbers('large', 'the same with six CPUs and eight CMD_SYNCs each', {
    name: 'numbers-many',
    order: LOOSE,
    cpus: 6,
    syncs: 8,
  }),
];

/** Every scenario that ships. */
export const SCENARIOS: readonly Shipped[] = [...QUEUES, ...TABLES, ...NUMBERS];
