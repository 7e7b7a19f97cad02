/**
 * `iommu replay --tlb-size`: what TLBs of stated sizes would make of a trace.
 * @module
 */
import type { Command } from 'commander';
import type { TlbChoices } from '../answers/replay/tlb-choices.ts';
import { type ReplayTlbQuestion, ReplayTlbRun } from '../answers/replay-tlb.ts';
import { refuseAlone, refuseBeside } from './beside.ts';
import type { Output } from './forms.ts';
import { printAnswer } from './print.ts';
import { readTraceFiles } from './trace-files.ts';

/** The options' words; without `tlbSize` none of them may be given. */
export type TlbFlags = Partial<TlbChoices>;

/** Options of `replay` that ask another question. */
const OTHERS = ['policy', 'leaks', 'doubleMaps', 'ranges', 'profile', 'report'] as const;
const OWN = ['tlbWays', 'accessOrder', 'accessBytes', 'accessSeed'] as const;
/** Options whose default is one choice where a TLB what-if compares several. */
const DEFAULTED = ['path', 'dispatch', 'iova', 'physical'] as const;

/** Adds the options. */
export function addTlbOptions(verb: Command): Command {
  return verb
    .option('--tlb-size <entries>', 'what if a TLB had so many entries: reach and hit rate, such as 64,512')
    .option('--tlb-ways <ways>', 'with --tlb-size: entries of a set; fully associative by default')
    .option(
      '--access-order <words>',
      'with --tlb-size: how lists are assumed to be read: in-order, by-element, interleaved, random, or all',
    )
    .option('--access-bytes <size>', 'with --tlb-size: bytes of one request, 64 to 4K; 512 by default')
    .option('--access-seed <number>', 'with --tlb-size: decides the random order; 1 by default');
}

/**
 * Whether TLBs are asked for.
 * @throws UsageError for options that belong to another question.
 */
export function asksForTlbs(flags: TlbFlags): flags is TlbChoices {
  if (flags.tlbSize === undefined) {
    refuseAlone(flags, OWN, 'tlbSize');
    return false;
  }
  refuseBeside(flags, OTHERS, 'tlbSize');
  return true;
}

/** Reads the files as one trace and prints what TLBs would make of it. */
export async function replayTlb(
  files: readonly string[],
  question: ReplayTlbQuestion,
  verb: Command,
  output: Output,
): Promise<void> {
  const chosen = { ...question };
  for (const name of DEFAULTED) if (verb.getOptionValueSource(name) === 'default') delete chosen[name];
  const run = new ReplayTlbRun(chosen);
  const stopped = (): boolean => run.stopped;
  const stats = await readTraceFiles(files, (event) => run.event(event), question.names, stopped, output.quiet);
  await printAnswer(run.answer(stats), output);
}
