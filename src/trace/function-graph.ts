/**
 * Reader of function_graph text: nested calls with their durations, put together task by task (for the idle task, processor
 * by processor), whatever the order in which the processors' lines are printed.
 * @module
 */
import { type GraphLine, parseGraphLine } from './graph-line.ts';
import { isInterruptEntry, type RootKind, rootKindOf } from './graph-names.ts';
import { LineSplitter } from './lines.ts';

const MAX_DEPTH = 256;
const MAX_STACKS = 4096;
const MAX_LISTED = 20;
const MAX_FUNCTIONS = 10_000;
const MAX_TEXT = 200;

/** An outermost call: one map, one unmap, or something else, with what was noted inside it. */
export interface GraphRoot {
  readonly kind: RootKind;
  readonly name: string;
  readonly task: string;
  readonly pid: number | null;
  readonly cpu: number;
  /** Stamp of its entry line. */
  readonly seconds: number | null;
  /** Line of its entry. */
  readonly line: number;
  /** Whether it interrupted a map. */
  readonly interrupt: boolean;
  /** Duration without the interrupts inside it. */
  durationNs: number;
  /** Interrupts inside it. */
  interrupts: number;
  /** Bytes and number of the `map` or `unmap` events inside it. */
  bytes: number;
  events: number;
  /** Bytes of the `dma_map_…` or `dma_unmap_…` events inside it: they also come where no table is touched. */
  dmaBytes: number;
  /** Calls inside it, itself included. */
  calls: number;
}

/** A call that has ended. */
export interface GraphCall {
  readonly name: string;
  readonly root: GraphRoot;
  /** Duration as printed, without interrupts. */
  readonly durationNs: number;
  /** Duration without that of direct children; never below 0. */
  readonly selfNs: number;
  /** Traced calls directly inside it, interrupts not counted. */
  readonly children: number;
}

/** Receives calls as they end, inner ones first, and each root after its calls. */
export interface GraphSink {
  call(call: GraphCall): void;
  root(root: GraphRoot): void;
}

/** A call whose children last longer than itself, by the printed durations. */
export interface NegativeSelf {
  readonly line: number;
  readonly name: string;
  readonly selfNs: number;
}

/** What a reader met. */
export interface GraphStats {
  readonly lines: number;
  readonly bytes: number;
  /** Lines that are not function_graph output (headers, rulers and empty lines aside), and the first such line's number. */
  readonly unread: number;
  readonly firstUnread: number | null;
  /** Its text, cut to 200 characters. */
  readonly firstUnreadText: string;
  /** True where the last line has no newline. */
  readonly cutOff: boolean;
  /** Exits without an entry: the trace began inside them. */
  readonly unmatchedExits: number;
  /** Calls that had not ended when the trace did, or were given up at lost events or a broken nesting. */
  readonly unfinished: number;
  readonly lostMarks: number;
  readonly interrupts: number;
  /** Calls with a negative self time: clipped to 0. At most 20 are listed. */
  readonly negativeSelf: number;
  readonly negativeListed: readonly NegativeSelf[];
  /** Functions seen (the first 10 000), each with its number of calls. */
  readonly functions: ReadonlyMap<string, number>;
}

interface Frame {
  readonly name: string;
  readonly root: GraphRoot;
  /** Durations of direct children, interrupts included. */
  childrenNs: number;
  /** Durations of interrupts at any depth inside. */
  interruptNs: number;
  children: number;
}

type MutableStats = { -readonly [Name in keyof GraphStats]: GraphStats[Name] } & {
  negativeListed: NegativeSelf[];
  functions: Map<string, number>;
};

function emptyStats(): MutableStats {
  return {
    lines: 0,
    bytes: 0,
    unread: 0,
    firstUnread: null,
    firstUnreadText: '',
    cutOff: false,
    unmatchedExits: 0,
    unfinished: 0,
    lostMarks: 0,
    interrupts: 0,
    negativeSelf: 0,
    negativeListed: [],
    functions: new Map(),
  };
}

/** Headers, rulers, empty lines, and the number of processors that `trace-cmd report` begins with. */
function isDecoration(text: string): boolean {
  const clean = text.trim();
  return clean.startsWith('#') || /^-*$/.test(clean) || /^cpus=\d+$/.test(clean);
}

/** Reads function_graph text as it comes: `push` chunks, then `end`. Memory is bounded by the depth of nesting. */
export class FunctionGraphReader {
  readonly #sink: GraphSink;
  readonly #stats = emptyStats();
  readonly #splitter: LineSplitter;
  readonly #decoder = new TextDecoder();
  readonly #stacks = new Map<string, Frame[]>();
  /** Task on each processor, by the switch lines, where lines name none. */
  readonly #running = new Map<number, { readonly pid: number; readonly task: string }>();

  constructor(sink: GraphSink) {
    this.#sink = sink;
    const line = (bytes: Uint8Array, start: number, end: number): void => this.#line(bytes.subarray(start, end));
    this.#splitter = new LineSplitter(line, line);
  }

  /** Takes the next bytes of the text. */
  push(chunk: Uint8Array): void {
    this.#stats.bytes += chunk.length;
    this.#splitter.push(chunk);
  }

  /** Ends the text: what is still open is counted as unfinished. */
  end(): GraphStats {
    const { bytes, length } = this.#splitter.rest();
    this.#stats.cutOff = length > 0;
    if (length > 0) this.#line(bytes.subarray(0, length));
    this.#giveUpAll();
    return this.#stats;
  }

