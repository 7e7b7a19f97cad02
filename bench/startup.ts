// CPU time of the program's start against that of an empty Node process, taken in turn in one run.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Row } from './row.ts';

const MAIN = new URL('../../../dist/cli/main.js', import.meta.url).pathname;
const ROUNDS = 15;
/** Prints the CPU time of the process, in microseconds, on standard error when it ends. */
const PROBE =
  'data:text/javascript,process.on("exit",()=>{const{user,system}=process.cpuUsage();process.stderr.write("\\ncpu "+(user+system)+"\\n")})';
const LINE =
  '[   29.7] DMAR: [DMA Write NO_PASID] Request device [00:06.0] fault addr 0x300001000 [fault reason 0x05] PTE Write access is not set\n';

function cpuOf(args: readonly string[]): number {
  const { stderr } = spawnSync(process.execPath, ['--import', PROBE, ...args], { encoding: 'utf8' });
  return Number(/\ncpu (\d+)\n/.exec(stderr)?.[1] ?? Number.NaN);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function ratio(args: readonly string[]): number {
  const ratios = Array.from({ length: ROUNDS }, () => cpuOf(args) / cpuOf(['-e', '0']));
  return median(ratios);
}

function row(work: string, limit: number, args: readonly string[]): Row {
  const inside = 'CPU time of the whole process, over `node -e 0` in turn';
  return { work, inside, measure: 'ratio', value: ratio(args), samples: ROUNDS, goal: { text: `≤ ${limit} ×`, limit } };
}

/** The rows about start-up; the program must be built. */
export function startupRows(): Row[] {
  const folder = mkdtempSync(join(tmpdir(), 'iommu-start-'));
  const log = join(folder, 'log.txt');
  writeFileSync(log, LINE.repeat(10));
  try {
    return [
      row('start-up: `iommu --version`', 2, [MAIN, '--version']),
      row('start-up: `iommu fault` on a log of ten lines', 3, [MAIN, 'fault', log]),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
