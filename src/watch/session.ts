/**
 * A running watch: trace text and log in, one sample an interval out.
 * @module
 */
import type { TraceCall } from '../trace/calls.ts';
import { DomainTracker } from '../trace/domains.ts';
import { createNames, KIND, type TraceEvent, type TraceNames } from '../trace/events.ts';
import { readFtraceText } from '../trace/ftrace-text.ts';
import type { TraceReader } from '../trace/text-reader.ts';
import { type FaultSeen, WatchedLog } from './log.ts';
import { type Growing, Parties, type PartySample } from './parties.ts';

/** Devices and tasks listed. */
const MOST_LISTED = 10;
/** Lists that are kept as live; beyond, the count of what is live begins anew. */
const MOST_LIVE = 1_000_000;

/** What was lost on the way, since the watch began. */
export interface Dropped {
  /** Events that the kernel's buffers lost, by its own counts. */
  readonly events: number;
  /** Lines of the trace that were not understood, of how many, and the first of them; null where there is none. */
  readonly lines: number;
  readonly ofLines: number;
  readonly firstLine: { readonly line: number; readonly text: string } | null;
  /** Lines in the log that speak of a fault and were not understood, and the first of them. */
  readonly logLines: number;
  readonly firstLogLine: string | null;
  /** Records of the log that were overwritten before they were read, and messages that the kernel left out. */
  readonly log: number;
  /** Times that the count of live mappings began anew, for want of room. */
  readonly restarts: number;
}

/** One interval. */
export interface WatchSample {
  /** Seconds since the watch began, and of the interval. */
  readonly time: number;
  readonly seconds: number;
  /** A second. */
  readonly mapsPerSecond: number;
  readonly unmapsPerSecond: number;
  readonly dmaMapsPerSecond: number;
  readonly dmaUnmapsPerSecond: number;
  readonly mappedBytesPerSecond: number;
  readonly unmappedBytesPerSecond: number;
  readonly eventsPerSecond: number;
  /** Of mappings made since the watch began. */
  readonly liveBytes: number;
  readonly liveLists: number;
  readonly devices: readonly PartySample[];
  readonly tasks: readonly PartySample[];
  readonly growing: readonly Growing[];
  /** Incidents of the log in this interval and in all; faults as events of the trace. */
  readonly faults: {
    readonly count: number;
    readonly total: number;
    readonly traced: number;
    readonly first: readonly FaultSeen[];
  };
  readonly dropped: Dropped;
}

interface Counts {
  events: number;
  maps: number;
  unmaps: number;
  dmaMaps: number;
  dmaUnmaps: number;
  mapped: number;
  unmapped: number;
  faults: number;
}

function noCounts(): Counts {
  return { events: 0, maps: 0, unmaps: 0, dmaMaps: 0, dmaUnmaps: 0, mapped: 0, unmapped: 0, faults: 0 };
}

/** What the faces count that this room does not see. */
export interface OutsideCounts {
  /** Losses of the buffers since the watch began. */
  readonly lost: number;
  /** Records of the log that were overwritten. */
  readonly logLost: number;
}

/** Takes what a machine traces and logs. */
export class WatchSession {
  readonly log: WatchedLog = new WatchedLog();
  readonly #names: TraceNames = createNames();
  readonly #reader: TraceReader;
  readonly #devices = new Parties((id) => this.#names.devices.text(id) || '(no device named)');
  readonly #tasks = new Parties((id) => this.#names.tasks.text(id) || '(no task)');
  #tracker: DomainTracker;
  #counts = noCounts();
  #time = 0;
  #restarts = 0;

  constructor() {
    this.#tracker = this.#newTracker();
    this.#reader = readFtraceText((event) => this.#event(event), this.#names);
  }

  /** Takes the next bytes of the trace, cut anywhere. */
  trace(bytes: Uint8Array): void {
    this.#reader.push(bytes);
  }

  /** Ends an interval. */
  sample(seconds: number, outside: OutsideCounts, last = false): WatchSample {
    this.#time += seconds;
    const counts = this.#counts;
    this.#counts = noCounts();
    // a list that is still open waits for the next event: where none comes, it is complete
    if (counts.events === 0 || last) this.#tracker.finish();
    const { live } = this.#tracker;
    const [devices, tasks] = [this.#devices.sample(seconds, MOST_LISTED), this.#tasks.sample(seconds, MOST_LISTED)];
    const faults = this.log.take(last);
    const sample = {
      time: this.#time,
      seconds,
      mapsPerSecond: counts.maps / seconds,
      unmapsPerSecond: counts.unmaps / seconds,
      dmaMapsPerSecond: counts.dmaMaps / seconds,
      dmaUnmapsPerSecond: counts.dmaUnmaps / seconds,
      mappedBytesPerSecond: counts.mapped / seconds,
      unmappedBytesPerSecond: counts.unmapped / seconds,
      eventsPerSecond: counts.events / seconds,
      liveBytes: live.bytes,
      liveLists: live.count,
      devices: devices.top,
      tasks: tasks.top,
      growing: devices.growing,
      faults: { count: faults.count, total: this.log.total, traced: counts.faults, first: faults.first },
      dropped: this.#dropped(outside),
    };
    if (live.count > MOST_LIVE) this.#restart();
    return sample;
  }

  #dropped({ lost, logLost }: OutsideCounts): Dropped {
    const { stats } = this.#reader;
    const unknown = stats.skipped.filter(({ understood }) => !understood);
    const [first] = unknown.toSorted((a, b) => a.line - b.line);
    return {
      events: Math.max(lost, stats.lost.events),
      lines: unknown.reduce((sum, { count }) => sum + count, 0),
      ofLines: stats.lines,
      firstLine: first === undefined ? null : { line: first.line, text: first.firstLine },
      logLines: this.log.unknown,
      firstLogLine: this.log.firstUnknown,
      log: logLost + this.log.suppressed,
      restarts: this.#restarts,
    };
  }

  #newTracker(): DomainTracker {
    return new DomainTracker((call) => this.#call(call), this.#names);
  }

  #restart(): void {
    this.#restarts++;
    this.#tracker = this.#newTracker();
  }

  #event(event: TraceEvent): void {
    const counts = this.#counts;
    counts.events++;
    switch (event.kind) {
      case KIND.MAP:
        counts.maps++;
        counts.mapped += event.size;
        break;
      case KIND.UNMAP:
        counts.unmaps++;
        counts.unmapped += event.unmapped;
        break;
      case KIND.DMA_MAP:
      case KIND.DMA_MAP_SG:
      case KIND.DMA_ALLOC:
        counts.dmaMaps++;
        break;
      case KIND.DMA_UNMAP:
      case KIND.DMA_UNMAP_SG:
      case KIND.DMA_FREE:
        counts.dmaUnmaps++;
        break;
      case KIND.FAULT:
        counts.faults++;
        break;
      default:
    }
    this.#tracker.event(event);
  }

  /** Unmaps are charged to the device and the task that mapped. */
  #call({ kind, device, task, size, covered, was }: TraceCall): void {
    if (kind !== 'unmap') {
      this.#devices.count(device, true, size);
      this.#tasks.count(task, true, size);
      return;
    }
    this.#devices.count(was?.device ?? device, false, covered);
    this.#tasks.count(task, false, was === undefined || was.task === task ? covered : 0);
    if (was !== undefined && was.task !== task) this.#tasks.live(was.task, -covered);
  }
}
