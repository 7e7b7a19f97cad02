/**
 * Measured attribution: self time by layer for maps and unmaps, from a function_graph trace.
 * @module
 */
import type { GraphCall, GraphRoot, GraphSink, GraphStats, NegativeSelf } from '../trace/function-graph.ts';
import { GRAPH_LAYERS, type GraphLayer, layerOf, type RootKind } from '../trace/graph-names.ts';
import type { Machine } from './machine.ts';
import { Quantiles } from './quantiles.ts';

/** Calls with one traced child that a function needs before its self time may bound the tracer's overhead. */
const ENOUGH_CALLS = 20;
/** What stands under no known layer. */
const OTHER = 'other';

type LayerName = GraphLayer | typeof OTHER;

/**
 * `measured`: figures follow; `not traced`: none of its functions was traced; `no call`: traced, but no function of it was
 * called here (it may be inside its caller); `not seen`: nothing of it was seen, and which functions were traced is unknown.
 */
export type LayerStatus = 'measured' | 'not traced' | 'no call' | 'not seen';

/** Self time of one layer within calls of one kind and size. */
export interface LayerTime {
  readonly layer: LayerName;
  readonly status: LayerStatus;
  /** Traced calls of the layer's functions. */
  readonly calls: number;
  /** Self time of the layer in one map or unmap. */
  readonly medianNs: number;
  readonly p99Ns: number;
  /** Summed over all of them. */
  readonly selfNs: number;
  /** The same without the bound on the tracer's overhead for each traced call made from it. */
  readonly correctedNs: number;
  /** Share of the self time of all layers. */
  readonly share: number;
}

/** Maps, unmaps or flushes of one range of sizes. */
export interface SizeClass {
  /** Least and greatest size in bytes; 0 where no event tells it. */
  readonly bytesLow: number;
  readonly bytesHigh: number;
  readonly count: number;
  readonly medianNs: number;
  readonly p99Ns: number;
  readonly layers: readonly LayerTime[];
}

/** What one kind of call costs. */
export interface OperationTimes extends SizeClass {
  readonly op: RootKind;
  /** How often each outermost function was called. */
  readonly roots: Readonly<Record<string, number>>;
  readonly sizes: readonly SizeClass[];
}

/** The answer of `explain` for a function_graph trace. */
export interface MeasuredAnswer {
  readonly schema: 'iommu.explain';
  readonly version: 1;
  readonly source: string;
  readonly fits: readonly [];
  readonly comparisons: readonly [];
  readonly noise: null;
  readonly units: readonly [];
  readonly inseparable: readonly [];
  readonly suggestedRun: { readonly text: string };
  readonly machine: Machine & { readonly claim: string };
  readonly trace: {
    readonly reader: 'function_graph';
    readonly lines: number;
    readonly bytes: number;
    readonly unread: number;
    readonly firstUnread: number | null;
    readonly firstUnreadText: string;
    readonly cutOff: boolean;
    readonly unmatchedExits: number;
    readonly unfinished: number;
    readonly lostMarks: number;
  };
  readonly operations: readonly OperationTimes[];
  /** Upper bound on what the tracer adds for each traced call; null if no function qualifies. */
  readonly overhead: { readonly boundNs: number; readonly from: string } | null;
  readonly notTraced: readonly GraphLayer[];
  /** Whether the list of traced functions was given. */
  readonly tracedKnown: boolean;
  readonly interrupts: number;
  readonly negativeSelf: { readonly count: number; readonly listed: readonly NegativeSelf[] };
  readonly unknownFunctions: readonly string[];
}

class LayerSums {
  readonly perRoot = new Quantiles();
  calls = 0;
  children = 0;
}

class ClassSums {
  readonly durations = new Quantiles();
  readonly layers = new Map<LayerName, LayerSums>();
  readonly roots = new Map<string, number>();
  low = Number.POSITIVE_INFINITY;
  high = 0;

  add(root: GraphRoot, self: ReadonlyMap<LayerName, RootLayer>, bytes: number): void {
    this.durations.add(root.durationNs);
    this.roots.set(root.name, (this.roots.get(root.name) ?? 0) + 1);
    this.low = Math.min(this.low, bytes);
    this.high = Math.max(this.high, bytes);
    for (const [layer, of] of self) {
      const sums = this.layers.get(layer) ?? new LayerSums();
      sums.perRoot.add(of.selfNs);
      sums.calls += of.calls;
      sums.children += of.children;
      this.layers.set(layer, sums);
    }
  }
}

interface RootLayer {
  selfNs: number;
  calls: number;
  children: number;
}

/** Sizes are put together by powers of two; 0 stands for a size that no event tells. */
function sizeClassOf(bytes: number): number {
  return bytes === 0 ? 0 : 1 + Math.floor(Math.log2(bytes));
}

/** Collects the calls of a trace by operation, size and layer. */
export class MeasuredLayers implements GraphSink {
  readonly #open = new Map<GraphRoot, Map<LayerName, RootLayer>>();
  readonly #totals = new Map<RootKind, ClassSums>();
  readonly #sizes = new Map<string, ClassSums>();
  readonly #single = new Map<string, Quantiles>();
  readonly #unknown = new Set<string>();

