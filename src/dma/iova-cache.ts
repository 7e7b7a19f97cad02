/**
 * The per-CPU caches of freed ranges in front of an address space (`drivers/iommu/iova.c`, rcaches): for each power of two
 * up to 32 frames two magazines a CPU, and a depot of full magazines.
 * @module
 */
import { IommuError, shown } from '../errors.ts';

/** Frames that one magazine holds (`IOVA_MAG_SIZE`). */
export const MAGAZINE_SIZE = 127;
/** Size classes that are cached: 1 to 32 frames (`IOVA_RANGE_CACHE_MAX_SIZE`). */
export const CLASSES = 6;
/** Most frames of a cached range: those of the highest class. */
export const MOST_CACHED = 32;
/** Time from the first full magazine in a depot to its trimming, and between trims (`IOVA_DEPOT_DELAY`), nanoseconds. */
export const DEPOT_DELAY_NS = 100e6;

/** Kernels whose caches differ. */
export type IovaKernel = '6.1' | '6.12' | '7.3';

/** How the caches of a kernel differ from another's. */
interface CacheRules {
  /** Both magazines of a CPU exist from the start. */
  readonly preallocated: boolean;
  /** Full magazines that a depot holds; a further one is emptied at once. */
  readonly depotLimit: number;
  /** Whether depots are trimmed to the number of CPUs as time passes. */
  readonly trimmed: boolean;
}

const RULES: Readonly<Record<IovaKernel, CacheRules>> = {
  '6.1': { preallocated: true, depotLimit: 32, trimmed: false },
  '6.12': { preallocated: true, depotLimit: Infinity, trimmed: true },
  '7.3': { preallocated: false, depotLimit: Infinity, trimmed: true },
};

/** @throws IommuError `BAD_OPTION` for a kernel whose caches are not known. */
export function checkKernel(kernel: IovaKernel): void {
  if (Object.hasOwn(RULES, kernel)) return;
  const known = Object.keys(RULES).join(', ');
  throw new IommuError('BAD_OPTION', 'kernel', `expected one of ${known}, got ${shown(kernel)}`);
}

/** A stack of frames, each with a number of the caller's. */
class Magazine {
  readonly pfns = new Float64Array(MAGAZINE_SIZE);
  readonly tags = new Int32Array(MAGAZINE_SIZE);
  count = 0;
}

/** Caches of one size class. */
interface SizeClass {
  readonly loaded: (Magazine | undefined)[];
  readonly prev: (Magazine | undefined)[];
  readonly depot: Magazine[];
  /** When the depot is trimmed; Infinity where no trim is pending. */
  due: number;
}

/** Fill of the caches of one class, as the recorded vectors show it. */
export interface ClassState {
  /** Full magazines in the depot. */
  readonly depot: number;
  /** Whether a trim is pending. */
  readonly work: boolean;
  /** For each CPU the fill of the loaded and of the previous magazine, −1 where there is none. */
  readonly cpu: readonly (readonly [number, number])[];
}

/** Caches of one address space. Their ranges stay allocated in the space. */
export class IovaCaches {
  readonly #classes: readonly SizeClass[];
  readonly #rules: CacheRules;
  readonly #evict: (pfn: number) => void;
  readonly #mayAllocate: () => boolean;
  readonly #spare: Magazine[] = [];
  readonly #cpus: number;
  /** When the first trim is due, or earlier. */
  #earliest = Number.POSITIVE_INFINITY;
  /** Current time of the caller, nanoseconds; trims are scheduled from it. */
  now = 0;
  /** What was given with the frame that {@link get} returned last. */
  tag = 0;

