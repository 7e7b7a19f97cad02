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

/** Moves `array[index … count)` up by one place. */
export function openGap(array: Int32Array, index: number, count: number): void {
  if (count - index > FEW) array.copyWithin(index + 1, index, count);
  else for (let at = count; at > index; at--) array[at] = array[at - 1] as number;
}

/** Moves `array[index + 1 … count)` down by one place. */
export function closeGap(array: Int32Array, index: number, count: number): void {
  if (count - index > FEW) array.copyWithin(index, index + 1, count);
  else for (let at = index + 1; at < count; at++) array[at - 1] = array[at] as number;
}
