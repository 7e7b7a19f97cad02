/**
 * DMAR, Intel's table (VT-d architecture specification, 8).
 * @module
 */
import { hex } from '../../address.ts';
import { HEADER_BYTES, type Piece, piecesOf, type TableBytes, type TableProblem } from './bytes.ts';
import type { DeviceScope, FirmwareRegion, FirmwareUnit, TableBody } from './tables.ts';

/** Remapping structure types (8.2). */
const DRHD = 0;
const RMRR = 1;
const ATSR = 2;
const RHSA = 3;
const ANDD = 4;
const SATC = 5;
const SIDP = 6;

/** Bytes before the scopes of a structure, by its type; bytes that it has at least. */
const LEAST: Readonly<Record<number, number>> = {
  [DRHD]: 16,
  [RMRR]: 24,
  [ATSR]: 8,
  [RHSA]: 20,
  [ANDD]: 9,
  [SATC]: 8,
  [SIDP]: 8,
};

/** DMAR flags (8.1), DRHD flags (8.3). */
const INTR_REMAP = 1;
const X2APIC_OPT_OUT = 2;
const DMA_CTRL_PLATFORM_OPT_IN = 4;
const INCLUDE_PCI_ALL = 1;

/** Device scope types (8.3.1). */
const NAMED_SCOPES: Readonly<Record<number, string>> = { 3: 'IOAPIC', 4: 'HPET', 5: 'namespace device' };
const SUB_HIERARCHY = 2;
const SCOPE_HEADER = 6;

/** Alignment of register bases and of reserved regions. */
const PAGE = 0x1000n;

class Reader {
  readonly units: FirmwareUnit[] = [];
  readonly regions: FirmwareRegion[] = [];
  readonly #bytes: TableBytes;
  readonly #problems: TableProblem[];
  readonly #withAll = new Map<number, string>();
  readonly #bases = new Set<bigint>();

  constructor(bytes: TableBytes, problems: TableProblem[]) {
    this.#bytes = bytes;
    this.#problems = problems;
  }

  read(piece: Piece): void {
    const type = this.#bytes.u16(piece.at);
    const least = LEAST[type];
    if (least === undefined) return;
    if (piece.end - piece.at < least) {
      this.#wrong(
        'length',
        piece.at,
        `structure of type ${type}: expected at least ${least} bytes, got ${piece.end - piece.at}`,
      );
      return;
    }
    if (type === DRHD) this.#drhd(piece);
    if (type === RMRR) this.#rmrr(piece);
    if (type === ATSR || type === SATC || type === SIDP) this.#scopes(piece, least);
    if (type === RHSA) this.#rhsa(piece.at);
  }

  #wrong(kind: TableProblem['kind'], offset: number, text: string): void {
    this.#problems.push({ kind, offset, text });
  }

  #drhd(piece: Piece): void {
    const [segment, base] = [this.#bytes.u16(piece.at + 6), this.#bytes.u64(piece.at + 8)];
    const name = `DRHD at ${hex(base)}`;
    if (base === 0n || base === 2n ** 64n - 1n)
      this.#wrong('contradiction', piece.at, `${name}: expected the address of its registers`);
    else if (base % PAGE !== 0n) this.#wrong('contradiction', piece.at, `${name}: expected a multiple of 4K`);
    if (this.#bases.has(base)) this.#wrong('contradiction', piece.at, `${name}: a second unit with the same registers`);
    this.#bases.add(base);
    const before = this.#withAll.get(segment);
    if (before !== undefined) {
      this.#wrong(
        'contradiction',
        piece.at,
        `${name}: comes behind ${before}, which has INCLUDE_PCI_ALL and must be the last of segment ${segment}`,
      );
    }
    const scopes = this.#scopes(piece, 16);
    const all = (this.#bytes.u8(piece.at + 4) & INCLUDE_PCI_ALL) !== 0;
    if (all) this.#withAll.set(segment, name);
    else if (scopes.length === 0) this.#wrong('contradiction', piece.at, `${name}: no device is behind it`);
    this.units.push({ name, base, scopes: all ? [...scopes, { kind: 'rest', segment }] : scopes, offset: piece.at });
  }

  #rmrr(piece: Piece): void {
    const [start, last] = [this.#bytes.u64(piece.at + 8), this.#bytes.u64(piece.at + 16)];
    const name = `RMRR ${hex(start)} to ${hex(last)}`;
    if (last < start) this.#wrong('contradiction', piece.at, `${name}: it ends before it begins`);
    else if (start % PAGE !== 0n || (last + 1n) % PAGE !== 0n)
      this.#wrong('contradiction', piece.at, `${name}: expected whole pages of 4K`);
    const scopes = this.#scopes(piece, 24);
    if (scopes.length === 0) this.#wrong('contradiction', piece.at, `${name}: it names no device`);
    if (last >= start) this.regions.push({ start, last, name: 'RMRR', scopes, offset: piece.at });
  }

  #rhsa(at: number): void {
    const base = this.#bytes.u64(at + 8);
    if (this.#bases.has(base)) return;
    this.#wrong('contradiction', at, `RHSA for the unit at ${hex(base)}, which no DRHD describes`);
  }

  #scopes(piece: Piece, from: number): DeviceScope[] {
    const bytes = this.#bytes;
    const segment = bytes.u16(piece.at + 6);
    const parts = piecesOf(bytes, piece.at + from, piece.end, SCOPE_HEADER, (at) => bytes.u8(at + 1), this.#problems);
    return parts.map(({ at, end }) => this.#scope(segment, at, end));
  }

  #scope(segment: number, at: number, end: number): DeviceScope {
    const type = this.#bytes.u8(at);
    const named = NAMED_SCOPES[type];
    if (named !== undefined) return { kind: 'named', name: `${named} ${this.#bytes.u8(at + 4)}` };
    const path: [number, number][] = [];
    for (let pair = at + SCOPE_HEADER; pair + 2 <= end; pair += 2) {
      path.push([this.#bytes.u8(pair), this.#bytes.u8(pair + 1)]);
    }
    if (path.length === 0) this.#wrong('length', at, 'a device scope without a path');
    return { kind: 'path', segment, bus: this.#bytes.u8(at + 5), path, below: type === SUB_HIERARCHY };
  }
}

/** Reads the structures of a DMAR table. */
export function readDmar(bytes: TableBytes, problems: TableProblem[]): TableBody {
  const first = HEADER_BYTES + 12;
  const reader = new Reader(bytes, problems);
  for (const piece of piecesOf(bytes, first, bytes.length, 4, (at) => bytes.u16(at + 2), problems)) reader.read(piece);
  const flags = bytes.u8(37);
  if (reader.units.length === 0) problems.push({ kind: 'contradiction', text: 'the table describes no unit (DRHD)' });
  return {
    units: reader.units,
    regions: reader.regions,
    facts: {
      addressBits: bytes.u8(36) + 1,
      interruptRemapping: (flags & INTR_REMAP) !== 0,
      x2apicOptOut: (flags & X2APIC_OPT_OUT) !== 0,
      preBootProtection: (flags & DMA_CTRL_PLATFORM_OPT_IN) !== 0,
    },
  };
}
