/**
 * Bytes of the firmware's tables, made from their fields: layouts of the VT-d architecture specification 8, AMD 48882 5.2,
 * Arm DEN 0049, ACPI 6.5 5.2.31 and the RISC-V IO Mapping Table.
 */

/** Little-endian fields, one behind the other. */
export function fields(...parts: readonly (readonly [bytes: 1 | 2 | 4 | 8, value: number | bigint])[]): number[] {
  return parts.flatMap(([bytes, value]) =>
    Array.from({ length: bytes }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 0xffn)),
  );
}

/** A table with its header; its length and checksum are right. */
export function table(signature: string, body: readonly number[], revision = 1): Uint8Array {
  const bytes = new Uint8Array(36 + body.length);
  bytes.set(new TextEncoder().encode(signature), 0);
  new DataView(bytes.buffer).setUint32(4, bytes.length, true);
  bytes[8] = revision;
  bytes.set(new TextEncoder().encode('MADE  '), 10);
  bytes.set(body, 36);
  return resummed(bytes);
}

/** The bytes with a checksum that fits them. */
export function resummed(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[9] = 0;
  copy[9] = (256 - (copy.reduce((sum, byte) => sum + byte, 0) % 256)) % 256;
  return copy;
}

/** A device scope of DMAR: type, bus, path. */
export function scope(type: number, bus: number, ...path: readonly (readonly [number, number])[]): number[] {
  return [type, 6 + 2 * path.length, 0, 0, 0, bus, ...path.flat()];
}

/** A DRHD; `all`: INCLUDE_PCI_ALL. */
export function drhd(base: number | bigint, all: boolean, ...scopes: readonly number[][]): number[] {
  const body = scopes.flat();
  return [...fields([2, 0], [2, 16 + body.length], [1, all ? 1 : 0], [1, 0], [2, 0], [8, base]), ...body];
}

/** An RMRR; `last` is inclusive. */
export function rmrr(base: number, last: number, ...scopes: readonly number[][]): number[] {
  const body = scopes.flat();
  return [...fields([2, 1], [2, 24 + body.length], [2, 0], [2, 0], [8, base], [8, last]), ...body];
}

/** A DMAR table; flags 1: interrupt remapping, 2: x2APIC opt-out, 4: protection before boot. */
export function dmar(flags: number, ...structures: readonly number[][]): Uint8Array {
  return table('DMAR', [38, flags, ...new Array<number>(10).fill(0), ...structures.flat()]);
}

/** An IVHD of type 0x11 with four-byte entries. */
export function ivhd(id: number, base: number, ...entries: readonly number[][]): number[] {
  const body = entries.flat();
  const head = fields([1, 0x11], [1, 0], [2, 40 + body.length], [2, id], [2, 0x40], [8, base], [2, 0], [2, 0], [4, 0]);
  return [...head, ...fields([8, 0], [8, 0]), ...body];
}

/** An IVMD for one device. */
export function ivmd(id: number, start: number, length: number): number[] {
  return fields([1, 0x21], [1, 7], [2, 32], [2, id], [2, 0], [8, 0], [8, start], [8, length]);
}

/** An IVRS table; info bit 1: protection before boot. */
export function ivrs(info: number, ...blocks: readonly number[][]): Uint8Array {
  return table('IVRS', [...fields([4, info], [8, 0]), ...blocks.flat()], 2);
}

/** An id mapping of IORT. */
export function mapping(first: number, count: number, out: number, node: number, flags = 0): number[] {
  return fields([4, first], [4, count - 1], [4, out], [4, node], [4, flags]);
}

/** A node of IORT: its data, then its id mappings. */
export function iortNode(type: number, data: readonly number[], ...mappings: readonly number[][]): number[] {
  const length = 16 + data.length + 20 * mappings.length;
  const offset = mappings.length === 0 ? 0 : 16 + data.length;
  return [
    ...fields([1, type], [2, length], [1, 1], [4, 0], [4, mappings.length], [4, offset]),
    ...data,
    ...mappings.flat(),
  ];
}

/** An IORT table; nodes begin at byte 48. */
export function iort(...nodes: readonly number[][]): Uint8Array {
  return table('IORT', [...fields([4, nodes.length], [4, 48], [4, 0]), ...nodes.flat()], 3);
}

/** Data of an SMMUv3 node. */
export function smmu3(base: number): number[] {
  return fields([8, base], [4, 1], [4, 0], [8, 0], [4, 0], [4, 0], [4, 0], [4, 0], [4, 0], [4, 0], [4, 0]);
}

/** Data of a root complex of a segment. */
export function rootComplex(segment: number, ats = 0): number[] {
  return fields([8, 0], [4, ats], [4, segment], [1, 64], [1, 0], [2, 0], [4, 0]);
}

/** A configuration space of 4096 bytes. */
export interface MadeConfig {
  /** PCIe type; null for conventional PCI. */
  readonly port: number | null;
  readonly multifunction?: boolean;
  readonly buses?: readonly [number, number];
  /** ACS capability and control; left out: none. */
  readonly acs?: readonly [number, number];
  /** ATS control; left out: none. */
  readonly ats?: number;
}

/** Bytes of a configuration space. */
export function config({ port, multifunction = false, buses, acs, ats }: MadeConfig): Uint8Array {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x8086, true);
  bytes[0x0e] = (multifunction ? 0x80 : 0) | (buses === undefined ? 0 : 1);
  if (buses !== undefined) bytes.set(buses, 0x19);
  if (port !== null) {
    view.setUint16(0x06, 0x10, true);
    bytes[0x34] = 0x40;
    bytes[0x40] = 0x10;
    view.setUint16(0x42, (port << 4) | 2, true);
  }
  const capabilities = [
    ...(acs === undefined ? [] : [{ id: 0x0d, words: acs }]),
    ...(ats === undefined ? [] : [{ id: 0x0f, words: [0, ats] as const }]),
  ];
  for (const [i, { id, words }] of capabilities.entries()) {
    const at = 0x100 + i * 0x10;
    const next = i + 1 < capabilities.length ? at + 0x10 : 0;
    view.setUint32(at, (next << 20) | (1 << 16) | id, true);
    view.setUint16(at + 4, words[0], true);
    view.setUint16(at + 6, words[1], true);
  }
  return bytes;
}
