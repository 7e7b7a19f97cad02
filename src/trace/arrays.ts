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