  #line(bytes: Uint8Array): void {
    this.#stats.lines += 1;
    const text = this.#decoder.decode(bytes);
    const line = parseGraphLine(text);
    if (line !== null) this.#take(line);
    else if (!isDecoration(text)) {
      this.#stats.unread += 1;
      if (this.#stats.firstUnread === null) {
        this.#stats.firstUnread = this.#stats.lines;
        this.#stats.firstUnreadText = text.slice(0, MAX_TEXT);
      }
    }
  }

  #take(line: GraphLine): void {
    if (line.kind === 'lost') {
      this.#stats.lostMarks += 1;
      this.#giveUpAll();
    } else if (line.kind === 'switch') this.#running.set(line.cpu, { pid: line.pid ?? 0, task: line.task });
    else this.#inTask(line);
  }

  #inTask(line: GraphLine): void {
    const running = line.pid === null ? this.#running.get(line.cpu) : undefined;
    const pid = line.pid ?? running?.pid ?? null;
    const key = pid === null || pid === 0 ? `cpu ${line.cpu}` : `pid ${pid}`;
    const stack = this.#stacks.get(key) ?? [];
    if (line.kind === 'enter') this.#enter(stack, line, pid, running?.task ?? line.task);
    else if (line.kind === 'leaf') {
      this.#enter(stack, line, pid, running?.task ?? line.task);
      this.#exit(stack, line.durationNs);
    } else if (line.kind === 'exit') this.#matchExit(stack, line);
    else this.#remark(stack.at(-1)?.root, line.text);
    this.#keep(key, stack);
  }

  #keep(key: string, stack: Frame[]): void {
    if (stack.length === 0) this.#stacks.delete(key);
    else this.#stacks.set(key, stack);
    if (this.#stacks.size > MAX_STACKS) this.#giveUpAll();
  }

  #giveUpAll(): void {
    for (const stack of this.#stacks.values()) this.#stats.unfinished += stack.length;
    this.#stacks.clear();
  }

  #enter(stack: Frame[], line: GraphLine, pid: number | null, task: string): void {
    if (stack.length >= MAX_DEPTH) this.#stats.unfinished += stack.splice(0).length;
    const name = line.text;
    const seen = this.#stats.functions.get(name);
    if (seen !== undefined || this.#stats.functions.size < MAX_FUNCTIONS)
      this.#stats.functions.set(name, (seen ?? 0) + 1);
    const outer = stack.at(-1)?.root;
    const interrupt = outer?.kind === 'map' && isInterruptEntry(name);
    const root = outer === undefined || interrupt ? this.#newRoot(line, pid, task, interrupt) : outer;
    root.calls += 1;
    stack.push({ name, root, childrenNs: 0, interruptNs: 0, children: 0 });
  }

  #newRoot(line: GraphLine, pid: number | null, task: string, interrupt: boolean): GraphRoot {
    if (interrupt) this.#stats.interrupts += 1;
    return {
      kind: rootKindOf(line.text),
      name: line.text,
      task,
      pid,
      cpu: line.cpu,
      seconds: line.seconds,
      line: this.#stats.lines,
      interrupt,
      durationNs: 0,
      interrupts: 0,
      bytes: 0,
      events: 0,
      dmaBytes: 0,
      calls: 0,
    };
  }

  /** Ends the innermost call of the name that the exit gives; calls left open inside it are given up. */
  #matchExit(stack: Frame[], line: GraphLine): void {
    let at = stack.length - 1;
    while (at >= 0 && line.text !== '' && stack[at]?.name !== line.text) at -= 1;
    if (at < 0) {
      this.#stats.unmatchedExits += 1;
      return;
    }
    this.#stats.unfinished += stack.splice(at + 1).length;
    this.#exit(stack, line.durationNs);
  }

  #exit(stack: Frame[], durationNs: number | null): void {
    const frame = stack.pop();
    if (frame === undefined) return;
    const total = durationNs ?? frame.childrenNs;
    const parent = stack.at(-1);
    const ends = parent?.root !== frame.root;
    const interrupt = ends && parent !== undefined;
    if (parent !== undefined) {
      parent.childrenNs += total;
      parent.interruptNs += interrupt ? total : frame.interruptNs;
      parent.children += interrupt ? 0 : 1;
    }
    if (interrupt && parent !== undefined) parent.root.interrupts += 1;
    const net = Math.max(0, total - frame.interruptNs);
    this.#sink.call({
      name: frame.name,
      root: frame.root,
      durationNs: net,
      selfNs: this.#selfOf(frame, total),
      children: frame.children,
    });
    if (!ends) return;
    frame.root.durationNs = net;
    this.#sink.root(frame.root);
  }

  #selfOf(frame: Frame, total: number): number {
    const self = total - frame.childrenNs;
    if (self >= 0) return self;
    this.#stats.negativeSelf += 1;
    if (this.#stats.negativeListed.length < MAX_LISTED) {
      this.#stats.negativeListed.push({ line: this.#stats.lines, name: frame.name, selfNs: self });
    }
    return 0;
  }

  /** Trace events that are printed inside a call: map and unmap say how much. */
  #remark(root: GraphRoot | undefined, text: string): void {
    if (root === undefined) return;
    const [, event, size] = /^((?:dma_)?(?:un)?map(?:_\w+)?): .*\bsize=(\d+)/.exec(text) ?? [];
    if (event === undefined) return;
    if (event.startsWith('dma_')) root.dmaBytes += Number(size);
    else {
      root.bytes += Number(size);
      root.events += 1;
    }
  }
}
