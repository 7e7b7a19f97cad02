/**
 * One recording: checks, settings, start, stop, and what is saved.
 * @module
 */
import { InputError } from '../errors.ts';
import { TRACE_CLOCKS } from './clock.ts';
import { type GraphFunctions, graphFunctions } from './functions.ts';
import { Settings } from './settings.ts';
import type { Tree } from './tree.ts';

/** Where Linux has its tracefs, today's place first. */
export const TRACEFS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'] as const;

/** Systems whose events answer the questions; the second is missing before Linux 6.12. */
const SYSTEMS = ['iommu', 'dma'] as const;

/** Options of the function_graph tracer that its reader needs: time, task, name at the end of a call. */
export const GRAPH_OPTIONS = [
  'funcgraph-abstime',
  'funcgraph-proc',
  'funcgraph-cpu',
  'funcgraph-duration',
  'funcgraph-tail',
] as const;

/** Filters by pid that would hide events. */
export const EVENT_PID_FILTERS = ['set_event_pid', 'set_event_notrace_pid'] as const;
/** Filters by pid that would hide functions; a locked-down kernel has them but lets nobody read them. */
export const FUNCTION_PID_FILTERS = ['set_ftrace_pid', 'set_ftrace_notrace_pid'] as const;

/** How to record. */
export interface RecordOptions {
  readonly graph: boolean;
  /** Buffer of each processor, in KiB. */
  readonly bufferKb: number;
  /** True: record although tracing is in use. */
  readonly force: boolean;
}

/** What was set, for the metadata. */
export interface TracingFacts {
  readonly events: readonly string[];
  readonly tracer: string;
  readonly functions: readonly string[];
  readonly clock: string | null;
  readonly bufferKb: number;
}

/** Events that did not fit into the buffers, summed over the processors. */
export interface Losses {
  readonly overrun: number;
  readonly dropped: number;
}

function refuse(tree: Tree, why: string): never {
  throw new InputError('UNREADABLE', tree.root, why);
}

function eventsOf(tree: Tree): string[] {
  return SYSTEMS.flatMap((system) =>
    tree
      .list(`events/${system}`)
      .filter((name) => tree.exists(`events/${system}/${name}/enable`))
      .map((name) => `${system}:${name}`),
  );
}

/**
 * Checks that a recording is possible here.
 * @throws InputError `UNREADABLE`: no tracefs, no rights, no events, no function_graph, tracing in use.
 */
export function checkTracing(tree: Tree, options: RecordOptions): void {
  if (!tree.exists('tracing_on')) {
    refuse(tree, 'no tracefs here. Mount it (mount -t tracefs tracefs /sys/kernel/tracing) or name it with --tracefs');
  }
  if (!tree.writable('tracing_on')) refuse(tree, 'no right to trace. Run as root, or see iommu record --print');
  if (!eventsOf(tree).some((name) => name.startsWith('iommu:'))) {
    refuse(
      tree,
      'this kernel has no iommu events (events/iommu is missing): it was built without IOMMU support or tracing',
    );
  }
  if (options.graph) checkGraph(tree);
  if (!options.force) checkUnused(tree);
}

function checkGraph(tree: Tree): void {
  const tracers = tree.exists('available_tracers') ? tree.read('available_tracers').split(/\s+/) : [];
  if (!tracers.includes('function_graph')) {
    refuse(tree, 'this kernel has no function_graph tracer (CONFIG_FUNCTION_GRAPH_TRACER). Record without --graph');
  }
  if (!tree.exists('available_filter_functions') || functionsOf(tree).roots.length === 0) {
    refuse(tree, 'available_filter_functions names no function of the mapping stack. Record without --graph');
  }
}

function checkUnused(tree: Tree): void {
  const tracer = tree.read('current_tracer').trim();
  if (tracer !== 'nop') refuse(tree, `tracing is in use (current_tracer is ${tracer}). Stop it, or add --force`);
  const enabled = tree.exists('events/enable') ? tree.read('events/enable').trim() : '0';
  if (enabled !== '0') refuse(tree, 'tracing is in use (events are enabled already). Disable them, or add --force');
}

function functionsOf(tree: Tree): GraphFunctions {
  return graphFunctions(tree.read('available_filter_functions'));
}

