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

/** What `kdumpFile` is to make. */
export interface KdumpPlan {
  readonly wide: boolean;
  readonly dumpLevel: number;
  /** Flag of the descriptors of packed pages. */
  readonly flag: number;
  readonly pack: (page: Uint8Array) => Uint8Array;
  /** Pages by number; `undefined`: valid memory that the dump leaves out. */
  readonly pages: ReadonlyMap<number, Uint8Array | undefined>;
  readonly split?: readonly [number, number];
}

function kdumpHeader(plan: KdumpPlan, maxPfn: number): Uint8Array {
  const head = new Uint8Array(2 * 4096);
  const view = new DataView(head.buffer);
  head.set(new TextEncoder().encode('KDUMP   '));
  view.setUint32(8, 6, true);
  for (const [i, value] of [4096, 1, 2, maxPfn].entries()) view.setUint32((plan.wide ? 428 : 416) + 4 * i, value, true);
  const [start, end] = plan.split ?? [0, 0];
  const sub = new DataView(head.buffer, 4096);
  sub.setUint32(plan.wide ? 8 : 4, plan.dumpLevel, true);
  sub.setUint32(plan.wide ? 12 : 8, plan.split === undefined ? 0 : 1, true);
  if (plan.wide) for (const [i, n] of [start, end, maxPfn].entries()) sub.setBigUint64(80 + 8 * i, BigInt(n), true);
  else for (const [i, n] of [start, end].entries()) sub.setUint32(12 + 4 * i, n, true);
  return head;
}

/** A compressed kernel dump of at most 32768 pages of 4 KiB. */
export function kdumpFile(plan: KdumpPlan): Uint8Array {
  const maxPfn = Math.max(...plan.pages.keys()) + 1;
  const bitmaps = new Uint8Array(2 * 4096);
  const [start, end] = plan.split ?? [0, maxPfn];
  const bodies: { bytes: Uint8Array; flag: number }[] = [];
  for (const [pfn, page] of [...plan.pages].sort((a, b) => a[0] - b[0])) {
    const at = pfn >> 3;
    bitmaps[at] = (bitmaps[at] ?? 0) | (1 << (pfn & 7));
    if (page === undefined) continue;
    bitmaps[4096 + at] = (bitmaps[4096 + at] ?? 0) | (1 << (pfn & 7));
    const packed = plan.pack(page);
    const small = packed.length < 4096;
    if (pfn >= start && pfn < end) bodies.push({ bytes: small ? packed : page, flag: small ? plan.flag : 0 });
  }
  const descriptors = new Uint8Array(24 * bodies.length);
  const view = new DataView(descriptors.buffer);
  let offset = 4 * 4096 + descriptors.length;
  for (const [i, body] of bodies.entries()) {
    view.setBigUint64(24 * i, BigInt(offset), true);
    view.setUint32(24 * i + 8, body.bytes.length, true);
    view.setUint32(24 * i + 12, body.flag, true);
    offset += body.bytes.length;
  }
  return Buffer.concat([kdumpHeader(plan, maxPfn), bitmaps, descriptors, ...bodies.map((body) => body.bytes)]);
}

/** A file in makedumpfile's flattened format, cut into pieces at random but given sizes, last piece first. */
export function flattened(file: Uint8Array, sizes: readonly number[]): Uint8Array {
  const head = Buffer.alloc(4096);
  head.write('makedumpfile');
  head.writeBigInt64BE(1n, 16);
  head.writeBigInt64BE(1n, 24);
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < file.length; i++) {
    const size = Math.min(file.length - at, sizes[i % sizes.length] ?? 4096);
    const record = Buffer.alloc(16);
    record.writeBigInt64BE(BigInt(at));
    record.writeBigInt64BE(BigInt(size), 8);
    pieces.unshift(Buffer.concat([record, file.subarray(at, at + size)]));
    at += size;
  }
  const end = Buffer.alloc(16);
  end.writeBigInt64BE(-1n);
  return Buffer.concat([head, ...pieces, end]);
}
