/**
 * Entries of Arm's long-descriptor tables: address fields and attributes. Arm DDI 0487, D8.3 (descriptor formats), D8.4 and D8.6
 * (permissions, memory types); choices of attributes as Linux's io-pgtable-arm makes them.
 * @module
 */
import type { Entry } from './contract.ts';
import { hasQuirk, type LpaeShape, type LpaeVariant } from './lpae-shape.ts';
import { PROT } from './protection.ts';

/** Descriptor types, bits 1:0 (D8.3.1). */
const TYPE_BLOCK = 1;
const TYPE_PAGE = 3;

/** Leaf attributes of both stages (D8.3.2), bits of the low word; XN in the high word. */
const SH_OUTER = 2 << 8;
const SH_INNER = 3 << 8;
const AF = 1 << 10;
const XN_HI = 3 << 21;

/** One of several leaves that form one translation (D8.6.1). */
export const CONTIGUOUS_HI: number = 1 << 20;

/** Stage 1: AttrIndx[4:2], NS, AP[2:1], nG; DBM in the high word (D8.3.2, D8.4.1, D8.4.6). */
const ATTR_NC = 0 << 2;
const ATTR_CACHE = 1 << 2;
const ATTR_DEVICE = 2 << 2;
const NS = 1 << 5;
const AP_UNPRIVILEGED = 1 << 6;
/** Also says of a leaf with DBM that it is clean. */
export const AP_READ_ONLY: number = 1 << 7;
const NG = 1 << 11;
/** Hardware clears AP_READ_ONLY of such a leaf when it writes. */
export const DBM_HI: number = 1 << 19;

/** Stage 2: MemAttr[5:2], S2AP[7:6] (D8.4.2, D8.6.6; with FEAT_S2FWB, D8.6.7). */
const MEMATTR_DEVICE = 1 << 2;
const MEMATTR_NC = 5 << 2;
const MEMATTR_WRITE_BACK = 15 << 2;
const MEMATTR_FORCED_WRITE_BACK = 6 << 2;
const S2AP_READ = 1 << 6;
const S2AP_WRITE = 1 << 7;

/** Where an address lies (D8.3.1): bits 47:12, or 49:12 with LPA2; the rest of 52 bits in 15:12 with 64K, in 9:8 with LPA2. */
export const ADDRESS_LO = 0xfffff000;
const ADDRESS_HI = 0xffff;
const WIDE_HI = 0x3ffff;
const FOLD_LO = 0xf000;
const LPA2_LO = 3 << 8;
const LPA2_SHIFT = 18;
const TWO_32 = 0x100000000;

/** What a split leaf hands to its pieces: bits 11:2 without the address bits of LPA2, and 51, 54:53. */
const KEPT_LO = 0xffc;
const KEPT_HI = XN_HI | DBM_HI;

/** Where the address lies in the entries of one configuration. */
export interface AddressCodec {
  /** Bits of `hi` that hold address bits. */
  readonly fieldHi: number;
  /** Address bits from here on lie elsewhere than the others. */
  readonly breakShift: number;
  /** See `Geometry.addAddress`. */
  addAddress(paLo: number, paHi: number, depth: number, out: Entry): void;
  /** See `Geometry.address`. */
  address(lo: number, hi: number): number;
}

function addFolded(paLo: number, paHi: number, _depth: number, out: Entry): void {
  out.lo |= (paLo | (paHi >>> 4)) & ADDRESS_LO;
  out.hi |= paHi & ADDRESS_HI;
}

const PLAIN: AddressCodec = {
  fieldHi: ADDRESS_HI,
  breakShift: 48,
  addAddress: addFolded,
  address: (lo, hi) => ((lo & ADDRESS_LO) >>> 0) + (hi & ADDRESS_HI) * TWO_32,
};

const FOLDED: AddressCodec = {
  ...PLAIN,
  address(lo, hi) {
    const folded = (lo & FOLD_LO) >>> 12;
    return ((lo & ~0xffff) >>> 0) + ((hi & ADDRESS_HI) + folded * 0x10000) * TWO_32;
  },
};

const LPA2: AddressCodec = {
  fieldHi: WIDE_HI,
  breakShift: 50,
  addAddress(paLo, paHi, _depth, out) {
    out.lo |= (paLo & ADDRESS_LO) | ((paHi >>> (LPA2_SHIFT - 8)) & LPA2_LO);
    out.hi |= paHi & WIDE_HI;
  },
  address(lo, hi) {
    const top = (lo & LPA2_LO) << (LPA2_SHIFT - 8);
    return ((lo & ADDRESS_LO) >>> 0) + ((hi & WIDE_HI) | top) * TWO_32;
  },
};

