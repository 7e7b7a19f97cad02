/**
 * The walk of a device, written once for all descriptor families: from an input address down its region's tables to a
 * leaf or a fault.
 * @module
 */
import type { Address } from '../../address.ts';
import type { PhysicalReader } from '../../bus.ts';
import { ATTR, type Descriptors, KIND, permsText, type Regime, type Region, reasonOf, TYPE_SHIFT } from './regime.ts';
import { type Access, type Fault, faultClass, type Leaf, READ, type Reason, type Step, type Walk } from './types.ts';

const TOP_BYTE = 56n;
/** Rights of unprivileged accesses in an attribute word. */
const USER = ATTR.read | ATTR.write | ATTR.execute;
const SIGN_BIT = 55n;

/** A 64-bit entry from its halves. */
export function joinEntry(lo: number, hi: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo);
}

/** The input address that a device presents when its top byte is ignored. */
function stripTopByte(iova: bigint, [low, high]: readonly [boolean, boolean]): bigint {
  const rest = iova & ((1n << TOP_BYTE) - 1n);
  if ((iova >> SIGN_BIT) & 1n) return high ? rest | (0xffn << TOP_BYTE) : iova;
  return low ? rest : iova;
}

/** Why an access is not allowed by a leaf's attribute word, or `undefined`. */
export function accessReason(attributes: number, access: Access): Reason | undefined {
  if (attributes & ATTR.accessFault) return 'access-flag';
  const bit = access.kind === 'read' ? ATTR.read : access.kind === 'write' ? ATTR.write : ATTR.execute;
  const privileged = access.privileged === true;
  if (attributes & (privileged ? bit << 3 : bit)) {
    return access.kind === 'write' && attributes & ATTR.dirtyFault ? 'dirty-flag' : undefined;
  }
  if (!privileged && (attributes & USER) === 0 && attributes & (bit << 3)) return 'permission-privileged';
  return `permission-${access.kind}`;
}

/** Walks one regime's tables in a memory. Holds no copy of the tables: each call reads them as they are. */
export class Walker {
  /** The regime that this walker translates. */
  readonly regime: Regime;
  readonly #reader: PhysicalReader;
  #lo = 0;
  #hi = 0;
  #depth = 0;
  #denied = 0;
  #entryAddress = 0;
  #hasEntry = false;

  constructor(reader: PhysicalReader, regime: Regime) {
    this.#reader = reader;
    this.regime = regime;
  }

  /** Translates one input address for an access. */
  translate(iova: Address, access: Access = READ): Leaf | Fault {
    return this.#translate(iova, access, undefined);
  }

  /** Translates one input address and keeps every entry read on the way. */
  walk(iova: Address, access: Access = READ): Walk {
    const steps: Step[] = [];
    const result = this.#translate(iova, access, steps);
    return { steps, result };
  }

