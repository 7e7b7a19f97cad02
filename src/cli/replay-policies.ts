/**
 * `iommu replay --policy`: a trace under strict, lazy and passthrough.
 * @module
 */
import { parseSize } from '../address.ts';
import { PolicyRun } from '../answers/replay-policies.ts';
import { wordsOf } from '../answers/words.ts';
import { POLICIES } from '../replay/policy-result.ts';
import { createNames } from '../trace/events.ts';
import type { Output } from './forms.ts';
import { printAnswer } from './print.ts';
import { readTraceFiles } from './trace-files.ts';

/** Flags of `replay` that a comparison of policies reads. */
interface PolicyFlags {
  readonly until?: string;
  readonly format?: string;
  readonly granule?: string;
}

/** Reads the files as one trace and prints how the policies compare. */
export async function replayPolicies(
  files: readonly string[],
  policy: string,
  { until, format, granule }: PolicyFlags,
  output: Output,
): Promise<void> {
  const names = createNames();
  const run = new PolicyRun({
    names,
    policies: wordsOf('policy', policy, POLICIES),
    options: {
      ...(format === undefined ? {} : { format }),
      ...(granule === undefined ? {} : { granule: parseSize(granule) }),
    },
    ...(until === undefined ? {} : { until }),
  });
  const stopped = (): boolean => run.stopped;
  await readTraceFiles(files, (event) => run.event(event), names, stopped, output.quiet);
  await printAnswer(run.answer(), output);
}
