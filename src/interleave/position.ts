/**
 * Where a thread is: its next access, and how to go on with the result of it.
 * @module
 */
import type { Event, Operation, Steps } from './operations.ts';

/** A thread between two accesses. */
export interface Position {
  /** The access that comes next; undefined when the thread is done. */
  readonly next: Operation | undefined;
  /** Equal numbers of one thread: the thread goes on alike. */
  readonly id: number;
  /** Gives the thread the result of its access. */
  readonly advance: (result: number) => Advance;
}

/** Where a thread came to, and what it said on the way. */
export interface Advance {
  readonly position: Position;
  readonly events: readonly Event[];
}

/** Events up to the next access, that access, and the last loop head on the way. */
interface Stop {
  readonly next: Operation | undefined;
  readonly events: readonly Event[];
  readonly place: string | undefined;
}

/** Runs a thread with a result up to its next access. */
function runOn(steps: Steps, result: number): Stop {
  const events: Event[] = [];
  let place: string | undefined;
  for (let turn = steps.next(result); ; turn = steps.next(0)) {
    if (turn.done === true) return { next: undefined, events, place };
    const operation = turn.value;
    if (operation.kind === 'event') events.push(operation.event);
    else if (operation.kind === 'place') place = operation.place;
    else return { next: operation, events, place };
  }
}

/** Starts a thread that is run once: it advances in place. */
export function live(run: () => Steps): Advance {
  const steps = run();
  const position = { next: undefined as Operation | undefined, id: 0, advance };
  function advance(result: number): Advance {
    const { next, events } = runOn(steps, result);
    position.next = next;
    return { position, events };
  }
  return advance(0);
}

/**
 * Starts a thread that is run many times along different ways. A generator cannot be copied, so each position remembers the
 * results that led to it; a position met again by the same results, or at the same loop head, is the same object, and a
 * step from it costs one look-up.
 */
export function searched(run: () => Steps): Advance {
  const known = new Map<string, Position>();

  function positionOf(key: string, results: readonly number[], next: Operation | undefined): Position {
    const found = known.get(key);
    if (found !== undefined) return found;
    const ways = new Map<number, Advance>();
    const advance = (result: number): Advance => {
      const way = ways.get(result) ?? stepTo(key, [...results, result]);
      ways.set(result, way);
      return way;
    };
    const position = { next, id: known.size, advance };
    known.set(key, position);
    return position;
  }

  function stepTo(from: string, results: readonly number[]): Advance {
    const steps = run();
    const stop = results.reduce((_, result) => runOn(steps, result), runOn(steps, 0));
    const key = `${stop.place ?? `${from}/${results.at(-1)}`}${stop.next === undefined ? ' done' : ''}`;
    return { position: positionOf(key, results, stop.next), events: stop.events };
  }

  const steps = run();
  const first = runOn(steps, 0);
  return { position: positionOf(first.place ?? '', [], first.next), events: first.events };
}
