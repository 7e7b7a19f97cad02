/**
 * The program within the test's own process: what it prints and the status that it leaves with.
 * @module
 */
import { exitCodeOf } from '../../src/cli/exit.ts';
import { createProgram, verbOf } from '../../src/cli/program.ts';

/** What one run of the program left. */
export interface CliRun {
  readonly status: number;
  readonly stdout: string;
  readonly error: string;
}

/** Runs `iommu` with these arguments. */
export async function runCli(...args: string[]): Promise<CliRun> {
  const written: string[] = [];
  const { exitCode } = process;
  const write = process.stdout.write;
  process.stdout.write = ((text: string) => written.push(text) > 0) as typeof process.stdout.write;
  process.exitCode = 0;
  try {
    await (await createProgram(verbOf(args))).parseAsync(['node', 'iommu', ...args]);
    return { status: Number(process.exitCode), stdout: written.join(''), error: '' };
  } catch (error) {
    return { status: exitCodeOf(error), stdout: written.join(''), error: String(error) };
  } finally {
    process.stdout.write = write;
    process.exitCode = exitCode;
  }
}
