/**
 * `iommu replay`: what a system mapped, and what other paths, formats and granules make of it.
 * @module
 */
import type { Command } from 'commander';
import type { ReplayChoices } from '../answers/replay/choices.ts';
import { rowSpecTitle } from '../answers/replay/rows.ts';
import { ReplayTimeline } from '../answers/replay/timeline.ts';
import { type ReplayQuestion, ReplayRun } from '../answers/replay.ts';
import { readProfile } from '../cost/profile.ts';
import { createNames } from '../trace/events.ts';
import { givenOf, refuseBeside } from './beside.ts';
import { tracesOf } from './evidence-folder.ts';
import { UsageError } from './exit.ts';
import { ANSWER_FORMS, addFormOptions, type Form, type FormFlags, type Output, outputOf } from './forms.ts';
import { readFile, say } from './io.ts';
import { addLimitOption, limitOf } from './limit.ts';
import { addMachineOptions, type MachineFlags } from './machine-files.ts';
import { pieceSink, printAnswer, renderAnswer, writeFile } from './print.ts';
import { replayPolicies } from './replay-policies.ts';
import { addTlbOptions, asksForTlbs, replayTlb, type TlbFlags } from './replay-tlb.ts';
import { openRowsThread, ReadingThreads } from './threads.ts';
import { areLarge, readTraceFiles } from './trace-files.ts';
import { hardwareBeside, namesBeside } from './trace-hardware.ts';
import { addWhatIfOptions } from './what-if-options.ts';

const EXAMPLES = `Examples:
  iommu replay trace.txt                                    what was mapped, by four paths
  iommu replay trace_boot.txt trace.txt.gz --until "pause"  several files are one trace, up to a mark
  iommu replay trace.txt --leaks                            what is never unmapped, the oldest first
  iommu replay trace.txt --pci lspci.txt                    devices by name
  iommu replay trace.txt --path all --dispatch all          every path and dispatch
  iommu replay trace.txt --iommu intel-vtd --kernel 6.12    what that IOMMU's driver sends
  iommu replay trace.txt --granule all --iova packed        what another granule would need
  iommu replay trace.txt --tlb-size 64,512                  what TLBs of these sizes would hit
  iommu replay trace.txt -o out.html                        everything, with pictures
  iommu replay trace.dat --path one-walk -o out.perfetto-trace   a timeline for the Perfetto viewer
`;

const FORMS: readonly Form[] = [...ANSWER_FORMS, 'perfetto'];

/** The flags of `replay`. */
interface ReplayFlags extends FormFlags, MachineFlags, ReplayChoices, TlbFlags {
  readonly until?: string;
  readonly ranges?: boolean;
  readonly leaks?: boolean;
  readonly doubleMaps?: boolean;
  readonly limit: string;
  readonly report?: string;
  readonly profile?: string;
  readonly policy?: string;
}

function textOf(path: string): string {
  return new TextDecoder().decode(readFile(path));
}

function questionOf(files: readonly string[], flags: ReplayFlags): ReplayQuestion {
  const { profile } = flags;
  const { limit, profile: _, ...rest } = flags;
  return {
    ...rest,
    limit: limitOf(limit),
    profile: profile === undefined ? null : readProfile(textOf(profile), profile),
    names: createNames(),
    clock: () => performance.now(),
    machine: namesBeside(files, flags),
    hardware: hardwareBeside(files),
  };
}

async function readInto(
  run: ReplayRun,
  question: ReplayQuestion,
  files: readonly string[],
  quiet: boolean,
  threads?: ReadingThreads,
) {
  const stopped = (): boolean => run.stopped;
  const room = (): Promise<void> => run.room();
  return await readTraceFiles(files, (event) => run.event(event), question.names, stopped, quiet, room, threads);
}

/** The answer; the rows of a large trace are replayed by another thread. */
async function answerOf(question: ReplayQuestion, files: readonly string[], quiet: boolean) {
  const isLarge = areLarge(files);
  const threads = new ReadingThreads(isLarge);
  const apart = isLarge ? await openRowsThread() : undefined;
  try {
    const run = new ReplayRun(apart === undefined ? question : { ...question, apart });
    const stats = await readInto(run, question, files, quiet, threads);
    await run.finish();
    return run.answer(stats);
  } finally {
    apart?.close();
    await threads.close();
  }
}

/** The timeline of the first row, written as it grows. */
async function writeTimeline(question: ReplayQuestion, files: readonly string[], output: Output): Promise<void> {
  const run: ReplayRun = new ReplayRun({
    ...question,
    observer: (batch, index, counts, tables) => timeline.call(batch, index, counts, tables),
  });
  const [first] = run.specs;
  const row = first === undefined ? '' : rowSpecTitle(first);
  if (run.specs.length > 1 && !output.quiet) {
    say(`iommu: the timeline shows ${row}; --path, --dispatch or --format choose another row`);
  }
  const timeline = new ReplayTimeline(row, (id) => run.domainTitle(id), pieceSink(output.file));
  run.answer(await readInto(run, question, files, output.quiet));
  timeline.finish();
}

/** Options that a comparison of policies does not read. */
const NOT_OF_POLICIES = [
  ...['leaks', 'doubleMaps', 'ranges', 'limit', 'profile', 'report', 'pci', 'groups', 'iomem'],
  ...['path', 'dispatch', 'iova', 'physical', 'tlb'],
];

async function act(given: readonly string[], flags: ReplayFlags, verb: Command): Promise<void> {
  const output = outputOf(flags, FORMS);
  const files = tracesOf(given);
  if (flags.report?.endsWith('.html') === false) {
    throw new UsageError(`--report: expected a file ending in .html, got ${flags.report}`);
  }
  if (asksForTlbs(flags)) {
    if (output.form === 'perfetto') throw new UsageError('--tlb-size: expected no timeline, which shows calls');
    const question = { ...flags, names: createNames(), hardware: hardwareBeside(files) };
    return await replayTlb(files, question, verb, output);
  }
  if (flags.policy !== undefined) refuseBeside(givenOf(flags, verb), NOT_OF_POLICIES, 'policy');
  if (flags.policy !== undefined) return await replayPolicies(files, flags.policy, flags, output);
  const question = questionOf(files, flags);
  if (output.form === 'perfetto') return await writeTimeline(question, files, output);
  const answer = await answerOf(question, files, output.quiet);
  if (flags.report !== undefined) writeFile(flags.report, await renderAnswer(answer, { ...output, form: 'html' }));
  await printAnswer(answer, output);
}

/** Adds the verb. */
export function addReplay(program: Command): void {
  const verb = program
    .command('replay')
    .description('Replay a recorded trace (iommu:*, dma:* events) through every path and show what it did and cost.')
    .argument(
      '<trace...>',
      'ftrace text, trace-cmd report, perf script, trace.dat, or a folder with trace*.txt; - is standard input',
    )
    .option('--until <mark>', 'stop at the first trace mark that contains this text')
    .option('--leaks', 'list what is never unmapped, the oldest first; status 1 if there is any')
    .option('--double-maps', 'list maps of addresses that are mapped already; status 1 if there is any')
    .option('--ranges', 'add the ranges mapped at the end to the data')
    .option('--policy <words>', 'compare strict, lazy, passthrough, or all: invalidations, exposure, addresses')
    .option('--profile <file>', 'predict times by a machine profile (iommu explain --fit-profile makes one)')
    .option('--report <file>', 'write the answer as HTML too')
    .addHelpText('before', EXAMPLES);
  addFormOptions(addMachineOptions(addLimitOption(addTlbOptions(addWhatIfOptions(verb, 'all')))), FORMS).action(act);
}
