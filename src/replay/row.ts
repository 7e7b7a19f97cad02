/**
 * One row of a replay: the traced calls through domains of one path, dispatch, format and granule.
 * @module
 */
import { Domain } from '../core/domain.ts';
import { UnmapChoices } from '../core/options.ts';
import type { Dispatch, Path } from '../core/paths.ts';
import type { MeteredWork } from '../cost/predict.ts';
import type { IovaPolicy } from '../dma/what-if-addresses.ts';
import type { DriverFactory } from '../drivers/contract.ts';
import { DRIVERS } from '../drivers/registry.ts';
import { IommuError } from '../errors.ts';
import { formatById } from '../formats/registry.ts';
import { TableMemory } from '../memory/table-memory.ts';
import type { CommandTotals } from '../meter/commands.ts';
import { COUNT_NAMES, type Counts, Meter } from '../meter/meter.ts';
import type { CallColumns } from '../trace/call-batch.ts';
import { ElementShaper, type PhysicalPolicy } from './elements.ts';
import { FlushQueue } from './flush-queue.ts';
import type { ListObserver } from './list-observer.ts';
import { Placement } from './placement.ts';
import type { LiveRange, RowRefusal, RowReport } from './row-report.ts';
import { WorkSplit } from './work-split.ts';

/** Choices of unmap calls, by invalidation and by what is done about holes. */
const UNMAPS = {
  now: { refuse: UnmapChoices.of({}), skip: UnmapChoices.of({ holes: 'skip' }) },
  later: {
    refuse: UnmapChoices.of({ invalidation: 'later' }),
    skip: UnmapChoices.of({ invalidation: 'later', holes: 'skip' }),
  },
};

/** Domains that a row replays into; calls into more are refused. */
const MOST_DOMAINS = 4096;
/** Queues and structures of the devices of one row. */
const MOST_DEVICE_BYTES = 2 ** 27;
/** Tables of one row: 16 GiB in pages of 4 KiB. What a trace maps beyond is refused call by call. */
const MOST_TABLE_BYTES = 2 ** 25;

/** The device that a row drives. */
export interface RowDevice {
  /** Id of its driver. */
  readonly driver: string;
  /** Kernel whose driver it is; undefined where kernels do not differ. */
  readonly kernel: string | undefined;
  /** The release that `kernel` stands for, where they differ. */
  readonly kernelFor?: string;
  /** Whether the kernel is assumed. */
  readonly kernelAssumed: boolean;
  /** Features, as options of the driver. */
  readonly features: Readonly<Record<string, boolean | number>>;
  /** Whether the device stands in for the traced machine's, which nothing names. */
  readonly assumed: boolean;
}

/** What a row replays into. */
export interface RowSpec {
  /** Device. */
  readonly device: RowDevice;
  /** Path. */
  readonly path: Path;
  /** Dispatch. */
  readonly dispatch: Dispatch;
  /** Format id. */
  readonly format: string;
  /** Smallest page, bytes. */
  readonly granule: number;
  /** Size of the traced kernel's pages, bytes. */
  readonly tracedPage: number;
  /** Input addresses as traced, or handed out anew. */
  readonly iova: 'keep' | IovaPolicy;
  /** Physical pages as traced, or in larger pieces. */
  readonly physical: PhysicalPolicy;
  /** Invalidate at each unmap, or by a flush queue. */
  readonly tlb: 'strict' | 'lazy';
}

/**
 * Told of every call after it ran: the call is number `index` of `batch`; `counts` are those of the row so far (valid
 * during the callback), `tables` its live tables.
 */
export type CallObserver = (batch: CallColumns, index: number, counts: Readonly<Counts>, tables: number) => void;

/** Whether a device's commands lie in memory. */
function hasQueue({ driver }: RowDevice): boolean {
  return DRIVERS.some(({ id, commands }) => id === driver && commands.length > 0);
}

/** Replays batches; counts what the engine did. */
export class ReplayRow {
  /** What it replays into. */
  readonly spec: RowSpec;
  /** Refused calls. */
  readonly refusals: RowRefusal[] = [];
  /** Most tables live at once. */
  peakTables = 0;
  /** Most bytes of tables live at once. */
  peakTableBytes = 0;
  /** Bytes of the lists that were mapped: as the trace asked, and as this row mapped them (elements rounded to its granule). */
  askedBytes = 0;
  mappedBytes = 0;
  /** Calls of the engine: maps, unmaps. */
  calls = 0;
  readonly #meter = new Meter();
  readonly #memory: TableMemory;
  readonly #driver: DriverFactory;
  readonly #split: WorkSplit | undefined;
  readonly #shaper: ElementShaper | undefined;
  readonly #observer: CallObserver | undefined;
  readonly #domains: (Domain | undefined)[] = [];
  readonly #placements: (Placement | undefined)[] = [];
  readonly #queue = new FlushQueue();
  readonly #isLazy: boolean;
  readonly #unmaps: (typeof UNMAPS)['now'];
  readonly #lists: ListObserver | undefined;

