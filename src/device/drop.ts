/**
 * When an invalidation takes effect: a unit may drop entries as soon as it reads the command, or as late as the completion
 * that waits for it.
 * @module
 */
import { copyScope, emptyScope, type Scope } from '../hardware/command.ts';

/** `random`: each invalidation at a moment of its own, by a seed. */
export type DropPoint = 'consumption' | 'completion' | 'random';

/** One in so many steps takes a waiting invalidation out at random. */
const CHANCE = 4;

/** Invalidations that are consumed and not yet complete. */
export class Invalidations {
  readonly #drop: (scope: Scope) => void;
  readonly #point: DropPoint;
  /** Scopes waiting are the first `#waiting`; the objects are used again. */
  readonly #scopes: Scope[] = [];
  #waiting = 0;
  #state: number;

  constructor(point: DropPoint, seed: number, drop: (scope: Scope) => void) {
    this.#point = point;
    this.#state = seed >>> 0 || 1;
    this.#drop = drop;
  }

  /** Invalidations that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** A command was consumed. */
  consumed(scope: Scope): void {
    if (this.#point === 'consumption' || (this.#point === 'random' && this.#chance())) this.#drop(scope);
    else this.#wait(scope);
  }

  /** Something else happened: at random, some that wait take effect. */
  step(): void {
    if (this.#waiting === 0 || this.#point !== 'random') return;
    if (this.#chance()) this.#take(this.#random() % this.#waiting);
  }

  /** All that were consumed are complete. */
  complete(): void {
    for (let i = 0; i < this.#waiting; i++) this.#drop(this.#scopes[i] as Scope);
    this.#waiting = 0;
  }

  #wait(scope: Scope): void {
    const kept = this.#scopes[this.#waiting] ?? emptyScope();
    this.#scopes[this.#waiting++] = copyScope(scope, kept);
  }

  #take(i: number): void {
    const scope = this.#scopes[i] as Scope;
    this.#drop(scope);
    this.#waiting--;
    this.#scopes[i] = this.#scopes[this.#waiting] as Scope;
    this.#scopes[this.#waiting] = scope;
  }

  #chance(): boolean {
    return this.#random() % CHANCE === 0;
  }

  /** xorshift32. */
  #random(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state;
  }
}
