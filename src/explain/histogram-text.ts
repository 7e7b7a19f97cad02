/**
 * Histograms of the time that a function took, as bcc's funclatency and bpftrace's hist() and lhist() print them.
 * @module
 */

/** A bucket: `low` ≤ value < `high`, in the histogram's unit; the first and the last of lhist() have one end (the other is infinite). */
export interface Bucket {
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** One histogram as printed. */
export interface PrintedHistogram {
  /** Function or map, where the text names it. */
  readonly name: string | null;
  /** Nanoseconds of one unit; null where the text does not name the unit. */
  readonly unitNs: number | null;
  readonly buckets: readonly Bucket[];
}

const UNITS: Readonly<Record<string, number>> = {
  nsecs: 1,
  ns: 1,
  usecs: 1e3,
  us: 1e3,
  msecs: 1e6,
  ms: 1e6,
  secs: 1e9,
};

/** Histograms and buckets kept of one file. */
const MOST_HISTOGRAMS = 1000;
const MOST_BUCKETS = 4096;

const FUNCTION = /^(?:Function|func(?:tion)?) = (?:b')?([\w.$]{1,200})/;
const TRACING = /^Tracing \d{1,9} functions? for "([^"]{1,200})"/;
/** `     nsecs               : count     distribution`. */
const BCC_HEADER = /^\s*(nsecs|usecs|msecs|secs)\s*:\s*count\b/;
/** `   1024 -> 2047   : 2274570  |***   |`. */
const BCC_ROW = /^\s*(\d{1,15})\s*->\s*(\d{1,15})\s*:\s*(\d{1,15})\b/;
/** `@ns[iommu_map]:`. */
const MAP_HEADER = /^@(\w{0,80})(?:\[([^\]]{1,200})\])?:\s*$/;
/** `[1K, 2K)  2274570 |@@@|`, `[0]  5 |@|`, `[1000, ...)  3 |@|`, `(..., 0)  1 |@|`. */
const MAP_ROW = /^[[(](\d{1,15}[KMGTP]?|\.\.\.)(?:, (\d{1,15}[KMGTP]?|\.\.\.))?[\])]\s+(\d{1,15})\s*\|/;

const SCALES: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40, P: 2 ** 50 };

function scaled(text: string): number {
  return Number.parseInt(text, 10) * (SCALES[text.at(-1) ?? ''] ?? 1);
}

/** A unit that stands as a word of its own in the name of a map: `@ns`, `@latency_us`. */
function unitOfName(name: string): number | null {
  const word = name.split('_').find((part) => Object.hasOwn(UNITS, part.toLowerCase()));
  return word === undefined ? null : (UNITS[word.toLowerCase()] ?? null);
}

/** The key of a map, or its name, unless that is a unit only. */
function nameOfMap([, name = '', key]: RegExpExecArray): string | null {
  return key ?? (Object.hasOwn(UNITS, name.toLowerCase()) ? null : name);
}

function mapBucket([, from = '', to, count]: RegExpExecArray): Bucket | null {
  if (from === '...') return { low: Number.NEGATIVE_INFINITY, high: scaled(to ?? '0'), count: Number(count) };
  const low = scaled(from);
  const high = to === undefined ? low + 1 : to === '...' ? Number.POSITIVE_INFINITY : scaled(to);
  return high > low ? { low, high, count: Number(count) } : null;
}

interface Open {
  name: string | null;
  unitNs: number | null;
  buckets: Bucket[];
}

/** Puts lines together to histograms. */
class HistogramLines {
  readonly #done: PrintedHistogram[] = [];
  #open: Open | undefined;
  #name: string | null = null;

  take(line: string): void {
    const name = FUNCTION.exec(line) ?? TRACING.exec(line);
    const unit = BCC_HEADER.exec(line)?.[1];
    const map = MAP_HEADER.exec(line);
    if (name !== null) this.#name = name[1] ?? null;
    else if (unit !== undefined) this.#begin(this.#name, UNITS[unit] ?? null);
    else if (map !== null) this.#begin(nameOfMap(map), unitOfName(map[1] ?? ''));
    else this.#bucket(line);
  }

  #bucket(line: string): void {
    if (this.#open === undefined || this.#open.buckets.length >= MOST_BUCKETS) return;
    const row = BCC_ROW.exec(line);
    if (row !== null) {
      this.#open.buckets.push({ low: Number(row[1]), high: Number(row[2]) + 1, count: Number(row[3]) });
      return;
    }
    const other = MAP_ROW.exec(line);
    const bucket = other === null ? null : mapBucket(other);
    if (bucket !== null) this.#open.buckets.push(bucket);
  }

  #begin(name: string | null, unitNs: number | null): void {
    this.#close();
    this.#open = { name: name === '' ? null : name, unitNs, buckets: [] };
  }

  #close(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined || open.buckets.every(({ count }) => count === 0)) return;
    if (this.#done.length < MOST_HISTOGRAMS) this.#done.push(open);
  }

  end(): readonly PrintedHistogram[] {
    this.#close();
    return this.#done;
  }
}

/** All histograms of a text; none if it has none. Lines between them are passed over. */
export function readHistograms(text: string): readonly PrintedHistogram[] {
  const lines = new HistogramLines();
  for (const line of text.split('\n')) lines.take(line.slice(0, 512).trimEnd());
  return lines.end();
}