  /**
   * @param splitWork - keep the work of maps and of unmaps apart, for {@link ReplayRow.work}
   * @param observer - receives every call
   * @param lists - receives what was mapped and unmapped
   */
  constructor(spec: RowSpec, driver: DriverFactory, splitWork = false, observer?: CallObserver, lists?: ListObserver) {
    this.#observer = observer;
    this.#lists = lists;
    this.#memory = new TableMemory({ limit: MOST_TABLE_BYTES + (hasQueue(spec.device) ? MOST_DEVICE_BYTES : 0) });
    this.spec = spec.granule > spec.tracedPage && spec.iova === 'keep' ? { ...spec, iova: 'packed' } : spec;
    this.#driver = driver;
    this.#isLazy = spec.tlb === 'lazy';
    this.#unmaps = this.#isLazy ? UNMAPS.later : UNMAPS.now;
    this.#split = splitWork ? new WorkSplit(this.#meter, spec.path) : undefined;
    const { oas } = formatById(spec.format).request(spec.granule, undefined, undefined);
    const reshapes = spec.granule > spec.tracedPage || spec.physical !== 'keep';
    this.#shaper = reshapes ? new ElementShaper(spec.granule, spec.physical, 2 ** oas) : undefined;
  }

  /** What the engine did, domains' making left out. */
  get counts(): Counts {
    return this.#meter.snapshot();
  }

  /** Commands that the driver sent, by kind, domains' making left out; undefined where its device has no queue. */
  get commands(): CommandTotals | undefined {
    return this.#meter.commands?.snapshot();
  }

  /** The same by operation; empty unless it was asked for. */
  get work(): readonly MeteredWork[] {
    return this.#split?.read() ?? [];
  }

  /** Counts from here on: what was done before is left out, what is mapped stays mapped. */
  restart(): void {
    this.#meter.reset();
    this.peakTables = this.#tables;
    this.peakTableBytes = this.#tableBytes;
    this.askedBytes = 0;
    this.mappedBytes = 0;
    this.calls = 0;
    this.refusals.length = 0;
  }

  /** Replays all calls of a batch. */
  run(batch: CallColumns): void {
    const { maps, count } = batch;
    for (let i = 0; i < count; i++) {
      const isMap = maps[i] === 1;
      this.#split?.next(isMap ? 'map' : 'unmap');
      try {
        if (isMap) this.#map(batch, i);
        else this.#unmap(batch, i);
      } catch (error) {
        this.#refuse(error);
      }
      this.#notePeaks();
      this.#observer?.(batch, i, this.#meter, this.#tables);
    }
  }

