/**
 * Runs the command that is recorded.
 * @module
 */
import { spawn } from 'node:child_process';
import type { Ending } from '../../record/metadata.ts';
import { UsageError } from '../exit.ts';
import { type Signals, statusOf } from './signals.ts';

/**
 * Runs a command to its end. The first signal to this process goes to the command; a second one ends the waiting. An
 * interrupt from a terminal reaches the command by itself.
 * @param quiet - true: the command's standard output goes to standard error.
 * @throws UsageError if the command cannot be started.
 */
export function runCommand(words: readonly string[], quiet: boolean, signals: Signals): Promise<Ending> {
  const [program = '', ...args] = words;
  return new Promise<Ending>((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['inherit', quiet ? 2 : 'inherit', 'inherit'] });
    signals.tell((signal, count) => {
      const fromTerminal = (signal === 'SIGINT' || signal === 'SIGQUIT') && process.stdin.isTTY;
      if (!fromTerminal) child.kill(signal);
      if (count < 2) return;
      child.unref();
      resolve({ status: statusOf(signal), signal });
    });
    child.on('error', (cause) =>
      reject(new UsageError(`command: expected a program that can be run, got ${program}: ${cause.message}`)),
    );
    child.on('exit', (status, signal) => resolve({ status: status ?? statusOf(signal), signal }));
  }).finally(() => signals.tell());
}
