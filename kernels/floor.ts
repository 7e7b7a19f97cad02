// The floor under every mapping: one 64-bit store an entry, of a value that is computed, nothing else.

/** Stores `entries` values from byte `at` on; the first is `hi:lo`, each further one is `stride` more. */
export function storeEntries(at: usize, entries: u32, lo: u32, hi: u32, stride: u32): void {
  let value: u64 = ((hi as u64) << 32) | (lo as u64);
  const end = at + ((entries as usize) << 3);
  for (let entry = at; entry < end; entry += 8) {
    store<u64>(entry, value);
    value += stride as u64;
  }
}
