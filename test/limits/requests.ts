/**
 * Calls at and around every limit of a geometry.
 * @module
 */
import { type Limits, type Request, smallest } from './rule.ts';

/** Widths at which arithmetic changes: bits of a register, of a double, of a word. */
const WIDTHS = [32n, 48n, 52n, 53n, 64n].map((bits) => 1n << bits);
const WORD = 1n << 64n;

function distinct(values: readonly bigint[]): bigint[] {
  return [...new Set(values)].filter((value) => value >= 0n && value < WORD);
}

function around(places: readonly bigint[], steps: readonly bigint[]): bigint[] {
  return distinct(places.flatMap((place) => steps.map((step) => place + step)));
}

/** Input addresses at and around every limit. */
function inputs(limits: Limits): bigint[] {
  const small = smallest(limits);
  const ends = limits.regions.flatMap(([from, end]) => [from, end, end - small]);
  const blocks = limits.regions.flatMap(([from, end]) => limits.sizes.flatMap((size) => [from + size, end - size]));
  return around([...ends, ...blocks, ...WIDTHS, WORD - small], [-small, 0n, small, 1n, -1n]);
}

/** Sizes at and around every limit. */
function sizes(limits: Limits): bigint[] {
  const small = smallest(limits);
  const whole = limits.regions.map(([from, end]) => end - from);
  return distinct([0n, 1n, small, 2n * small, ...limits.sizes, ...whole, 1n << 53n, WORD - small, WORD - 1n]);
}

function outputs({ outputEnd, ...limits }: Limits, size: bigint): bigint[] {
  const small = limits.sizes[0] ?? 0n;
  return around([0n, outputEnd - size, outputEnd, ...WIDTHS, WORD - small], [-small, 0n, small, 1n]);
}

/** Requests whose input address is at a limit, and those whose output address is. */
export function requests(limits: Limits): Request[] {
  const largest = limits.sizes.at(-1) ?? 0n;
  const [[from] = [0n]] = limits.regions;
  const byInput = inputs(limits).flatMap((iova) => sizes(limits).map((size) => ({ iova, pa: iova % largest, size })));
  const byOutput = sizes(limits).flatMap((size) => outputs(limits, size).map((pa) => ({ iova: from, pa, size })));
  return [...byInput, ...byOutput];
}

/** Block sizes met one page before, at and behind their boundary, by input, output and size. */
export function alignments(limits: Limits): Request[] {
  const small = smallest(limits);
  const steps = [-small, 0n, small];
  const [[from] = [0n]] = limits.regions;
  return limits.sizes
    .slice(1)
    .flatMap((block) =>
      steps.flatMap((a) =>
        steps.flatMap((b) => steps.map((c) => ({ iova: from + block + a, pa: block + b, size: block + c }))),
      ),
    );
}

/** A call in words. */
export function words({ iova, pa, size }: Request): string {
  return `0x${iova.toString(16)} to 0x${pa.toString(16)}, 0x${size.toString(16)} bytes`;
}
