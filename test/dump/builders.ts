/** Small dumps made in memory, for the readers' tests. */

/** A run of memory. */
export interface Run {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** Deterministic bytes. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2654435761) >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Sparse pages as text. */
export function sparseText(runs: readonly Run[]): string {
  return runs
    .map((run) =>
      JSON.stringify({
        pa: `0x${run.start.toString(16)}`,
        kind: 'page',
        bytes_base64: Buffer.from(run.bytes).toString('base64'),
      }),
    )
    .join('\n');
}

/** An ELF core of 32 or 64 bits. */
export function elfCore(runs: readonly Run[], wide: boolean): Uint8Array {
  const [headBytes, phBytes] = wide ? [64, 56] : [52, 32];
  const dataAt = headBytes + phBytes * runs.length;
  const file = new Uint8Array(dataAt + runs.reduce((sum, run) => sum + run.bytes.length, 0));
  const view = new DataView(file.buffer);
  const word = (at: number, value: number): void =>
    wide ? view.setBigUint64(at, BigInt(value), true) : view.setUint32(at, value, true);
  file.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1]);
  view.setUint16(16, 4, true);
  word(wide ? 32 : 28, headBytes);
  view.setUint16(wide ? 54 : 42, phBytes, true);
  view.setUint16(wide ? 56 : 44, runs.length, true);
  let offset = dataAt;
  for (const [i, run] of runs.entries()) {
    const at = headBytes + i * phBytes;
    view.setUint32(at, 1, true);
    const fields = wide ? [8, 24, 32, 40] : [4, 12, 16, 20];
    for (const [k, value] of [offset, run.start, run.bytes.length, run.bytes.length].entries()) {
      word(at + (fields[k] ?? 0), value);
    }
    file.set(run.bytes, offset);
    offset += run.bytes.length;
  }
  return file;
}

/** The 64-bit value at `address` as the runs hold it: the plain twin of the readers. */
export function expected64(runs: readonly Run[], address: number): bigint | undefined {
  let value = 0n;
  for (let i = 7; i >= 0; i--) {
    const run = runs.find((r) => r.start <= address + i && address + i < r.start + r.bytes.length);
    if (run === undefined) return undefined;
    value = (value << 8n) | BigInt(run.bytes[address + i - run.start] ?? 0);
  }
  return value;
}
