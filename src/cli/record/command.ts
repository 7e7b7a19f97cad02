/**
 * Runs the command that is recorded.
 * @module
 */
import { spawn } from 'node:child_process';
import { UsageError } from '../exit.ts';

/** How a command ended. */
export interface Ending {
  /** Exit status as a shell counts it: 128 + number for a command ended by a signal. */
  readonly status: number;
  readonly signal: string | null;
}

/** Number of each signal that a shell adds to 128 (signal(7), the numbers that all processors share). */
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function endingOf(status: number | null, signal: NodeJS.Signals | null): Ending {
  return { status: status ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0), signal };
}

/**
 * Runs a command to its end. Signals to this process go to the command, and this process lives on to put its
 * settings back. An interrupt from a terminal reaches the command by itself.
 * @param quiet - true: the command's standard output goes to standard error.
 * @throws UsageError if the command cannot be started.
 */
export function runCommand(words: readonly string[], quiet: boolean): Promise<Ending> {
  const [program = '', ...args] = words;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['inherit', quiet ? 2 : 'inherit', 'inherit'] });
    const forward = (signal: NodeJS.Signals): void => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    const done = (): void => {
      for (const signal of FORWARDED) process.off(signal, forward);
    };
    child.on('error', (cause) => {
      done();
      reject(new UsageError(`cannot run ${program}: ${cause.message}`));
    });
    child.on('exit', (status, signal) => {
      done();
      resolve(endingOf(status, signal));
    });
  });
}
