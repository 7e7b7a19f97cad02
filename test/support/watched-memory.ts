/**
 * Memory whose stores are seen one by one: each entry of a table that changes is a moment at which a device may look.
 * @module
 */
import type { Kernels } from '../../src/memory/kernel-contract.ts';
import { TableMemory } from '../../src/memory/table-memory.ts';

/** What goes wrong on purpose. */
export type StorePlant = 'none' | 'torn' | 'held' | 'freed-early';

/** Table memory with a look after every store, and after every table that is freed. */
export interface WatchedMemory {
  readonly memory: TableMemory;
  /** Looks, when something changed; undefined: nobody does. */
  look: ((what: string) => void) | undefined;
  /** Told of tables before they are free: physical addresses. */
  freed: ((table: number) => void) | undefined;
  /** Faults planted from now on. */
  plant: StorePlant;
  /** Makes the stores that were held back. */
  release(): void;
}

/** What memory is watched how. */
export interface WatchOptions {
  /** Stores to one page after each of which a device looks, before only every 32nd has a look; 24 unless given. */
  readonly most?: number;
  /** Words of an entry, which are one store; 2 unless given. */
  readonly entryWords?: 1 | 2;
}

/** Words of a table of 4 KiB. */
const TABLE_WORDS = 1024;

type Store = (word: number, value: number) => void;

/** Words that a kernel writes, from the arguments of its call: first byte and number of words. */
const WRITES: Readonly<Record<string, (args: readonly number[]) => readonly [at: number, words: number]>> = {
  fill8: ([dest = 0, count = 0]) => [dest, 2 * count],
  fill4: ([dest = 0, count = 0]) => [dest, count],
  gatherPages8: ([, , dest = 0, count = 0]) => [dest, 2 * count],
  takePages8: ([, , dest = 0, count = 0]) => [dest, 2 * count],
  gather8: ([, , , , dest = 0, count = 0]) => [dest, 2 * count],
  gather4: ([, , , , dest = 0, count = 0]) => [dest, count],
  clear: ([at = 0, bytes = 0]) => [at, bytes / 4],
  dirty8: ([from = 0, count = 0]) => [from, 2 * count],
};

/** Kernels that walk themselves: the table of which they wrote entries, by what they answer; 0 where they did nothing. */
const WHOLE: Readonly<Record<string, (found: number) => number>> = {
  mapPages8: (found) => ((found & 256) === 0 ? 0 : (found & -1024) >>> 0),
  mapCall8: (found) => found,
  mapRuns8: (found) => found,
  unmapCall8: (found) => found,
};

/** Runs a kernel, and makes its stores again one by one. */
function replayed(words: () => Uint32Array, store: Store, at: number, count: number, run: () => unknown): unknown {
  const first = at >>> 2;
  const before = words().slice(first, first + count);
  const result = run();
  const after = words().slice(first, first + count);
  words().set(before, first);
  for (const [i, value] of after.entries()) store(first + i, value);
  return result;
}

function watchedKernels(kernels: Kernels, words: () => Uint32Array, store: Store): Kernels {
  return new Proxy(kernels, {
    get(target, name) {
      const work = Reflect.get(target, name) as (...args: number[]) => unknown;
      const writes = WRITES[String(name)];
      const whole = WHOLE[String(name)];
      if (whole !== undefined) {
        return (...args: number[]) => {
          const before = words().slice();
          const found = Reflect.apply(work, target, args) as number;
          const first = whole(found) >>> 2;
          if (first === 0) return found;
          const after = words().slice(first, first + TABLE_WORDS);
          words().set(before.subarray(first, first + TABLE_WORDS), first);
          for (const [i, value] of after.entries()) {
            const entry = first + (i & ~1);
            if (after[i & ~1] !== before[entry] || after[i | 1] !== before[entry + 1]) store(first + i, value);
          }
          return found;
        };
      }
      if (writes === undefined) return work.bind(target);
      return (...args: number[]) => {
        const [at, count] = writes(args);
        return replayed(words, store, at, count, () => Reflect.apply(work, target, args));
      };
    },
  });
}

/** Makes such a memory, for tables of 4 KiB with entries of 8 bytes, or with others of 4 bytes. */
export function watchedMemory({ most = 24, entryWords = 2 }: WatchOptions = {}): WatchedMemory {
  const memory = new TableMemory({ plainKernels: true });
  let raw = memory.u32;
  let looking = false;
  const held: [word: number, value: number][] = [];
  const look = (what: string): void => {
    if (looking || watched.look === undefined) return;
    looking = true;
    try {
      watched.look(what);
    } finally {
      looking = false;
    }
  };
  const stores = new Map<number, number>();
  /** Of many stores to one table, each of the first ones and every 32nd. */
  const isLooked = (word: number): boolean => {
    const table = word >>> 10;
    const made = (stores.get(table) ?? 0) + 1;
    stores.set(table, made);
    return made <= most || made % 32 === 0;
  };
  let changed = false;
  /** Both halves of an entry are one store: the device looks after the upper one. */
  const store = (word: number, value: number): void => {
    if (watched.plant === 'held' && !looking && memory.stateAt(memory.base + word * 4) === 'live' && value === 0) {
      held.push([word, value]);
      return;
    }
    const isLast = word % entryWords === entryWords - 1;
    changed = (word % entryWords !== 0 && changed) || raw[word] !== value >>> 0;
    raw[word] = value;
    if (changed && (isLast || watched.plant === 'torn') && isLooked(word))
      look(`store at 0x${(memory.base + word * 4).toString(16)}`);
  };
  const proxied = (words: Uint32Array): Uint32Array =>
    new Proxy(words, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
      set(_target, name, value: number) {
        store(Number(name), value);
        return true;
      },
    });
  let seen = proxied(raw);
  const watched: WatchedMemory = {
    memory,
    look: undefined,
    freed: undefined,
    plant: 'none',
    release() {
      watched.plant = 'none';
      for (const [word, value] of held.splice(0)) store(word, value);
    },
  };
  Object.defineProperty(memory, 'u32', {
    get: () => seen,
    set: (words: Uint32Array) => {
      raw = words;
      seen = proxied(words);
    },
  });
  Object.defineProperty(memory, 'kernels', { value: watchedKernels(memory.kernels, () => raw, store) });
  watchFrees(watched, look);
  return watched;
}

function watchFrees(watched: WatchedMemory, look: (what: string) => void): void {
  const { memory } = watched;
  const { free, queue } = TableMemory.prototype;
  const early = new Set<number>();
  Object.defineProperty(memory, 'queue', {
    value: (offset: number, bytes: number): void => {
      if (watched.plant !== 'freed-early') {
        queue.call(memory, offset, bytes);
        return;
      }
      early.add(offset);
      watched.freed?.(memory.base + offset);
      free.call(memory, offset, bytes);
      look('a table is freed too early');
    },
  });
  Object.defineProperty(memory, 'free', {
    value: (offset: number, bytes: number): void => {
      if (early.delete(offset)) return;
      watched.freed?.(memory.base + offset);
      free.call(memory, offset, bytes);
      look('a table is freed');
    },
  });
}
