/**
 * What each layer did, as counts. Counting costs a few additions a crossing, never one an entry. Counts show the work
 * really done, undone work included; they are facts and hold for any machine, unlike times.
 * @module
 */

import { CommandCounts } from './commands.ts';

/** One count of work, by layer. The names are the keys of {@link Counts}. */
export const COUNT_NAMES = [
  'coreTurns',
  'driverCalls',
  'tableCalls',
  'powerGets',
  'powerPuts',
  'powerLocks',
  'powerResumes',
  'powerSuspends',
  'walks',
  'tableReads',
  'entryWrites',
  'splits',
  'tablesAllocated',
  'tablesFreed',
  'zeroedBytes',
  'cleanCalls',
  'cleanBytes',
  'wmb',
  'dmaWmb',
  'tlbAddress',
  'tlbLastLevel',
  'tlbAsid',
  'tlbSync',
  'tlbPolls',
  'registerReads',
  'registerWrites',
] as const;

/** Name of a count. */
export type CountName = (typeof COUNT_NAMES)[number];

/** Counts at one moment or over one piece of work. */
export type Counts = Record<CountName, number>;

/** Counts of zero. */
export function noCounts(): Counts {
  return Object.fromEntries(COUNT_NAMES.map((name) => [name, 0])) as Counts;
}

/** The counts that whole calls tally: see {@link Meter.added}. */
export class TalliedCounts {
  /** Turns of the core's loop over runs of pages. */
  coreTurns = 0;
  /** Calls from core to driver through its ops table (none with direct dispatch). */
  driverCalls = 0;
  /** Calls from driver (or core) to the page table through its ops table (none with direct dispatch). */
  tableCalls = 0;
  /** Runtime-power references taken. */
  powerGets = 0;
  /** Runtime-power references given back. */
  powerPuts = 0;
  /** Times that the runtime-power lock was taken. */
  powerLocks = 0;
  /** Walks that began at the root. */
  walks = 0;
  /** Entries read on walks. */
  tableReads = 0;
  /** Entries written, leaf and table entries. */
  entryWrites = 0;
  /** Full write barriers (`wmb`). */
  wmb = 0;
}

/** Something that was done and is not in the meter yet. */
interface Unsettled {
  /** Adds it. */
  settle(): void;
}

/**
 * The counting object that core, driver and page table of one domain share. Reading or setting a count first adds what was tallied: a
 * {@link Tally} keeps the common calls as one number, and a count is exact whenever it is looked at.
 */
export class Meter implements Counts {
  /** Power-ups, each with a full reprogramming of the device. */
  powerResumes = 0;
  /** Power-downs. */
  powerSuspends = 0;
  /** Blocks and contiguous pages split. */
  splits = 0;
  /** Tables allocated, the roots included. */
  tablesAllocated = 0;
  /** Tables freed. */
  tablesFreed = 0;
  /** Bytes of tables that had to be zeroed at allocation. */
  zeroedBytes = 0;
  /** Cache-clean calls for entries (`dma_sync_single_for_device`), on non-coherent walks only. */
  cleanCalls = 0;
  /** Bytes of those calls. */
  cleanBytes = 0;
  /** Barriers before a table is linked (`dma_wmb`). */
  dmaWmb = 0;
  /** TLB invalidations by address, any level. */
  tlbAddress = 0;
  /** TLB invalidations by address, last level only. */
  tlbLastLevel = 0;
  /** TLB invalidations of a whole context: by ASID or VMID. */
  tlbAsid = 0;
  /** TLB synchronisations. */
  tlbSync = 0;
  /** Reads of the synchronisation status until it was done. */
  tlbPolls = 0;
  /** Device registers read, polling included. */
  registerReads = 0;
  /** Device registers written, TLB operations included. */
  registerWrites = 0;

  /** Commands by kind, of a driver whose device has a queue. */
  commands: CommandCounts | undefined;

  /**
   * Where work is added without looking at the sums. What a {@link Tally} still holds is missing here: read the counts of the meter
   * instead.
   */
  readonly added: TalliedCounts = new TalliedCounts();
  readonly #unsettled: Unsettled[] = [];

  /** Turns of the core's loop over runs of pages. */
  get coreTurns(): number {
    return this.#settled().coreTurns;
  }

  set coreTurns(count: number) {
    this.#settled().coreTurns = count;
  }

  /** Calls from core to driver through its ops table (none with direct dispatch). */
  get driverCalls(): number {
    return this.#settled().driverCalls;
  }

  set driverCalls(count: number) {
    this.#settled().driverCalls = count;
  }

  /** Calls from driver (or core) to the page table through its ops table (none with direct dispatch). */
  get tableCalls(): number {
    return this.#settled().tableCalls;
  }

  set tableCalls(count: number) {
    this.#settled().tableCalls = count;
  }

  /** Runtime-power references taken. */
  get powerGets(): number {
    return this.#settled().powerGets;
  }

  set powerGets(count: number) {
    this.#settled().powerGets = count;
  }

  /** Runtime-power references given back. */
  get powerPuts(): number {
    return this.#settled().powerPuts;
  }

  set powerPuts(count: number) {
    this.#settled().powerPuts = count;
  }

  /** Times that the runtime-power lock was taken. */
  get powerLocks(): number {
    return this.#settled().powerLocks;
  }

  set powerLocks(count: number) {
    this.#settled().powerLocks = count;
  }

  /** Walks that began at the root. */
  get walks(): number {
    return this.#settled().walks;
  }

  set walks(count: number) {
    this.#settled().walks = count;
  }

  /** Entries read on walks. */
  get tableReads(): number {
    return this.#settled().tableReads;
  }

  set tableReads(count: number) {
    this.#settled().tableReads = count;
  }

  /** Entries written, leaf and table entries. */
  get entryWrites(): number {
    return this.#settled().entryWrites;
  }

  set entryWrites(count: number) {
    this.#settled().entryWrites = count;
  }

  /** Full write barriers (`wmb`). */
  get wmb(): number {
    return this.#settled().wmb;
  }

  set wmb(count: number) {
    this.#settled().wmb = count;
  }

  /** Has `work` added before a count is next read. */
  settleLater(work: Unsettled): void {
    this.#unsettled.push(work);
  }

  #settled(): TalliedCounts {
    if (this.#unsettled.length > 0) {
      for (const work of this.#unsettled) work.settle();
      this.#unsettled.length = 0;
    }
    return this.added;
  }

  /** The counts of commands of these kinds; drivers of one kind that share a meter share them. */
  commandsOf(names: readonly string[]): CommandCounts {
    if (this.commands?.names !== names) this.commands = new CommandCounts(names);
    return this.commands;
  }

  /** A copy of the counts. */
  snapshot(): Counts {
    const counts = noCounts();
    for (const name of COUNT_NAMES) counts[name] = this[name];
    return counts;
  }

  /** All counts, for `JSON.stringify`, and for Node's `console.log`. */
  toJSON(): Counts {
    return this.snapshot();
  }

  static {
    Object.defineProperty(Meter.prototype, Symbol.for('nodejs.util.inspect.custom'), { value: Meter.prototype.toJSON });
  }

  /** What was counted after `before` was taken. */
  since(before: Counts): Counts {
    const counts = noCounts();
    for (const name of COUNT_NAMES) counts[name] = this[name] - before[name];
    return counts;
  }

  /** Back to zero. */
  reset(): void {
    for (const name of COUNT_NAMES) this[name] = 0;
    this.commands?.reset();
  }
}
