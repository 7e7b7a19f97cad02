/**
 * What became of each mapping of a trace: its totals, with names, and what is never unmapped. Consumes the calls of a
 * {@link DomainTracker}; memory is bounded beyond the live mappings.
 * @module
 */
import { CallBatch } from './call-batch.ts';
import type { TraceCall } from './calls.ts';
import type { DomainTracker } from './domains.ts';
import type { TraceNames } from './events.ts';
import { RELATIVE_ERROR } from './log-buckets.ts';
import { PairedCalls, type PairTotals, type PartyTotals } from './paired-calls.ts';

const FURTHER = '(further)';

/** Counts for one device or one task, with its name; plain data. */
export interface PartyCounts extends Omit<PartyTotals, 'isFurther'> {
  readonly name: string;
}

/** A list that was never unmapped, as far as the trace goes. */
export interface Leak {
  readonly domain: number;
  readonly iova: number;
  readonly size: number;
  /** When it was mapped, nanoseconds. */
  readonly time: number;
  readonly task: string;
  readonly pid: number;
  /** Empty where no event names it. */
  readonly device: string;
}

/** Everything that pairing finds; plain data. Times in nanoseconds, sizes in bytes. */
export interface PairingReport extends Omit<PairTotals, 'devices' | 'tasks'> {
  /** Quantiles within this share: of bytes and elements of a list, of bytes of an element, of lifetimes. */
  readonly relativeError: number;
  readonly devices: readonly PartyCounts[];
  readonly tasks: readonly PartyCounts[];
  /** Lists still live, the oldest first, as many as were asked for; and their number in all. */
  readonly leaks: readonly Leak[];
  readonly leakCount: number;
}

/** Totals with the names of a trace; its tracker knows what is live, of which at most `maxLeaks` lists are listed. */
export function pairingReport(
  totals: PairTotals,
  names: TraceNames,
  tracker: DomainTracker,
  maxLeaks: number,
): PairingReport {
  return {
    ...totals,
    relativeError: RELATIVE_ERROR,
    devices: named(totals.devices, (id) => names.devices.text(id) || '(not named)'),
    tasks: named(totals.tasks, (id) => names.tasks.text(id)),
    leaks: leaksOf(tracker, names, maxLeaks),
    leakCount: tracker.live.count,
  };
}

function named(parties: readonly PartyTotals[], name: (id: number) => string): PartyCounts[] {
  return parties.map(({ id, isFurther, ...counts }) => ({ id, name: isFurther ? FURTHER : name(id), ...counts }));
}

/** The oldest first: the longer a list has been mapped, the less it looks like a transfer that is under way. */
function leaksOf({ live, domains }: DomainTracker, names: TraceNames, most: number): Leak[] {
  const ids = domains.flatMap(({ id }) => [...live.records(id)]);
  ids.sort((a, b) => live.time(a) - live.time(b) || live.start(a) - live.start(b));
  return ids.slice(0, most).map((id) => {
    const { time, task, pid, device } = live.fields(id);
    const texts = { task: names.tasks.text(task), device: device < 0 ? '' : names.devices.text(device) };
    return { domain: live.domain(id), iova: live.start(id), size: live.size(id), time, pid, ...texts };
  });
}

/** Pairs maps with unmaps. Feed every call; ask for the report whenever. */
export class Pairing {
  readonly #names: TraceNames;
  readonly #calls = new PairedCalls();
  readonly #batch = new CallBatch();

  constructor(names: TraceNames) {
    this.#names = names;
  }

  /** Takes a call. */
  call(call: TraceCall): void {
    this.#batch.add(call, 0);
    if (this.#batch.full) this.#flush();
  }

  /** What was found so far; the tracker knows what is live. At most `maxLeaks` lists are listed. */
  report(tracker: DomainTracker, maxLeaks = 100): PairingReport {
    this.#flush();
    return pairingReport(this.#calls.totals(), this.#names, tracker, maxLeaks);
  }

  #flush(): void {
    this.#calls.take(this.#batch);
    this.#batch.clear();
  }
}
