/**
 * `iommu watch`: what the IOMMU layers do right now.
 * @module
 */
import { join } from 'node:path';
import type { Command } from 'commander';
import { InputError } from '../errors.ts';
import { checkTracing, TRACEFS, Tracing } from '../record/tracing.ts';
import type { Tree } from '../record/tree.ts';
import { toJson } from '../report/json.ts';
import { faultText, sampleLine, screenLines } from '../watch/screen.ts';
import { type WatchSample, WatchSession } from '../watch/session.ts';
import { UsageError } from './exit.ts';
import { say } from './io.ts';
import { guardSettings } from './machine/guard.ts';
import { GrowingFile } from './machine/stream.ts';
import { Signals, statusOf } from './record/signals.ts';
import { folderTree } from './record/tree.ts';

const EXAMPLES = `Examples:
  sudo iommu watch                            a screen that is drawn anew every second; q ends it
  sudo iommu watch --json --duration 60       a line of JSON a second, for a minute
`;

const AFTER = `
It switches on the events of iommu and dma, reads trace_pipe and /dev/kmsg, and puts every setting back at its end, even when it is
killed. What was dropped on the way is counted and shown. Live bytes are those of mappings made since it began.`;

interface Options {
  readonly json?: boolean;
  readonly interval: string;
  readonly duration?: string;
  readonly tracefs?: string;
  readonly log: string;
  readonly force?: boolean;
}

/** How often what was traced is read, in milliseconds: the buffers must not fill up. */
const READ_EVERY = 200;
/** Bytes read of the trace at one time: some 100,000 events a second at most; the kernel counts what it drops beyond. */
const MOST_AT_ONCE = 4 << 20;
const BUFFER_KB = 4096;
const RECENT = 50;

function secondsOf(option: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 86_400) return value;
  throw new UsageError(`${option}: expected seconds above 0, up to 86400, got ${text}`);
}

function tracefsOf({ tracefs }: Options): Tree {
  if (tracefs !== undefined) return folderTree(tracefs);
  const trees = TRACEFS.map((path) => folderTree(path));
  return trees.find((tree) => tree.exists('tracing_on')) ?? folderTree(TRACEFS[0]);
}

/** The kernel's log from now on; undefined where it cannot be read, with the reason in `notes`. */
function openLog(path: string, notes: string[]): GrowingFile | undefined {
  try {
    const log = new GrowingFile(path);
    log.drain(Number.MAX_SAFE_INTEGER, () => undefined);
    log.lost = 0;
    return log;
  } catch (cause) {
    notes.push(`faults of the log are not seen: ${cause instanceof InputError ? cause.message : String(cause)}`);
    return undefined;
  }
}

/** Prints samples: as JSON, as a screen, or as lines. */
interface Face {
  show(sample: WatchSample): void;
  end(): void;
}

function lineFace(json: boolean): Face {
  return {
    show: (sample) => {
      const text = json ? toJson({ schema: 'iommu.watch', version: 1, ...sample }, 0) : sampleLine(sample);
      process.stdout.write(`${text}\n`);
    },
    end: () => undefined,
  };
}