  call(call: GraphCall): void {
    const layer = layerOf(call.name) ?? OTHER;
    if (layer === OTHER && this.#unknown.size < 1000) this.#unknown.add(call.name);
    const layers = this.#open.get(call.root) ?? new Map<LayerName, RootLayer>();
    const sums = layers.get(layer) ?? { selfNs: 0, calls: 0, children: 0 };
    sums.selfNs += call.selfNs;
    sums.calls += 1;
    sums.children += call.children;
    layers.set(layer, sums);
    this.#open.set(call.root, layers);
    if (call.children === 1) this.#single.set(call.name, this.#withSingle(call));
  }

  root(root: GraphRoot): void {
    const layers = this.#open.get(root) ?? new Map<LayerName, RootLayer>();
    this.#open.delete(root);
    const bytes = root.events > 0 ? root.bytes : root.dmaBytes;
    const total = this.#totals.get(root.kind) ?? new ClassSums();
    total.add(root, layers, bytes);
    this.#totals.set(root.kind, total);
    const key = `${root.kind} ${sizeClassOf(bytes)}`;
    const size = this.#sizes.get(key) ?? new ClassSums();
    size.add(root, layers, bytes);
    this.#sizes.set(key, size);
  }

  /**
   * The answer, once the reader has ended.
   * @param traced - names of the functions that were traced, null if unknown
   */
  answer(source: string, stats: GraphStats, machine: Machine, traced: ReadonlySet<string> | null): MeasuredAnswer {
    const overhead = this.#overhead();
    const tracedLayers = new Set([...(traced ?? stats.functions.keys())].flatMap((name) => layerOf(name) ?? []));
    const context: Context = { bound: overhead?.boundNs ?? 0, tracedLayers, known: traced !== null };
    return {
      schema: 'iommu.explain',
      version: 1,
      source,
      fits: [],
      comparisons: [],
      noise: null,
      units: [],
      inseparable: [],
      suggestedRun: { text: DISPATCH_RUN },
      machine: { ...machine, claim: CLAIMS[machine.kind] },
      trace: traceOf(stats),
      operations: this.#operations(context),
      overhead,
      notTraced: traced === null ? [] : GRAPH_LAYERS.filter((layer) => !tracedLayers.has(layer)),
      tracedKnown: traced !== null,
      interrupts: stats.interrupts,
      negativeSelf: { count: stats.negativeSelf, listed: stats.negativeListed },
      unknownFunctions: [...this.#unknown],
    };
  }

  #withSingle(call: GraphCall): Quantiles {
    const quantiles = this.#single.get(call.name) ?? new Quantiles();
    if (this.#single.size < 10_000) quantiles.add(call.selfNs);
    return quantiles;
  }

  #overhead(): { boundNs: number; from: string } | null {
    let least: { boundNs: number; from: string } | null = null;
    for (const [name, self] of this.#single) {
      const boundNs = self.quantile(0.5);
      if (self.count >= ENOUGH_CALLS && (least === null || boundNs < least.boundNs)) least = { boundNs, from: name };
    }
    return least;
  }

  #operations(context: Context): OperationTimes[] {
    const order: RootKind[] = ['map', 'unmap', 'flush queue', 'other'];
    return order.flatMap((op) => {
      const total = this.#totals.get(op);
      if (total === undefined) return [];
      const own = [...this.#sizes].filter(([key]) => key.startsWith(`${op} `)).map(([, sums]) => sums);
      const sizes = own.toSorted((a, b) => a.low - b.low).map((sums) => classOf(sums, context));
      return [{ op, ...classOf(total, context), roots: Object.fromEntries(total.roots), sizes }];
    });
  }
}

interface Context {
  readonly bound: number;
  readonly tracedLayers: ReadonlySet<GraphLayer>;
  readonly known: boolean;
}

const CLAIMS = {
  hardware: 'times of this machine under the tracer',
  kvm: 'times of a guest under KVM and the tracer',
  emulated: 'emulated, no claim about hardware',
} as const;

const DISPATCH_RUN =
  'a dispatch itself is below the resolution of function_graph: it is part of the self time of its caller; to see it, ' +
  'time the same path with direct dispatch, or without power calls, and hold the tables against each other with iommu explain';

function traceOf(stats: GraphStats): MeasuredAnswer['trace'] {
  const { lines, bytes, unread, firstUnread, firstUnreadText, cutOff, unmatchedExits, unfinished, lostMarks } = stats;
  const read = { lines, bytes, unread, firstUnread, firstUnreadText, cutOff };
  return { reader: 'function_graph', ...read, unmatchedExits, unfinished, lostMarks };
}

function statusOf(layer: LayerName, seen: boolean, context: Context): LayerStatus {
  if (seen) return 'measured';
  if (layer !== OTHER && context.tracedLayers.has(layer)) return 'no call';
  return context.known ? 'not traced' : 'not seen';
}

function layerTime(layer: LayerName, sums: ClassSums, all: number, context: Context): LayerTime {
  const of = sums.layers.get(layer);
  const status = statusOf(layer, of !== undefined, context);
  if (of === undefined) {
    return { layer, status, calls: 0, medianNs: 0, p99Ns: 0, selfNs: 0, correctedNs: 0, share: 0 };
  }
  return {
    layer,
    status,
    calls: of.calls,
    medianNs: of.perRoot.quantile(0.5),
    p99Ns: of.perRoot.quantile(0.99),
    selfNs: of.perRoot.sum,
    correctedNs: Math.max(0, of.perRoot.sum - of.children * context.bound),
    share: all > 0 ? of.perRoot.sum / all : 0,
  };
}

function classOf(sums: ClassSums, context: Context): SizeClass {
  const names: LayerName[] = [...GRAPH_LAYERS, ...(sums.layers.has(OTHER) ? ([OTHER] as const) : [])];
  const all = [...sums.layers.values()].reduce((sum, of) => sum + of.perRoot.sum, 0);
  return {
    bytesLow: sums.low,
    bytesHigh: sums.high,
    count: sums.durations.count,
    medianNs: sums.durations.quantile(0.5),
    p99Ns: sums.durations.quantile(0.99),
    layers: names.map((name) => layerTime(name, sums, all, context)),
  };
}
