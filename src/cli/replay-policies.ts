/**
 * `iommu replay --policy`: a trace under strict, lazy and passthrough.
 * @module
 */
import { parseSize } from '../address.ts';
import { ownGranule } from '../answers/replay/choices.ts';
import { checkWalks, type DeviceRow, deviceRows } from '../answers/replay/hardware.ts';
import { PolicyRun } from '../answers/replay-policies.ts';
import { wordsOf } from '../answers/words.ts';
import type { IovaKernel } from '../dma/iova-cache.ts';
import type { Hardware } from '../machine/hardware.ts';
import { POLICIES } from '../replay/policy-result.ts';
import { createNames } from '../trace/events.ts';
import { UsageError } from './exit.ts';
import type { Output } from './forms.ts';
import { printAnswer } from './print.ts';
import { readTraceFiles } from './trace-files.ts';
import { hardwareBeside } from './trace-hardware.ts';

/** Flags of `replay` that a comparison of policies reads. */
interface PolicyFlags {
  readonly until?: string;
  readonly format?: string;
  readonly granule?: string;
  readonly iommu?: string;
  readonly kernel?: string;
}

/** The machine's IOMMU, or the one asked for; undefined where nothing names one: then no device is driven. */
function deviceRow(hardware: Hardware, { iommu, kernel, format }: PolicyFlags): DeviceRow | undefined {
  const rows = deviceRows({ iommu, kernel, format, hardware });
  const [row] = rows;
  if (rows.length > 1) throw new UsageError('--policy: expected one IOMMU and one format');
  if (row === undefined || row.device.assumed) return undefined;
  checkWalks(row.device.driver, row.format);
  return row;
}

/** Whose address caches, where the kernel is known. */
function cachesOf({ device: { kernel, kernelAssumed } }: DeviceRow): { readonly kernel?: IovaKernel } {
  return !kernelAssumed && (kernel === '6.1' || kernel === '6.12' || kernel === '7.3') ? { kernel } : {};
}

/** Reads the files as one trace and prints how the policies compare. */
export async function replayPolicies(
  files: readonly string[],
  policy: string,
  flags: PolicyFlags,
  output: Output,
): Promise<void> {
  const names = createNames();
  const { until, format, granule } = flags;
  const hardware = hardwareBeside(files);
  const row = deviceRow(hardware, flags);
  const run = new PolicyRun({
    names,
    policies: wordsOf('policy', policy, POLICIES),
    options: {
      ...(format === undefined ? {} : { format }),
      ...(row === undefined ? {} : { format: row.format, granule: ownGranule(row.format, hardware), ...cachesOf(row) }),
      ...(granule === undefined ? {} : { granule: parseSize(granule) }),
    },
    ...(row === undefined ? {} : { device: row.device }),
    ...(until === undefined ? {} : { until }),
  });
  const stopped = (): boolean => run.stopped;
  const stats = await readTraceFiles(files, (event) => run.event(event), names, stopped, output.quiet);
  await printAnswer(run.answer(stats), output);
}
