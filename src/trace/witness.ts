/**
 * How good the regrouping rule is, on the very trace at hand: lists are put together as if there were no dma events,
 * and each `dma_map_sg` event is a witness of where a list really began and ended.
 * @module
 */
import type { TraceCall } from './calls.ts';
import { DomainTracker } from './domains.ts';
import { KIND, type TraceEvent, type TraceNames } from './events.ts';
import { whoOf } from './regroup.ts';

const MAX_LISTED = 100;
/** Tasks, and lists of one task, that may wait to be judged. */
const MAX_WAITING = 4096;

/** A list that the rule put together differently from what its `dma_map_sg` event says. */
export interface Disagreement {
  /** Nanoseconds. */
  readonly time: number;
  readonly task: string;
  readonly pid: number;
  /** What the event says: DMA addresses, end exclusive. */
  readonly start: number;
  readonly end: number;
  /** What the rule made of it. */
  readonly ruleStart: number;
  readonly ruleEnd: number;
}

/** Agreement of the rule with the witnesses; plain data. */
export interface Agreement {
  /** `dma_map_sg` events that had map lines. */
  witnesses: number;
  agreed: number;
  /** The first 100 that did not. */
  readonly disagreements: Disagreement[];
}

interface Witness {
  readonly start: number;
  readonly end: number;
  readonly time: number;
  readonly task: number;
  readonly pid: number;
}

/** Holds the regrouping rule against the scatter-list events of a trace. Feed all events, then {@link finish}. */
export class RegroupWitness {
  readonly agreement: Agreement = { witnesses: 0, agreed: 0, disagreements: [] };
  /** A trace without dma events has no witnesses: no work is done for it. */
  #active = false;
  readonly #names: TraceNames;
  readonly #blind: DomainTracker;
  readonly #open = new Map<number, { start: number; end: number }>();
  readonly #waiting = new Map<number, Witness[]>();

  constructor(names: TraceNames) {
    this.#names = names;
    this.#blind = new DomainTracker((call) => this.#judge(call), names);
  }

  /** Takes one event. */
  event(event: TraceEvent): void {
    this.#active ||= event.kind >= KIND.DMA_MAP && event.kind <= KIND.DMA_FREE;
    if (!this.#active) return;
    if (event.kind === KIND.MAP) this.#mapLine(event);
    else if (event.kind === KIND.UNMAP) this.#blind.event(event);
    else if (event.kind === KIND.DMA_MAP_SG && event.list.count > 0) this.#witness(event);
  }

  /** Judges the lists that are still waiting. */
  finish(): void {
    this.#blind.finish();
  }

  /** Remembers where the last lines of each task lie: an event is a witness only if it follows its lines. */
  #mapLine(event: TraceEvent): void {
    const who = whoOf(event);
    const last = this.#open.get(who);
    if (last !== undefined && last.end === event.iova) last.end += event.size;
    else {
      if (this.#open.size >= MAX_WAITING) this.#open.clear();
      this.#open.set(who, { start: event.iova, end: event.iova + event.size });
    }
    this.#blind.event(event);
  }

  #witness(event: TraceEvent): void {
    const { list, time, task, pid } = event;
    const start = list.dma[0] as number;
    const end = (list.dma[list.count - 1] as number) + (list.lengths[list.count - 1] as number);
    const lines = this.#open.get(whoOf(event));
    if (lines === undefined || start < lines.start || end > lines.end) return;
    this.agreement.witnesses++;
    const waiting = this.#waiting.get(pid) ?? [];
    if (waiting.length < MAX_WAITING) waiting.push({ start, end, time, task, pid });
    this.#waiting.set(pid, waiting);
  }

  /** Holds a list that the rule made against the first witness that it touches, in the order of time. */
  #judge(call: TraceCall): void {
    if (call.kind === 'unmap') return;
    const waiting = this.#waiting.get(call.pid);
    if (waiting === undefined) return;
    const last = call.iova + call.size;
    const touched = waiting.filter(({ start, end, time }) => start < last && end > call.iova && time >= call.time);
    const witness = touched[0];
    if (witness === undefined) return;
    const fitting = fits(call, witness);
    if (fitting) this.agreement.agreed++;
    else this.#list(call, witness);
    waiting.splice(waiting.indexOf(witness), 1);
    if (waiting.length === 0) this.#waiting.delete(call.pid);
  }

  #list(call: TraceCall, { start, end, time, task, pid }: Witness): void {
    if (this.agreement.disagreements.length >= MAX_LISTED) return;
    const rule = { ruleStart: call.iova, ruleEnd: call.iova + call.size };
    this.agreement.disagreements.push({ time, task: this.#names.tasks.text(task), pid, start, end, ...rule });
  }
}

/** True if the list begins in the call's first element and ends in its last: mappings are whole pages. */
function fits(call: TraceCall, { start, end }: Witness): boolean {
  const first = call.length[0] as number;
  const last = call.length[call.count - 1] as number;
  return (
    start >= call.iova &&
    start < call.iova + first &&
    end > call.iova + call.size - last &&
    end <= call.iova + call.size
  );
}
