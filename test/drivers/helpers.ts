import type { RegisterPort } from '../../src/bus.ts';
import { Domain } from '../../src/core/domain.ts';
import type { DomainOptions } from '../../src/core/options.ts';
import { bareDriver } from '../../src/drivers/bare.ts';
import type { TableMemory } from '../../src/memory/table-memory.ts';
import type { Counts } from '../../src/meter/meter.ts';

/** One access to a register. */
export interface Access {
  readonly offset: number;
  readonly value: number | bigint;
}

/** Remembers what is written; reads come from `answers`, else 0. */
export class RecordingPort implements RegisterPort {
  readonly writes: Access[] = [];
  readonly reads: number[] = [];
  answers: (offset: number) => number | bigint = () => 0;

  read32(offset: number): number {
    this.reads.push(offset);
    return Number(this.answers(offset));
  }

  write32(offset: number, value: number): void {
    this.writes.push({ offset, value });
  }

  read64(offset: number): bigint {
    this.reads.push(offset);
    return BigInt(this.answers(offset));
  }

  write64(offset: number, value: bigint): void {
    this.writes.push({ offset, value });
  }

  /** The last value written at an offset. */
  last(offset: number): number | bigint | undefined {
    return this.writes.findLast((write) => write.offset === offset)?.value;
  }

  /** All values written at an offset, and forgets everything. */
  take(offset: number): (number | bigint)[] {
    const values = this.writes.filter((write) => write.offset === offset).map(({ value }) => value);
    this.writes.length = 0;
    return values;
  }
}

/** Work as the rows of the facts page count it. */
export interface Work {
  readonly wmb: number;
  readonly dmaWmb: number;
  readonly cleans: readonly [calls: number, bytes: number];
  readonly tables: number;
  readonly flushWalk: number;
  readonly addPage: number;
}

/** A domain on a non-coherent walk without a device, and the work of one step after the other. */
export function counted(options: DomainOptions): { domain: Domain; work: (step: (domain: Domain) => void) => Work } {
  let flushWalk = 0;
  let addPage = 0;
  const driver = bareDriver({
    flushWalk: () => void flushWalk++,
    addPages: (_iova, _granule, count) => {
      addPage += count;
    },
    flushAll: () => {},
    sync: () => {},
  });
  const domain = new Domain({ coherent: false, driver, ...options });
  const work = (step: (domain: Domain) => void): Work => {
    const [walks, pages, before] = [flushWalk, addPage, domain.meter.snapshot()];
    step(domain);
    return workOf(domain.meter.since(before), flushWalk - walks, addPage - pages);
  };
  return { domain, work };
}

function workOf(counts: Counts, flushWalk: number, addPage: number): Work {
  const { wmb, dmaWmb, cleanCalls, cleanBytes, tablesAllocated, tablesFreed } = counts;
  return {
    wmb,
    dmaWmb,
    cleans: [cleanCalls, cleanBytes],
    tables: tablesAllocated - tablesFreed,
    flushWalk,
    addPage,
  };
}

/** Every live kilobyte of table memory, by physical address. */
export function liveBytes(memory: TableMemory): Map<number, string> {
  const live = new Map<number, string>();
  for (let offset = 0; offset < memory.byteLength; offset += 1024) {
    if (memory.stateAt(memory.base + offset) !== 'live') continue;
    live.set(offset, memory.u32.slice(offset / 4, offset / 4 + 256).join());
  }
  return live;
}
