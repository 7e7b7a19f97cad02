/**
 * Signals while a recording runs: none of them ends this process before the settings are put back.
 * @module
 */
import { constants } from 'node:os';

const WATCHED = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;

/** The exit status that a shell gives a process ended by a signal. */
export function statusOf(signal: NodeJS.Signals | null): number {
  return 128 + (signal === null ? 0 : constants.signals[signal]);
}

/** Takes the signals that would end this process, until {@link release}. */
export class Signals {
  /** The signals so far. */
  readonly caught: NodeJS.Signals[] = [];
  #listener: ((signal: NodeJS.Signals, count: number) => void) | undefined;

  readonly #take = (signal: NodeJS.Signals): void => {
    this.caught.push(signal);
    this.#listener?.(signal, this.caught.length);
  };

  constructor() {
    for (const signal of WATCHED) process.on(signal, this.#take);
  }

  /** Who is told of each signal from now on, with how many there were; nobody if nothing is given. */
  tell(listener?: (signal: NodeJS.Signals, count: number) => void): void {
    this.#listener = listener;
  }

  /** From now on signals do what they did before. */
  release(): void {
    for (const signal of WATCHED) process.off(signal, this.#take);
  }
}
