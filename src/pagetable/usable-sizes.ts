/**
 * Page sizes that a table can use, of those that are granted.
 * @module
 */
import type { Geometry } from '../formats/contract.ts';
import { hasSize, intersect, sizesOf } from '../formats/widths.ts';

/**
 * The sizes granted that a level has (Linux also grants blocks larger than all that a short tree can hold), and that can be
 * split: contiguous pages only where one of their entries may be a page.
 */
export function usableSizes(geometry: Geometry): number {
  const { levels, pageSizes } = geometry;
  const splits = (depth: number, slots: number, span: number): boolean =>
    slots > 0 && (slots === 1 || geometry.slots(depth, span) === 1);
  const usable = sizesOf(pageSizes).filter((size) =>
    levels.some(({ shift }, depth) => splits(depth, geometry.slots(depth, size), 2 ** shift)),
  );
  return intersect(pageSizes, usable);
}

/** The sizes at hand and, between them, those of single entries, into which a split turns what is larger. */
export function withPieces(geometry: Geometry, usable: number): number {
  const sizes = sizesOf(usable);
  const [smallest = 0] = sizes;
  const largest = sizes.at(-1) ?? 0;
  return geometry.levels.reduce((sum, { shift }, depth) => {
    const span = 2 ** shift;
    const between = span > smallest && span < largest && geometry.slots(depth, span) === 1;
    return between && !hasSize(sum, span) ? sum + span : sum;
  }, usable);
}
