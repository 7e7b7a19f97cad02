/**
 * Whether a variant leaves the tables that the plain per-page path leaves: byte for byte, after mapping and after
 * unmapping.
 * @module
 */
import { hex } from '../address.ts';
import { TableMemory } from '../memory/table-memory.ts';
import { growBeforehand, type Layout, layOut } from './layouts.ts';
import { ACTS, makeDomain, type Subject, type Variant } from './variants.ts';

const PLAIN: Variant = { path: 'per-page', dispatch: 'indirect' };
const UNIT = 1024;
const BEFOREHAND = 2 ** 20;
const ENTRY_BYTES = 8;

/** One thing to compare, in a memory of its own. */
export interface Comparison {
  readonly layout: Layout;
  readonly bytes: number;
  readonly oas: number;
  readonly seed: number;
}

interface Snapshot {
  readonly memory: TableMemory;
  readonly end: number;
  readonly words: Uint32Array;
  readonly live: readonly boolean[];
}

function snapshot(memory: TableMemory): Snapshot {
  const end = memory.byteLength;
  const live = Array.from({ length: end / UNIT }, (_, i) => memory.stateAt(memory.base + i * UNIT) === 'live');
  return { memory, end, words: memory.u32.slice(), live };
}

function difference(one: Snapshot, other: Snapshot): string | undefined {
  const units = Math.max(one.live.length, other.live.length);
  for (let unit = 0; unit < units; unit++) {
    const at = hex(one.memory.base + unit * UNIT);
    const [mine, theirs] = [one.live[unit] ?? false, other.live[unit] ?? false];
    if (mine !== theirs) return `only one has a table at ${at}`;
    const words = (unit * UNIT) / 4;
    for (let word = words; mine && word < words + UNIT / 4; word++) {
      if (one.words[word] !== other.words[word]) return `entries differ at ${hex(one.memory.base + word * 4)}`;
    }
  }
  return undefined;
}

/** Tables of one variant after each step: mapped, then unmapped. */
function steps(subject: Subject, variant: Variant, what: Comparison): readonly [Snapshot, Snapshot] {
  const memory = new TableMemory();
  growBeforehand(memory, BEFOREHAND + (what.bytes / subject.granule) * ENTRY_BYTES);
  const work = layOut(memory, what.layout, what.bytes, subject.granule, what.oas, what.seed);
  const domain = makeDomain(subject, variant, work, memory);
  ACTS.map(domain, work, work.iova);
  const mapped = snapshot(memory);
  ACTS.unmap(domain, work, work.iova);
  return [mapped, snapshot(memory)];
}

/** Holds variants against the plain path. */
export class PlainTables {
  readonly #subject: Subject;
  readonly #what: Comparison;
  readonly #plain: readonly [Snapshot, Snapshot];

  constructor(subject: Subject, what: Comparison) {
    this.#subject = subject;
    this.#what = what;
    this.#plain = steps(subject, PLAIN, what);
  }

  /** The first difference of a variant's tables from the plain path's, or undefined. */
  difference(variant: Variant): string | undefined {
    const [mapped, unmapped] = steps(this.#subject, variant, this.#what);
    const first = difference(mapped, this.#plain[0]);
    if (first !== undefined) return `after mapping: ${first}`;
    const second = difference(unmapped, this.#plain[1]);
    return second === undefined ? undefined : `after unmapping: ${second}`;
  }
}