/** A recording on one tree. {@link stop} and {@link restore} may be called at any time and more than once. */
export class Tracing {
  readonly #tree: Tree;
  readonly #settings: Settings;
  #running = false;

  constructor(tree: Tree) {
    this.#tree = tree;
    this.#settings = new Settings(tree);
  }

  /** Sets everything, with tracing off and the buffers empty. */
  prepare(options: RecordOptions): TracingFacts {
    const set = (path: string, value: string): boolean => this.#settings.set(path, value);
    this.#settings.keep('tracing_on');
    this.#switch('0');
    this.#setBuffers(options.bufferKb);
    const clock = this.#setClock();
    for (const filter of EVENT_PID_FILTERS) set(filter, '');
    const events = eventsOf(this.#tree);
    const functions = options.graph ? this.#setGraph() : [];
    this.#tree.write('trace', '');
    for (const event of events) set(`events/${event.replace(':', '/')}/enable`, '1');
    return { events, tracer: options.graph ? 'function_graph' : 'nop', functions, clock, bufferKb: options.bufferKb };
  }

  /** Begins. */
  start(): void {
    this.#running = true;
    this.#switch('1');
    this.#mark('iommu record: begin');
  }

  /** Ends. */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#mark('iommu record: end');
    this.#switch('0');
  }

  /** The formats of the recorded events, one after the other. */
  formats(facts: TracingFacts): string {
    const paths = facts.events.map((event) => `events/${event.replace(':', '/')}/format`);
    return paths
      .filter((path) => this.#tree.exists(path))
      .map((path) => this.#tree.read(path))
      .join('\n');
  }

  /** What the buffers lost. */
  losses(): Losses {
    const sum = { overrun: 0, dropped: 0 };
    for (const cpu of this.#tree.list('per_cpu')) {
      const path = `per_cpu/${cpu}/stats`;
      if (!this.#tree.exists(path)) continue;
      const stats = this.#tree.read(path);
      sum.overrun += Number(/^overrun: (\d+)/m.exec(stats)?.[1] ?? 0);
      sum.dropped += Number(/^dropped events: (\d+)/m.exec(stats)?.[1] ?? 0);
    }
    return sum;
  }

  /** Settings that were changed, with what they were before. */
  changed(): readonly { readonly path: string; readonly before: string }[] {
    return this.#settings.changed();
  }

  /** Puts back what was set; what could not be put back, in words. */
  restore(): string[] {
    try {
      this.stop();
    } catch {
      // The settings are put back one by one below, tracing_on among them.
    }
    return this.#settings.restore();
  }

  #switch(value: string): void {
    this.#tree.write('tracing_on', `${value}\n`);
  }

  /** Processors whose buffers differ (`X`) are set, and put back, one by one. */
  #setBuffers(kib: number): void {
    const differ = this.#tree.exists('buffer_size_kb') && this.#tree.read('buffer_size_kb').trim() === 'X';
    const paths = differ
      ? this.#tree.list('per_cpu').map((cpu) => `per_cpu/${cpu}/buffer_size_kb`)
      : ['buffer_size_kb'];
    for (const path of paths) this.#settings.set(path, String(kib));
  }

  #setClock(): string | null {
    if (!this.#tree.exists('trace_clock')) return null;
    const text = this.#tree.read('trace_clock');
    const offered = text.split(/[\s[\]]+/);
    const wanted = TRACE_CLOCKS.find((clock) => offered.includes(clock));
    if (wanted === undefined) return /\[([^\]]*)\]/.exec(text)?.[1] ?? null;
    this.#settings.set('trace_clock', wanted);
    return wanted;
  }

  #setGraph(): readonly string[] {
    const { roots, all } = functionsOf(this.#tree);
    for (const filter of FUNCTION_PID_FILTERS) this.#settings.set(filter, '');
    this.#settings.set('set_ftrace_filter', all.join('\n'));
    this.#settings.set('set_graph_function', roots.join('\n'));
    for (const option of GRAPH_OPTIONS) this.#settings.set(`options/${option}`, '1');
    this.#settings.set('current_tracer', 'function_graph');
    return all;
  }

  #mark(text: string): void {
    if (this.#tree.exists('trace_marker')) this.#tree.write('trace_marker', text);
  }
}
