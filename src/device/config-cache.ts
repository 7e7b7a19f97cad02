/**
 * Parts of a unit's configuration that it keeps: stream table entries and context descriptors, context and PASID entries,
 * device table entries, device and process contexts.
 * @module
 */
import type { PhysicalReader } from '../bus.ts';
import { readWords, type StructureKind, type StructureReader } from '../hardware/bits.ts';
import { ANY, type Scope } from '../hardware/command.ts';

interface Part {
  readonly kind: StructureKind;
  readonly address: number;
  /** Of a part that belongs to a substream; −1 for all others. */
  readonly substream: number;
  readonly words: Uint32Array;
}

/** How a unit keeps its configuration. */
export interface ConfigRules {
  /** Whether an entry that is read may be kept: invalid ones are only where the architecture says so. */
  keeps(kind: StructureKind, words: Uint32Array): boolean;
  /** The domain that an entry names, where invalidations name one; −1 where they do not. */
  domainOf(kind: StructureKind, words: Uint32Array): number;
}

/** Memory with the parts of each stream's configuration that are kept. */
export class ConfigCache implements StructureReader {
  hits = 0;
  misses = 0;
  invalidated = 0;
  readonly #reader: PhysicalReader;
  readonly #streams: number;
  readonly #rules: ConfigRules;
  /** Parts by stream; the stream that was used last is at the end. */
  readonly #kept: Map<number, Part[]> = new Map();
  #stream = 0;
  #substream = ANY;

  /** @param streams streams whose parts are kept at most: 0 for none, Infinity for all */
  constructor(reader: PhysicalReader, streams: number, rules: ConfigRules) {
    this.#reader = reader;
    this.#streams = streams;
    this.#rules = rules;
  }

  /** Streams of which parts are kept. */
  get held(): number {
    return this.#kept.size;
  }

  /** Names the stream and substream whose parts are read next. */
  begin(stream: number, substream: number): void {
    this.#stream = stream;
    this.#substream = substream;
  }

  read32(address: number): number | undefined {
    return this.#reader.read32(address);
  }

  read64(address: number): bigint | undefined {
    return this.#reader.read64(address);
  }

  corrupted(address: number, bytes: number): boolean {
    return this.#reader.corrupted?.(address, bytes) ?? false;
  }

  structure(kind: StructureKind, address: number, bytes: number): Uint32Array | undefined {
    const substream = kind === 'substream' ? this.#substream : ANY;
    const found = this.#kept.get(this.#stream)?.find((part) => serves(part, kind, address, substream));
    if (found !== undefined) {
      this.hits++;
      return found.words;
    }
    this.misses++;
    const words = readWords(this.#reader, address, bytes);
    if (words !== undefined && this.#rules.keeps(kind, words)) this.#keep({ kind, address, substream, words });
    return words;
  }

  /** Takes out what a configuration command names. */
  invalidate(scope: Scope): void {
    if (scope.stream !== ANY && scope.streams === 1) this.#invalidateStream(scope.stream, scope);
    else {
      for (const stream of [...this.#kept.keys()]) {
        const inside = scope.stream === ANY || (stream >= scope.stream && stream < scope.stream + scope.streams);
        if (inside) this.#invalidateStream(stream, scope);
      }
    }
  }

  /** Takes out everything. */
  clear(): void {
    this.#kept.clear();
  }

  #invalidateStream(stream: number, scope: Scope): void {
    const parts = this.#kept.get(stream);
    if (parts === undefined) return;
    const left = parts.filter((part) => !this.#names(scope, part));
    this.invalidated += parts.length - left.length;
    if (left.length === 0) this.#kept.delete(stream);
    else this.#kept.set(stream, left);
  }

  #names(scope: Scope, { kind, substream, words }: Part): boolean {
    const own = kind === 'substream' || kind === 'substream-directory';
    if (scope.domain !== ANY) {
      const domain = this.#rules.domainOf(kind, words);
      if (domain !== ANY && domain !== scope.domain) return false;
    }
    if (scope.substream !== ANY) {
      if (kind === 'substream-directory') return scope.directory;
      return kind === 'substream' && (substream === scope.substream || substream === ANY);
    }
    return own || scope.directory;
  }

  #keep(part: Part): void {
    if (this.#streams === 0) return;
    const parts = this.#kept.get(this.#stream) ?? [];
    this.#kept.delete(this.#stream);
    this.#kept.set(this.#stream, [...parts, part]);
    if (this.#kept.size <= this.#streams) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}

function serves(part: Part, kind: StructureKind, address: number, substream: number): boolean {
  return part.kind === kind && part.address === address && part.substream === substream;
}
