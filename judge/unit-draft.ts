/**
 * Cases of a unit as they are drafted: tables that Linux recorded, lookups of them, and structures beside them.
 * @module
 */
import { type PackImage, wordRuns } from '../src/conform/pack/image.ts';
import type { UnitCase } from '../src/conform/pack/walks.ts';

/** Tables of one vector, and what Linux's lookups said of them. */
export interface Recorded {
  readonly id: string;
  readonly image: PackImage;
  readonly source: string;
  readonly format: string;
  readonly granule: number;
  readonly ias: number;
  readonly oas: number;
  /** Linux's quirk bits. */
  readonly quirks: bigint;
  readonly registers: Readonly<Record<string, bigint>>;
  /** Address and answer, 0 where nothing is mapped. */
  readonly lookups: readonly (readonly [iova: bigint, pa: bigint])[];
}

/** A case without what all have; `byRule`: no lookup of Linux says its answer, only the rule. */
export type Draft = Omit<UnitCase, 'kind' | 'source' | 'agree' | 'image'> & {
  readonly rule?: string;
  readonly byRule?: true;
};

/** Mark of a case whose answer only the rule says. */
export const BY_RULE = { byRule: true } as const;

/** A number as the cases print it. */
export const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/** Lookups that found something and such that found nothing, at most so many of each. */
export function someOf({ lookups }: Recorded, most: number): (readonly [bigint, bigint])[] {
  return [
    ...lookups.filter(([, pa]) => pa !== 0n).slice(0, most),
    ...lookups.filter(([, pa]) => pa === 0n).slice(0, most),
  ];
}

/** Structures lie here; no vector's tables do. */
export const STRUCTURES = 0x4000_0000;
const BYTES = 0x10000;

/** The image of a vector with structures beside it. */
export function withStructures(
  { id, image }: Recorded,
  name: string,
  words: readonly (readonly [number, bigint])[],
): PackImage {
  return {
    kind: 'image',
    id: `${name} ${id}`,
    ranges: [[hex(STRUCTURES), hex(STRUCTURES + BYTES)], ...image.ranges],
    words: [...wordRuns(words.filter(([, word]) => word !== 0n).sort(([a], [b]) => a - b)), ...image.words],
  };
}

/** The words of an entry, by address. */
export const entry = (at: number, words: readonly bigint[]): (readonly [number, bigint])[] =>
  words.map((word, i) => [at + 8 * i, word] as const);