/** The alternate screen of an ANSI terminal (ECMA-48; DEC private modes 1049 and 25). */
function screenFace(notes: readonly string[]): Face {
  const recent: string[] = [];
  process.stdout.write('\u001b[?1049h\u001b[?25l');
  return {
    show: (sample) => {
      recent.push(...sample.faults.first.map((fault) => faultText(sample, fault)));
      recent.splice(0, Math.max(0, recent.length - RECENT));
      const size = { columns: process.stdout.columns ?? 80, rows: process.stdout.rows ?? 24 };
      const lines = screenLines(sample, recent, notes, size);
      process.stdout.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`);
    },
    end: () => void process.stdout.write('\u001b[?25h\u001b[?1049l'),
  };
}

function faceOf(options: Options, notes: readonly string[]): Face {
  const full = options.json !== true && process.stdout.isTTY === true && process.env['TERM'] !== 'dumb';
  return full ? screenFace(notes) : lineFace(options.json === true);
}

/** q, Q, Ctrl-C, Ctrl-D. */
const QUIT_KEYS = [0x71, 0x51, 3, 4];

/** The key q, and Ctrl-C of a terminal without line editing. */
function onQuit(quit: () => void): () => void {
  const { stdin } = process;
  if (stdin.isTTY !== true) return () => undefined;
  const take = (bytes: Buffer): void => {
    if (QUIT_KEYS.some((key) => bytes.includes(key))) quit();
  };
  stdin.setRawMode(true);
  stdin.on('data', take);
  return () => {
    stdin.off('data', take);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

/** One watch: files open, settings set. */
class Watch {
  readonly #session = new WatchSession();
  readonly #pipe: GrowingFile;
  readonly #log: GrowingFile | undefined;
  readonly #tracing: Tracing;
  readonly #face: Face;
  readonly #lostBefore: number;
  #last = performance.now();

  constructor(tracing: Tracing, pipe: GrowingFile, log: GrowingFile | undefined, face: Face) {
    this.#tracing = tracing;
    this.#pipe = pipe;
    this.#log = log;
    this.#face = face;
    this.#lostBefore = this.#lost();
  }

  read(): void {
    this.#pipe.drain(MOST_AT_ONCE, (bytes) => this.#session.trace(bytes));
    this.#log?.drain(MOST_AT_ONCE, (bytes) => this.#session.log.push(bytes));
  }

  show(last = false): void {
    const now = performance.now();
    const seconds = Math.max(0.001, (now - this.#last) / 1000);
    this.#last = now;
    const outside = { lost: Math.max(0, this.#lost() - this.#lostBefore), logLost: this.#log?.lost ?? 0 };
    this.#face.show(this.#session.sample(seconds, outside, last));
  }

  #lost(): number {
    const { overrun, dropped } = this.#tracing.losses();
    return overrun + dropped;
  }
}

/** Runs until it is told to end. @returns the signal that ended it, if one did */
function untilEnd(watch: Watch, signals: Signals, options: Options): Promise<NodeJS.Signals | null> {
  const interval = secondsOf('--interval', options.interval) * 1000;
  const duration = options.duration === undefined ? undefined : secondsOf('--duration', options.duration) * 1000;
  return new Promise((resolve, reject) => {
    const attempt = (action: () => void): void => {
      try {
        action();
      } catch (cause) {
        finish(() => reject(cause));
      }
    };
    const reading = setInterval(() => attempt(() => watch.read()), Math.min(READ_EVERY, interval));
    const showing = setInterval(() => attempt(() => watch.show()), interval);
    const ending = duration === undefined ? undefined : setTimeout(() => finish(() => resolve(null)), duration);
    const letGo = onQuit(() => finish(() => resolve(null)));
    const onClosed = (): void => finish(() => resolve(null));
    process.stdout.on('error', onClosed);
    signals.tell((signal) => finish(() => resolve(signal)));
    const finish = (end: () => void): void => {
      for (const timer of [reading, showing, ending]) clearInterval(timer);
      process.stdout.off('error', onClosed);
      signals.tell();
      letGo();
      end();
    };
  });
}

async function runWatch(options: Options): Promise<void> {
  const tree = tracefsOf(options);
  secondsOf('--interval', options.interval);
  if (options.duration !== undefined) secondsOf('--duration', options.duration);
  const settings = { graph: false, bufferKb: BUFFER_KB, force: options.force === true };
  checkTracing(tree, settings);
  const notes: string[] = [];
  const tracing = new Tracing(tree);
  const signals = new Signals();
  const restore = (): void => {
    for (const failure of tracing.restore()) say(`iommu watch: ${failure}`);
  };
  process.once('exit', restore);
  const files: GrowingFile[] = [];
  let face: Face | undefined;
  let done = (): void => undefined;
  let signal: NodeJS.Signals | null = null;
  try {
    const log = openLog(options.log, notes);
    const pipe = new GrowingFile(join(tree.root, 'trace_pipe'));
    files.push(pipe, ...(log === undefined ? [] : [log]));
    tracing.prepare(settings);
    done = guardSettings(tracing.changed().map(({ path, before }) => ({ path: join(tree.root, path), before })));
    tracing.start();
    face = faceOf(options, notes);
    if (options.json === true || process.stdout.isTTY !== true) for (const note of notes) say(`iommu watch: ${note}`);
    const watch = new Watch(tracing, pipe, log, face);
    signal = await untilEnd(watch, signals, options);
    watch.read();
    watch.show(true);
  } finally {
    face?.end();
    process.off('exit', restore);
    restore();
    done();
    signals.release();
    for (const file of files) file.close();
  }
  process.exitCode = signal === null || signal === 'SIGINT' ? 0 : statusOf(signal);
}

/** Adds `iommu watch`. */
export function addWatch(program: Command): void {
  program
    .command('watch')
    .summary('what is mapped and unmapped right now, by whom, and faults as they come')
    .description(
      'Shows maps and unmaps a second, live bytes, the busiest devices and tasks, faults and growing mappings of this machine.',
    )
    .option('--json', 'a line of JSON an interval')
    .option('--interval <seconds>', 'how often', '1')
    .option('--duration <seconds>', 'ends after that time')
    .option('--tracefs <dir>', `where tracefs is (else ${TRACEFS.join(' or ')})`)
    .option('--log <file>', "the kernel's log as it grows", '/dev/kmsg')
    .option('--force', 'watch although tracing is in use')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', AFTER)
    .action(runWatch);
}