  #notePeaks(): void {
    const { liveTables, deviceTables, liveBytes, deviceBytes } = this.#memory;
    if (liveTables - deviceTables > this.peakTables) this.peakTables = liveTables - deviceTables;
    if (liveBytes - deviceBytes > this.peakTableBytes) this.peakTableBytes = liveBytes - deviceBytes;
  }

  get #tables(): number {
    return this.#memory.liveTables - this.#memory.deviceTables;
  }

  get #tableBytes(): number {
    return this.#memory.liveBytes - this.#memory.deviceBytes;
  }

  /** Leaves at the end, by size in bytes. */
  leavesBySize(): Map<number, number> {
    const sizes = new Map<number, number>();
    for (const domain of this.#domains) {
      for (const leaf of domain?.leaves() ?? []) sizes.set(leaf.size, (sizes.get(leaf.size) ?? 0) + 1);
    }
    return sizes;
  }

  /** Mapped ranges at the end, domain by domain; neighbours that go on in both addresses are one range. */
  liveRanges(): LiveRange[] {
    const ranges: LiveRange[] = [];
    for (const [id, domain] of this.#domains.entries()) {
      for (const { iova, pa, size } of domain?.leaves() ?? []) {
        const last = ranges.at(-1);
        const goesOn = last?.domain === id && last.iova + BigInt(last.bytes) === iova && last.pa + last.bytes === pa;
        if (goesOn) ranges[ranges.length - 1] = { ...last, bytes: last.bytes + size };
        else ranges.push({ iova, pa, bytes: size, domain: id });
      }
    }
    return ranges;
  }

  /** Flushes what is queued. */
  finish(): void {
    if (this.#queue.waiting > 0) this.#flush();
  }

  /**
   * What it did so far.
   * @param milliseconds that it took
   * @param wantsRanges whether to add the mapped ranges
   */
  report(milliseconds: number, wantsRanges: boolean): RowReport {
    const { spec, counts, commands, work, peakTables, peakTableBytes, askedBytes, mappedBytes } = this;
    return {
      spec,
      counts,
      commands,
      work,
      peakTables,
      peakTableBytes,
      askedBytes,
      mappedBytes,
      leaves: [...this.leavesBySize()].toSorted(([a], [b]) => a - b),
      ranges: wantsRanges ? this.liveRanges() : undefined,
      refusals: this.refusals.map((one) => ({ ...one })),
      milliseconds,
    };
  }

  #map(batch: CallColumns, i: number): void {
    const id = batch.domain[i] as number;
    const domain = this.#domain(id);
    const from = batch.first[i] as number;
    const to = batch.first[i + 1] as number;
    const prot = batch.prot[i] as number;
    const start = batch.iova[i] as number;
    const asked = batch.size[i] as number;
    this.calls++;
    if (this.#shaper === undefined) {
      const { addresses, lengths } = batch;
      const iova = this.#place(id, start, asked, asked);
      this.#mapList(domain, iova, addresses, lengths, from, to, prot, id, start);
      this.mappedBytes += asked;
      this.#lists?.mapped(id, domain, { iova, bytes: asked, lengths, from, to, offsets: undefined });
    } else {
      this.#shaper.shape(batch.addresses, batch.lengths, from, to);
      const { addresses, lengths, offsets, count, bytes } = this.#shaper;
      const iova = this.#place(id, start, asked, bytes);
      this.#mapList(domain, iova, addresses, lengths, 0, count, prot, id, start);
      this.mappedBytes += bytes;
      this.#lists?.mapped(id, domain, { iova, bytes, lengths: batch.lengths, from, to, offsets });
    }
    this.askedBytes += asked;
  }

  #mapList(
    domain: Domain,
    iova: number,
    addresses: Float64Array,
    lengths: Float64Array,
    from: number,
    to: number,
    prot: number,
    id: number,
    start: number,
  ): void {
    try {
      if (to - from === 1) domain.map(iova, addresses[from] as number, lengths[from] as number, prot);
      else domain.mapSg(iova, { addresses: addresses.subarray(from, to), lengths: lengths.subarray(from, to) }, prot);
    } catch (error) {
      this.#placements[id]?.forget(start);
      throw error;
    }
  }

  #unmap(batch: CallColumns, i: number): void {
    if (batch.covered[i] === 0) return;
    const id = batch.domain[i] as number;
    const iova = batch.iova[i] as number;
    const size = batch.size[i] as number;
    const placement = this.#placements[id];
    const whole = batch.covered[i] === size;
    if (placement === undefined) this.#unmapRange(id, iova, size, whole);
    else placement.remove(iova, size, (at, bytes) => this.#unmapRange(id, at, bytes, true));
    if (this.#isLazy && this.#queue.add(batch.time[i] as number)) this.#flush();
  }

  #unmapRange(id: number, iova: number, bytes: number, whole: boolean): void {
    this.calls++;
    this.#domain(id).unmap(iova, bytes, whole ? this.#unmaps.refuse : this.#unmaps.skip);
    this.#lists?.unmapped(id, iova, bytes);
  }

  #flush(): void {
    for (const domain of this.#domains) domain?.flushAll();
    this.#queue.waiting = 0;
    this.#lists?.flushed();
  }

  #place(id: number, start: number, size: number, bytes: number): number {
    if (this.spec.iova === 'keep') return start;
    let placement = this.#placements[id];
    if (placement === undefined) {
      const { ias } = this.#domain(id).geometry;
      placement = new Placement(this.spec.iova, this.spec.granule, 2 ** Math.min(ias, 48));
      this.#placements[id] = placement;
    }
    return placement.place(start, size, bytes);
  }

  #domain(id: number): Domain {
    const known = this.#domains[id];
    if (known !== undefined) return known;
    if (id >= MOST_DOMAINS) {
      const message = `expected at most ${MOST_DOMAINS} domains in a trace, got number ${id + 1}`;
      throw new IommuError('MEMORY_LIMIT', 'domain', message, { domain: id, limit: MOST_DOMAINS });
    }
    const { path, dispatch, format, granule } = this.spec;
    const before = this.#meter.snapshot();
    const sent = this.#meter.commands?.snapshot();
    const domain = new Domain({
      path,
      dispatch,
      format,
      granule,
      memory: this.#memory,
      meter: this.#meter,
      driver: this.#driver,
    });
    for (const name of COUNT_NAMES) this.#meter[name] = before[name];
    this.#meter.commands?.restore(sent);
    this.#domains[id] = domain;
    return domain;
  }

  #refuse(error: unknown): void {
    if (!(error instanceof IommuError)) throw error;
    const known = this.refusals.find((refusal) => refusal.code === error.code);
    if (known === undefined) this.refusals.push({ code: error.code, count: 1, first: error.message });
    else known.count++;
  }
}
