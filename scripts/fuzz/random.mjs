// Random numbers from a seed: splitmix32, so that a mutant depends on the seed and its index alone.

/** A generator of unsigned 32-bit numbers for one mutant. */
export function randomFor(seed, index) {
  let state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) | 0;
  const next = () => {
    state = (state + 0x9e3779b9) | 0;
    let value = state ^ (state >>> 16);
    value = Math.imul(value, 0x21f0aaad);
    value ^= value >>> 15;
    value = Math.imul(value, 0x735a2d97);
    return (value ^ (value >>> 15)) >>> 0;
  };
  return { next, below: (count) => next() % count, pick: (list) => list[next() % list.length] };
}