  /**
   * @param evict gives a range back to the address space
   * @param mayAllocate asked before each magazine; false is an allocation that failed
   */
  constructor(kernel: IovaKernel, cpus: number, evict: (pfn: number) => void, mayAllocate: () => boolean) {
    this.#rules = RULES[kernel];
    this.#cpus = cpus;
    this.#evict = evict;
    this.#mayAllocate = mayAllocate;
    const fresh = (): (Magazine | undefined)[] =>
      Array.from({ length: cpus }, () => (this.#rules.preallocated ? new Magazine() : undefined));
    this.#classes = Array.from({ length: CLASSES }, () => ({
      loaded: fresh(),
      prev: fresh(),
      depot: [],
      due: Number.POSITIVE_INFINITY,
    }));
  }

  /** A cached range of the class whose first frame is `highest` or lower; −1 where the one magazine asked has none. */
  get(cpu: number, order: number, highest: number): number {
    const magazine = this.#filled(this.#classes[order] as SizeClass, cpu);
    if (magazine === undefined) return -1;
    const { pfns, tags } = magazine;
    for (let i = magazine.count - 1; i >= 0; i--) {
      const pfn = pfns[i] as number;
      if (pfn > highest) continue;
      this.tag = tags[i] as number;
      pfns[i] = pfns[--magazine.count] as number;
      tags[i] = tags[magazine.count] as number;
      return pfn;
    }
    return -1;
  }

  /** Caches a freed range, with a number for {@link tag}. @returns false where there was no memory for a magazine */
  put(cpu: number, order: number, pfn: number, tag: number): boolean {
    const cls = this.#classes[order] as SizeClass;
    let magazine = cls.loaded[cpu];
    if (magazine === undefined || magazine.count === MAGAZINE_SIZE) {
      const prev = cls.prev[cpu];
      if (prev !== undefined && prev.count < MAGAZINE_SIZE) {
        cls.prev[cpu] = magazine;
        magazine = prev;
      } else {
        const fresh = this.#newMagazine();
        if (fresh === undefined) return false;
        this.#retire(cls, cpu, magazine);
        magazine = fresh;
      }
      cls.loaded[cpu] = magazine;
    }
    magazine.tags[magazine.count] = tag;
    magazine.pfns[magazine.count++] = pfn;
    return true;
  }

  /** Takes one range out of whichever magazine of the class holds it. @returns whether one did */
  take(order: number, pfn: number): boolean {
    const { loaded, prev, depot } = this.#classes[order] as SizeClass;
    return takeFrom(loaded, pfn) || takeFrom(prev, pfn) || takeFrom(depot, pfn);
  }

  /** Empties the caches of one CPU, or of all and the depots. */
  flush(cpu?: number): void {
    for (let at = cpu ?? 0; at < (cpu === undefined ? this.#cpus : cpu + 1); at++) {
      for (const cls of this.#classes) {
        this.#empty(cls.loaded[at]);
        this.#empty(cls.prev[at]);
      }
    }
    if (cpu !== undefined) return;
    for (const { depot } of this.#classes) {
      while (depot.length > 0) this.#drop(depot.pop() as Magazine);
    }
  }

  /** Lets time pass: trims what is due, one magazine a class and 100 ms. */
  advance(now: number): void {
    if (now >= this.#earliest) {
      this.#earliest = Number.POSITIVE_INFINITY;
      for (const cls of this.#classes) {
        while (cls.due <= now) {
          this.now = cls.due;
          this.#trim(cls);
        }
        this.#earliest = Math.min(this.#earliest, cls.due);
      }
    }
    this.now = now;
  }

  /** Runs each pending trim once, whatever the time. @returns the classes that had one, with their state afterwards */
  runPending(): [order: number, depot: number, work: boolean][] {
    const ran: [number, number, boolean][] = [];
    for (const [order, cls] of this.#classes.entries()) {
      if (cls.due === Number.POSITIVE_INFINITY) continue;
      this.#trim(cls);
      ran.push([order, cls.depot.length, cls.due !== Number.POSITIVE_INFINITY]);
    }
    return ran;
  }

  /** Fill of all caches, class by class. */
  state(): ClassState[] {
    const fill = (magazine: Magazine | undefined): number => magazine?.count ?? -1;
    return this.#classes.map(({ loaded, prev, depot, due }) => ({
      depot: depot.length,
      work: due !== Number.POSITIVE_INFINITY,
      cpu: loaded.map((magazine, cpu) => [fill(magazine), fill(prev[cpu])] as const),
    }));
  }

  /** The magazine that is asked for a range: loaded, previous, or one of the depot; undefined where all are empty. */
  #filled(cls: SizeClass, cpu: number): Magazine | undefined {
    const loaded = cls.loaded[cpu];
    if (loaded !== undefined && loaded.count > 0) return loaded;
    const prev = cls.prev[cpu];
    if (prev !== undefined && prev.count > 0) {
      cls.prev[cpu] = loaded;
      cls.loaded[cpu] = prev;
      return prev;
    }
    const full = cls.depot.pop();
    if (full === undefined) return undefined;
    if (loaded !== undefined) this.#spare.push(loaded);
    cls.loaded[cpu] = full;
    return full;
  }

  /** Makes room for a new loaded magazine. */
  #retire(cls: SizeClass, cpu: number, loaded: Magazine | undefined): void {
    if (cls.prev[cpu] === undefined) {
      cls.prev[cpu] = loaded;
    } else if (loaded !== undefined && cls.depot.length < this.#rules.depotLimit) {
      cls.depot.push(loaded);
      if (this.#rules.trimmed && cls.due === Number.POSITIVE_INFINITY) {
        cls.due = this.now + DEPOT_DELAY_NS;
        this.#earliest = Math.min(this.#earliest, cls.due);
      }
    } else if (loaded !== undefined) this.#drop(loaded);
  }

  #trim(cls: SizeClass): void {
    const excess = cls.depot.length > this.#cpus ? cls.depot.pop() : undefined;
    cls.due = excess === undefined ? Number.POSITIVE_INFINITY : this.now + DEPOT_DELAY_NS;
    if (excess !== undefined) this.#drop(excess);
  }

  #newMagazine(): Magazine | undefined {
    return this.#mayAllocate() ? (this.#spare.pop() ?? new Magazine()) : undefined;
  }

  #drop(magazine: Magazine): void {
    this.#empty(magazine);
    this.#spare.push(magazine);
  }

  #empty(magazine: Magazine | undefined): void {
    if (magazine === undefined) return;
    for (let i = 0; i < magazine.count; i++) this.#evict(magazine.pfns[i] as number);
    magazine.count = 0;
  }
}

function takeFrom(magazines: readonly (Magazine | undefined)[], pfn: number): boolean {
  for (const magazine of magazines) {
    if (magazine === undefined) continue;
    const { pfns, tags } = magazine;
    let at = magazine.count - 1;
    while (at >= 0 && pfns[at] !== pfn) at--;
    if (at < 0) continue;
    tags.copyWithin(at, at + 1, magazine.count);
    pfns.copyWithin(at, at + 1, magazine.count--);
    return true;
  }
  return false;
}
