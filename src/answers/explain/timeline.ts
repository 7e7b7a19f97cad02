/**
 * A function_graph trace for the Perfetto viewer: a process for each task, a track for each layer, a slice for each call, and a
 * counter of the bytes that were mapped. Durations are the trace's own. Its stamps only order, so that a call is placed inside
 * its caller by what lasted before it, with the caller's self time spread evenly around its calls.
 * @module
 */
import { PerfettoWriter, type TrackId } from '../../report/perfetto.ts';
import type { GraphCall, GraphRoot, GraphSink } from '../../trace/function-graph.ts';
import { layerOf } from '../../trace/graph-names.ts';

interface TreeNode {
  readonly name: string;
  readonly durationNs: number;
  readonly selfNs: number;
  readonly children: readonly TreeNode[];
}

interface TaskTracks {
  readonly process: TrackId;
  readonly layers: Map<string, TrackId>;
  /** End of the last slice. */
  last: number;
}

/** Tasks beyond this number share one process. */
const MAX_TASKS = 1000;

/** Writes the calls of a trace as slices; `take` hands the bytes over. */
export class GraphTimeline implements GraphSink {
  readonly #writer = new PerfettoWriter();
  readonly #system: TrackId = this.#writer.process('all tasks', 1);
  readonly #mapped: TrackId = this.#writer.counter(this.#system, 'bytes mapped since the trace began', 'bytes');
  readonly #tasks = new Map<string, TaskTracks>();
  readonly #open = new Map<GraphRoot, TreeNode[]>();
  #bytes = 0;
  #counted = 0;

  call(call: GraphCall): void {
    const ended = this.#open.get(call.root) ?? [];
    const children = call.children === 0 ? [] : ended.splice(-call.children);
    ended.push({ name: call.name, durationNs: call.durationNs, selfNs: call.selfNs, children });
    this.#open.set(call.root, ended);
  }

  root(root: GraphRoot): void {
    const trees = this.#open.get(root) ?? [];
    this.#open.delete(root);
    const task = this.#task(root);
    const start = Math.max(Math.round((root.seconds ?? 0) * 1e9), task.last);
    for (const tree of trees.slice(-1)) task.last = this.#place(task, tree, start);
    if (root.events === 0) return;
    this.#bytes = Math.max(0, this.#bytes + (root.kind === 'unmap' ? -root.bytes : root.bytes));
    this.#counted = Math.max(this.#counted, start);
    this.#writer.count(this.#mapped, this.#counted, this.#bytes);
  }

  /** All bytes of the timeline. */
  take(): Uint8Array {
    return this.#writer.take();
  }

  #task(root: GraphRoot): TaskTracks {
    const idle = root.pid === null || root.pid === 0;
    const known = idle ? `cpu ${root.cpu}` : `${root.task}-${root.pid}`;
    const name = this.#tasks.has(known) || this.#tasks.size < MAX_TASKS ? known : 'other tasks';
    const task = this.#tasks.get(name) ?? {
      process: this.#writer.process(name, this.#tasks.size + 2),
      layers: new Map<string, TrackId>(),
      last: 0,
    };
    this.#tasks.set(name, task);
    return task;
  }

  #track(task: TaskTracks, name: string): TrackId {
    const layer = layerOf(name) ?? 'other';
    const track = task.layers.get(layer) ?? this.#writer.track(task.process, layer);
    task.layers.set(layer, track);
    return track;
  }

  /** Places a call and those inside it; returns its end, which is not before that of any of them. */
  #place(task: TaskTracks, node: TreeNode, start: number): number {
    const track = this.#track(task, node.name);
    this.#writer.begin(track, start, node.name, { 'self ns': node.selfNs });
    const gap = Math.floor(node.selfNs / (node.children.length + 1));
    let at = start;
    for (const child of node.children) at = this.#place(task, child, at + gap);
    const end = Math.max(at, start + node.durationNs);
    this.#writer.end(track, end);
    return end;
  }
}
