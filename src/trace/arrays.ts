/**
 * Arrays that are reused and grow.
 * @module
 */

/** The array, or a larger copy of it, with room for `count` elements. */
export function withRoom(array: Float64Array, count: number): Float64Array {
  if (count <= array.length) return array;
  const grown = new Float64Array(Math.max(count, array.length * 2));
  grown.set(array);
  return grown;
}

/** Moves up to this many elements one by one: below it, a call into the engine costs more than the loop. */
const FEW = 48;

/** Copies `from[first … end)` to the start of `to`, which has room. */
export function copyInto(from: Float64Array, first: number, end: number, to: Float64Array): void {
  if (end - first > FEW) to.set(from.subarray(first, end));
  else for (let at = first; at < end; at++) to[at - first] = from[at] as number;
}