/** The address codec of a configuration. */
export function codecOf({ pageShift, lpa2 }: LpaeShape): AddressCodec {
  if (lpa2) return LPA2;
  return pageShift === 16 ? FOLDED : PLAIN;
}

function stage2Attributes(prot: number, writeBack: number): number {
  const access = ((prot & PROT.READ) === 0 ? 0 : S2AP_READ) | ((prot & PROT.WRITE) === 0 ? 0 : S2AP_WRITE);
  const cached = (prot & PROT.CACHE) === 0 ? MEMATTR_NC : writeBack;
  return access | ((prot & PROT.MMIO) === 0 ? cached : MEMATTR_DEVICE);
}

function stage1Attributes(prot: number, mali: boolean): number {
  const cached = (prot & PROT.CACHE) === 0 ? ATTR_NC : ATTR_CACHE;
  const memory = (prot & PROT.MMIO) === 0 ? cached : ATTR_DEVICE;
  if (mali) return memory | ((prot & PROT.READ) === 0 ? 0 : S2AP_READ) | ((prot & PROT.WRITE) === 0 ? 0 : S2AP_WRITE);
  const readOnly = isReadOnly(prot) ? AP_READ_ONLY : 0;
  return memory | NG | readOnly | ((prot & PROT.PRIV) === 0 ? AP_UNPRIVILEGED : 0);
}

function isReadOnly(prot: number): boolean {
  return (prot & (PROT.READ | PROT.WRITE)) === PROT.READ;
}

function leafType(kind: LpaeVariant['kind'], last: boolean): number {
  return last && kind !== 'mali' ? TYPE_PAGE : TYPE_BLOCK;
}

/** Leaves of one configuration, without their addresses. */
export class LpaeLeaves {
  readonly #kind: LpaeVariant['kind'];
  readonly #last: number;
  readonly #always: number;
  readonly #shares: boolean;
  readonly #dbm: number;
  readonly #writeBack: number;
  readonly #keptLo: number;

  constructor({ variant, request, levels, lpa2 }: LpaeShape) {
    this.#kind = variant.kind;
    this.#last = levels.length - 1;
    this.#always = (variant.kind === 'mali' ? 0 : AF) | (hasQuirk(request, 'ARM_NS') ? NS : 0);
    this.#shares = !lpa2;
    this.#dbm = hasQuirk(request, 'ARM_HD') ? DBM_HI : 0;
    this.#writeBack = hasQuirk(request, 'ARM_S2FWB') ? MEMATTR_FORCED_WRITE_BACK : MEMATTR_WRITE_BACK;
    this.#keptLo = lpa2 ? KEPT_LO & ~LPA2_LO : KEPT_LO;
  }

  /** See `Geometry.leaf`. */
  leaf(depth: number, slots: number, prot: number, out: Entry): void {
    const kind = this.#kind;
    const attributes =
      kind === 's2' ? stage2Attributes(prot, this.#writeBack) : stage1Attributes(prot, kind === 'mali');
    const inner = kind !== 'mali' && (prot & PROT.CACHE) !== 0;
    const share = inner ? SH_INNER : SH_OUTER;
    out.lo = leafType(kind, depth === this.#last) | attributes | this.#always | (this.#shares ? share : 0);
    out.hi =
      ((prot & PROT.NOEXEC) === 0 ? 0 : XN_HI) | (isReadOnly(prot) ? 0 : this.#dbm) | (slots === 1 ? 0 : CONTIGUOUS_HI);
  }

  /** See `Geometry.pieces`. */
  pieces(lo: number, hi: number, to: number, slots: number, out: Entry): void {
    out.lo = (lo & this.#keptLo) | leafType(this.#kind, to === this.#last);
    out.hi = (hi & KEPT_HI) | (slots === 1 ? 0 : CONTIGUOUS_HI);
  }

  /**
   * See `Geometry.granted`. Stage 1 has no write-only access; stage 2 and Mali no privilege. Cached and other MMIO differ in the
   * shareability alone, which Mali and the entries of LPA2 do not have.
   */
  granted(prot: number): number {
    const shared = this.#kind !== 'mali' && this.#shares;
    const kept = shared || (prot & PROT.MMIO) === 0 ? prot : prot & ~PROT.CACHE;
    if (this.#kind !== 's1') return kept & ~PROT.PRIV;
    return (prot & PROT.WRITE) === 0 ? kept : kept | PROT.READ;
  }
}
