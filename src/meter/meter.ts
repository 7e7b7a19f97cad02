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

/** The counting object that core, driver and page table of one domain share. */
export class Meter implements Counts {
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
  /** Power-ups, each with a full reprogramming of the device. */
  powerResumes = 0;
  /** Power-downs. */
  powerSuspends = 0;
  /** Walks that began at the root. */
  walks = 0;
  /** Entries read on walks. */
  tableReads = 0;
  /** Entries written, leaf and table entries. */
  entryWrites = 0;
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
  /** Full write barriers (`wmb`). */
  wmb = 0;
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