  /** The region that an input address belongs to, and its offset there as (page base, offset in 4 KiB). */
  #locate(iova: bigint): { region: Region; page: number; rest: number } | undefined {
    for (const region of this.regime.regions) {
      const offset = iova - region.base;
      if (offset < 0n) continue;
      const rest = Number(offset & 0xfffn);
      const page = Number(offset - BigInt(rest));
      if (page < region.size && page >= (region.from ?? 0)) return { region, page, rest };
    }
    return undefined;
  }

  #translate(address: Address, access: Access, steps: Step[] | undefined): Leaf | Fault {
    const raw = typeof address === 'bigint' ? address : BigInt(address);
    const ignored = this.regime.ignoreTopByte;
    const iova = ignored === undefined ? raw : stripTopByte(raw, ignored);
    this.#hasEntry = false;
    const at = this.#locate(iova);
    if (at === undefined) return this.#outside(iova, access);
    const { region, page, rest } = at;
    this.#depth = 0;
    if (region.refused !== undefined) return this.#fault(region, region.refused, iova, access);
    const reason = this.#descend(region, page, steps);
    if (reason !== undefined) return this.#fault(region, reason, iova, access);
    return this.#leaf(region, page, rest, iova, access);
  }

  #descend(region: Region, page: number, steps: Step[] | undefined): Reason | undefined {
    const d = region.descriptors;
    let table = region.root;
    let reached = 0;
    this.#denied = 0;
    this.#depth = 0;
    for (;;) {
      const level = d.levels[this.#depth];
      if (level === undefined) return 'bad-geometry';
      const index = Math.floor(page / level.unit) % level.entries;
      if (this.#depth > reached && this.#skipsBits(d, reached, page)) return 'skipped-bits-set';
      if (!this.#fetch(d, table + index * d.entryBytes)) return 'table-outside-memory';
      const kind = d.kind(this.#lo, this.#hi, this.#depth);
      steps?.push(this.#step(d, index, kind));
      if (kind === KIND.leaf) return undefined;
      if (kind !== KIND.table) return reasonOf(kind);
      this.#denied = d.inherit(this.#lo, this.#hi, this.#denied);
      table = d.table(this.#lo, this.#hi, this.#depth);
      reached = this.#depth + 1;
      this.#depth = d.next === undefined ? reached : d.next(this.#lo, this.#hi, this.#depth);
    }
  }

  /** True if input bits that the tables skipped are set. */
  #skipsBits(d: Descriptors, reached: number, page: number): boolean {
    const above = d.levels[reached - 1]?.unit ?? 0;
    const here = d.levels[this.#depth];
    return here !== undefined && page % above >= here.unit * here.entries;
  }

  #fetch(d: Descriptors, address: number): boolean {
    this.#entryAddress = address;
    this.#hasEntry = false;
    if (address > Number.MAX_SAFE_INTEGER) return false;
    const lo = this.#reader.read32(address);
    if (lo === undefined) return false;
    const hi = d.entryBytes === 8 ? this.#reader.read32(address + 4) : 0;
    if (hi === undefined) return false;
    this.#lo = lo;
    this.#hi = hi;
    this.#hasEntry = true;
    return true;
  }

  #step(d: Descriptors, index: number, kind: number): Step {
    const name = kind === KIND.table ? 'table' : kind === KIND.leaf ? 'leaf' : reasonOf(kind);
    return {
      stage: d.stage,
      level: d.levels[this.#depth]?.level ?? 0,
      index,
      entryAddress: this.#entryAddress,
      entry: joinEntry(this.#lo, this.#hi),
      kind: name,
      fields: kind === KIND.invalid ? {} : d.fields(this.#lo, this.#hi, this.#depth),
    };
  }

  #leaf(region: Region, page: number, rest: number, iova: bigint, access: Access): Leaf | Fault {
    const d = region.descriptors;
    const attributes = d.attributes(this.#lo, this.#hi, this.#depth, this.#denied);
    const reason = accessReason(attributes, access);
    if (reason !== undefined) return this.#fault(region, reason, iova, access);
    const size = d.span(this.#lo, this.#hi, this.#depth);
    const base = d.output(this.#lo, this.#hi, this.#depth);
    const within = (page % size) + rest;
    return {
      ok: true,
      iova: iova - BigInt(within),
      pa: base + within,
      output: BigInt(base) + BigInt(within),
      base,
      size,
      level: d.levels[this.#depth]?.level ?? 0,
      perms: permsText(attributes),
      attributes,
      memoryType: d.memoryType(attributes >>> TYPE_SHIFT),
      entryAddress: this.#entryAddress,
      entry: joinEntry(this.#lo, this.#hi),
    };
  }

  #outside(iova: bigint, access: Access): Fault {
    const region = this.regime.regions[0];
    const level = region?.descriptors.levels[0]?.level ?? 0;
    return {
      ok: false,
      reason: 'input-outside-region',
      class: 'translation',
      stage: region?.descriptors.stage ?? 1,
      level,
      entryAddress: undefined,
      entry: undefined,
      syndrome: region?.descriptors.syndrome('input-outside-region', level, access) ?? 'translation disabled',
      iova,
    };
  }

  #fault(region: Region, reason: Reason, iova: bigint, access: Access): Fault {
    const d = region.descriptors;
    const level = d.levels[this.#depth]?.level ?? 0;
    const fetched = this.#hasEntry || reason === 'table-outside-memory';
    return {
      ok: false,
      reason,
      class: faultClass(reason),
      stage: d.stage,
      level,
      entryAddress: fetched ? this.#entryAddress : undefined,
      entry: this.#hasEntry ? joinEntry(this.#lo, this.#hi) : undefined,
      syndrome: d.syndrome(reason, level, access),
      iova,
    };
  }
}
