/**
 * What each call of a history must come to, by a model with `bigint` addresses that shares no code with the engine.
 * @module
 */
import type { Domain } from '../../src/core/index.ts';
import type { Call } from '../../src/testing/histories.ts';
import { type Interval, IntervalMap } from '../../src/testing/interval-map.ts';
import { LinuxModel } from '../../src/testing/linux-model.ts';
import { isAllowed, leavesOf, record } from '../../src/testing/rules/histories.ts';
import { modelled } from '../../src/testing/rules/linux.ts';

/** Bytes, or the code or errno of a refusal. */
export type Outcome = number | string;

/** What is mapped, and what calls come to. */
export interface Model {
  /** What is mapped. */
  readonly mapped: IntervalMap;
  /** Makes the call; undefined where only the twin knows what it comes to. */
  outcome(call: Call): Outcome | undefined;
  /** Called when the twin has made the call. */
  follow(twin: Domain): void;
}

/** The semantics `safe`: an interval map, and two reasons to refuse a call whose arguments are in order. */
class SafeModel implements Model {
  readonly mapped: IntervalMap = new IntervalMap();

  outcome(call: Call): Outcome {
    if (!isAllowed(this.mapped, call)) return call.kind === 'unmap' ? 'NOT_MAPPED' : 'OVERLAP';
    const before = this.mapped.size;
    record(this.mapped, call);
    return Math.abs(Number(this.mapped.size - before));
  }

  follow(): void {
    // nothing is learned from the twin
  }
}

/** Linux's io-pgtable: the slow twin of its rules. */
class KernelModel implements Model {
  readonly #model: LinuxModel;
  readonly mapped: IntervalMap = new IntervalMap();

  constructor({ geometry, table }: Domain) {
    this.#model = new LinuxModel(geometry, table.rules);
  }

  outcome(call: Call): Outcome {
    const outcome = modelled(this.#model, call);
    this.mapped.intervals = this.#model.leaves();
    return outcome;
  }

  follow(): void {
    // nothing is learned from the twin
  }
}

/** Whether the last element of a list has no bytes: `iommu_map_sg` of Linux then maps nothing of the run that it ends. */
function endsEmpty(call: Call): boolean {
  return call.kind === 'mapSg' && call.list.at(-1)?.length === 0;
}

/**
 * Linux's generic page table, whose core gets whole ranges: a map of free addresses succeeds, and what any other call comes to
 * is left to the twin.
 */
class RangeModel implements Model {
  readonly mapped: IntervalMap = new IntervalMap();

  outcome(call: Call): Outcome | undefined {
    const free = this.mapped.covered(BigInt(call.offset), BigInt(call.bytes)) === 0n;
    return call.kind !== 'unmap' && free && !endsEmpty(call) ? call.bytes : undefined;
  }

  follow(twin: Domain): void {
    this.mapped.intervals = leavesOf(twin).intervals;
  }
}

/** The model for a domain's semantics. */
export function modelFor(domain: Domain): Model {
  if (domain.semantics === 'safe') return new SafeModel();
  return domain.table.rules.request === 'range' ? new RangeModel() : new KernelModel(domain);
}

/** Leaves or intervals with neighbours joined, in words. */
export function merged(intervals: readonly Interval[]): string {
  const map = new IntervalMap();
  map.intervals = intervals;
  return map
    .merged()
    .map(({ start, end, pa }) => `${start.toString(16)}-${end.toString(16)}:${pa.toString(16)}`)
    .join(' ');
}
