/**
 * What a PCI function's configuration space says of isolation and translation: its type, bus numbers, ACS, ATS, PRI and
 * PASID (PCI Express base specification 6.0, 7.5 to 7.8).
 * @module
 */

/** PCIe device/port types (7.5.3.2). */
export const PORT = {
  ENDPOINT: 0,
  LEGACY_ENDPOINT: 1,
  ROOT_PORT: 4,
  UPSTREAM: 5,
  DOWNSTREAM: 6,
  PCIE_TO_PCI: 7,
  PCI_TO_PCIE: 8,
  RC_ENDPOINT: 9,
  RC_EVENT_COLLECTOR: 10,
} as const;

/** ACS bits (7.7.11) that a group of its own needs: source validation, request and completion redirect, upstream forwarding. */
export const ACS_BITS: readonly (readonly [bit: number, name: string])[] = [
  [0x01, 'SrcValid'],
  [0x04, 'ReqRedir'],
  [0x08, 'CmpltRedir'],
  [0x10, 'UpstreamFwd'],
];
const ACS_NEEDED = ACS_BITS.reduce((mask, [bit]) => mask | bit, 0);

/** Capability and control word of ACS. */
export interface Acs {
  readonly capability: number;
  readonly control: number;
}

/** Facts of one function's configuration space. Undefined: not known; null: known to be absent. */
export interface ConfigFacts {
  /** PCIe type; null for conventional PCI. */
  readonly port?: number | null | undefined;
  readonly multifunction?: boolean | undefined;
  /** Secondary and subordinate bus of a bridge. */
  readonly buses?: readonly [secondary: number, subordinate: number] | undefined;
  readonly acs?: Acs | null | undefined;
  /** Whether translated requests are on; null without the capability. */
  readonly ats?: boolean | null | undefined;
  readonly pri?: boolean | null | undefined;
  readonly pasid?: boolean | null | undefined;
}

/** Capability ids (7.5.3.1, 7.7, 7.8, 10.5). */
const PCI_EXPRESS = 0x10;
const EXTENDED = { ACS: 0x0d, ATS: 0x0f, PRI: 0x13, PASID: 0x1b } as const;
const FIRST_EXTENDED = 0x100;
/** Capabilities that fit into the space; a chain with more is a circle. */
const MOST_CAPABILITIES = 48;
const MOST_EXTENDED = (4096 - FIRST_EXTENDED) / 4;

class Space {
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get length(): number {
    return this.#view.byteLength;
  }

  u8(at: number): number {
    return at < this.length ? this.#view.getUint8(at) : 0;
  }

  u16(at: number): number {
    return at + 2 <= this.length ? this.#view.getUint16(at, true) : 0;
  }

  u32(at: number): number {
    return at + 4 <= this.length ? this.#view.getUint32(at, true) : 0;
  }
}

/** Offset of the PCIe capability; null without one, undefined where the list leaves the bytes that were read. */
function expressOf(space: Space): number | null | undefined {
  const listed = (space.u16(0x06) & 0x10) !== 0;
  let at = listed ? space.u8(0x34) & 0xfc : 0;
  for (let i = 0; i < MOST_CAPABILITIES && at !== 0; i++) {
    if (at + 4 > space.length) return undefined;
    if (space.u8(at) === PCI_EXPRESS) return at;
    at = space.u8(at + 1) & 0xfc;
  }
  return null;
}

/** Offsets of the extended capabilities by id; undefined where that part was not read. */
function extendedOf(space: Space): ReadonlyMap<number, number> | undefined {
  if (space.length <= FIRST_EXTENDED) return undefined;
  const found = new Map<number, number>();
  let at = FIRST_EXTENDED;
  for (let i = 0; i < MOST_EXTENDED && at >= FIRST_EXTENDED; i++) {
    const header = space.u32(at);
    if (header === 0 || header === 0xffff_ffff) break;
    if (!found.has(header & 0xffff)) found.set(header & 0xffff, at);
    at = (header >>> 20) & 0xffc;
  }
  return found;
}

/** Reads a configuration space of 64, 256 or 4096 bytes; all ones, a function that does not answer, tell nothing. */
export function readConfigSpace(bytes: Uint8Array): ConfigFacts {
  const space = new Space(bytes);
  if (space.length < 64 || space.u32(0) === 0xffff_ffff) return {};
  const header = space.u8(0x0e);
  const express = expressOf(space);
  const extended = express === null ? new Map<number, number>() : extendedOf(space);
  const word = (id: number, offset: number): number | null | undefined => {
    const at = extended?.get(id);
    return extended === undefined ? undefined : at === undefined ? null : space.u16(at + offset);
  };
  const bit = (value: number | null | undefined, mask: number): boolean | null | undefined =>
    value === null || value === undefined ? value : (value & mask) !== 0;
  const [capability, control] = [word(EXTENDED.ACS, 4), word(EXTENDED.ACS, 6)];
  return {
    port: express === null || express === undefined ? express : (space.u16(express + 2) >> 4) & 15,
    multifunction: (header & 0x80) !== 0,
    buses: (header & 0x7f) === 1 ? [space.u8(0x19), space.u8(0x1a)] : undefined,
    acs: typeof capability === 'number' ? { capability, control: control ?? 0 } : capability,
    ats: bit(word(EXTENDED.ATS, 6), 0x8000),
    pri: bit(word(EXTENDED.PRI, 4), 1),
    pasid: bit(word(EXTENDED.PASID, 6), 1),
  };
}

/** Names of the needed ACS bits that a function offers and has not switched on. */
export function missingAcs({ capability, control }: Acs): string[] {
  return ACS_BITS.filter(([bit]) => (capability & bit) !== 0 && (control & bit) === 0).map(([, name]) => name);
}

/**
 * Whether a function keeps the requests of its side apart from its neighbours, by its registers alone: the kernel's quirks
 * may know better. Undefined where the registers were not read.
 */
export function isIsolated({ port, multifunction, acs }: ConfigFacts): boolean | undefined {
  if (port === undefined) return undefined;
  if (port === null || port === PORT.PCIE_TO_PCI || port === PORT.PCI_TO_PCIE || port === PORT.RC_EVENT_COLLECTOR) {
    return false;
  }
  const always = port === PORT.ROOT_PORT || port === PORT.DOWNSTREAM;
  if (!always && multifunction === false) return true;
  if (!always && multifunction === undefined) return undefined;
  if (acs === undefined || acs === null) return acs === null ? false : undefined;
  return (acs.control & acs.capability & ACS_NEEDED) === (acs.capability & ACS_NEEDED);
}
