/**
 * The trace that the worker has read: its calls are kept, so that windows and ranges of it are answered at once.
 * @module
 */
import { rangeAnswer, rangeRowsAnswer } from '../../src/answers/range.ts';
import { ReplayRun } from '../../src/answers/replay.ts';
import { InputError } from '../../src/errors.ts';
import type { Hardware } from '../../src/machine/hardware.ts';
import type { MachineNames } from '../../src/machine/names.ts';
import type { RowsOrder, RowsPort, RowsReply } from '../../src/replay/apart/messages.ts';
import type { Answer } from '../../src/report/answer.ts';
import { CallLog } from '../../src/trace/call-log.ts';
import { spanOf, viewCalls } from '../../src/trace/call-view.ts';
import { createNames, type TraceNames } from '../../src/trace/events.ts';
import type { ReadStats } from '../../src/trace/stats.ts';
import type { SayProgress } from './chunks.ts';
import { openHelper } from './helpers.ts';
import type { FollowUp, LookAt, TraceQuestion, TraceView } from './protocol.ts';
import { areLarge, readTraces } from './traces.ts';

/** Stretches of time of a picture. */
const COLUMNS = 240;
/** Calls of a range that are listed. */
const LISTED = 2000;
/** Mappings that are listed. */
const MAPPINGS = 10_000;
/** Milliseconds between pictures while a trace is read, and the share of the time that they may take. */
const PICTURE_MS = 700;
const PICTURE_SHARE = 0.1;

/** What the files beside a trace say of its machine. */
export interface TracedMachine {
  readonly names: MachineNames;
  readonly hardware: Hardware;
}

interface Session {
  readonly log: CallLog;
  readonly names: TraceNames;
  readonly run: ReplayRun;
  readonly hardware: Hardware;
  readonly stats: readonly ReadStats[];
}

let session: Session | undefined;

function theSession(): Session {
  if (session === undefined) throw new InputError('MISSING_VALUE', 'trace', 'expected a trace, got none');
  return session;
}

function wantedOf(wanted: TraceQuestion): { readonly leaks: boolean; readonly doubleMaps: boolean } {
  return { leaks: wanted === 'leaks', doubleMaps: wanted === 'double-maps' };
}

function look({ log, run }: Pick<Session, 'log' | 'run'>, { range, addresses }: LookAt): TraceView | undefined {
  const { first, last } = spanOf(log);
  if (Number.isNaN(first)) return undefined;
  const { from, to } = range ?? { from: first, to: Math.max(last, first + COLUMNS) + 1 };
  const window = { from, to, columns: COLUMNS, ...(addresses && { addresses }) };
  return { ...viewCalls(log, window), first, last, within: addresses, domains: run.domains.map(({ title }) => title) };
}

/** Gives a picture of what was read now and then: less often where pictures take long. */
class Pictures {
  #due = PICTURE_MS;
  readonly #start = performance.now();

  take(part: Pick<Session, 'log' | 'run'>): TraceView | undefined {
    const before = performance.now();
    if (before - this.#start < this.#due) return undefined;
    const view = look(part, { ask: 'view' });
    const took = performance.now() - before;
    this.#due = performance.now() - this.#start + Math.max(PICTURE_MS, took / PICTURE_SHARE);
    return view;
  }
}

/** Reads files that are one trace; the session is theirs from now on. @throws InputError, IommuError as the readers and the replay do. */
export async function openTrace(
  files: readonly Blob[],
  machine: TracedMachine,
  wanted: TraceQuestion,
  progress: SayProgress,
): Promise<Answer> {
  session = undefined;
  const apart = (await areLarge(files)) ? await openHelper<RowsOrder, RowsReply>('rows') : undefined;
  try {
    return await readSession(files, machine, wanted, progress, apart);
  } finally {
    apart?.close();
  }
}

async function readSession(
  files: readonly Blob[],
  { names: machine, hardware }: TracedMachine,
  wanted: TraceQuestion,
  progress: SayProgress,
  apart: RowsPort | undefined,
): Promise<Answer> {
  const names = createNames();
  const log = new CallLog();
  const clock = (): number => performance.now();
  const run = new ReplayRun({
    names,
    clock,
    machine,
    hardware,
    limit: MAPPINGS,
    watch: (call) => log.add(call),
    ...(apart && { apart }),
  });
  const pictures = new Pictures();
  const stats = await readTraces(
    files,
    (event) => run.event(event),
    names,
    (text, share) => progress(text, share, pictures.take({ log, run })),
    () => run.room(),
  );
  await run.finish();
  const answer = run.answer(stats, wantedOf(wanted));
  session = { log, names, run, hardware, stats };
  return answer;
}

/** A window of the trace; undefined where it has no call. @throws InputError `MISSING_VALUE` where there is no trace. */
export function viewOf(asked: LookAt): TraceView | undefined {
  return look(theSession(), asked);
}

/** The answer to a question about the trace. @throws InputError `MISSING_VALUE`; IommuError for choices that are not understood. */
export function followTrace(question: FollowUp): Answer {
  const { log, names, run, hardware, stats } = theSession();
  switch (question.ask) {
    case 'again':
      return run.answer(stats, wantedOf(question.wanted));
    case 'range': {
      const { range, addresses } = question;
      const { first } = spanOf(log);
      const only = addresses === undefined ? {} : { addresses };
      return rangeAnswer({ log, names, domains: run.domains, ...range, start: first, limit: LISTED, ...only });
    }
    default:
      return rangeRowsAnswer(
        { log, ...question.range, clock: () => performance.now() },
        { ...question.choices, hardware },
      );
  }
}
