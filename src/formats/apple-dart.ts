/**
 * Apple DART page tables, in two encodings: two or three levels under one, two or four roots, one page size. No public
 * specification; as Linux 6.1 and 7.3 (io-pgtable-dart) have it.
 * @module
 */
import { highHalf, lowHalf, pow2 } from '../address.ts';
import type { Entry, Format, FormatConfiguration, Geometry, Level, Registers, TableRequest } from './contract.ts';
import { PROT } from './protection.ts';
import type { QuirkName } from './quirks.ts';
import { DART_61, DART_73, DART2_73, type Rules, type RulesBySemantics, SAFE } from './rules.ts';
import { badGeometry, checkRequest, tableAllocation } from './widths.ts';

/** Bits of every entry. */
const VALID = 1 << 0;
const TABLE_MASK = 1;

/** Sub-page protection: pages from 0 (63:52) to 0xfff (51:40), that is the whole page. */
const SUBPAGE_END_HI = 0xfff << 8;

const MAX_ROOTS = 4;

/** Linux does not look at quirks: this one has nothing to say here. */
const QUIRKS: readonly QuirkName[] = ['NO_WARN'];

/** One of the two encodings. */
interface Encoding {
  readonly id: string;
  readonly title: string;
  /** Bits of every leaf: SP_DIS. */
  readonly always: number;
  /** NO_CACHE. */
  readonly noCache: number;
  readonly rules: RulesBySemantics;
  readonly noWrite: number;
  readonly noRead: number;
  /** Output bits that an entry holds. */
  readonly addressBits: number;
  /** The address field is the output address shifted right by this. */
  readonly shift: number;
  readonly addressLo: number;
  readonly addressHi: number;
  readonly granules: readonly number[];
  /** What is expected where another page size is asked for. */
  readonly pages: string;
  /** Input widths, in words: three levels and four roots at most. */
  readonly inputs: string;
  /** Output widths, in words. */
  readonly outputs: string;
}

const DART1: Encoding = {
  id: 'apple-dart',
  title: 'Apple DART, first encoding',
  always: 1 << 1,
  noCache: 0,
  rules: { 'linux-6.1': DART_61, 'linux-7.3': DART_73 },
  noWrite: 1 << 7,
  noRead: 1 << 8,
  addressBits: 36,
  shift: 0,
  addressLo: 0xfffff000,
  addressHi: 0xf,
  granules: [4096, 16384],
  pages: 'exactly 4K or 16K',
  inputs: 'up to 41 bits with 4K, 42 with 16K; not above the output width',
  outputs: '36 or 42; an entry holds 36 bits',
};

/**
 * Output bits 41:14 lie in 37:10. Bits 13:12 have no place, so that neither a page nor a table of 4K can be addressed:
 * Linux 6.1 lets that granule pass and cuts the bits off; here it is refused.
 */
const DART2: Encoding = {
  id: 'apple-dart2',
  title: 'Apple DART, second encoding (t6000)',
  always: 0,
  noCache: 1 << 1,
  rules: { 'linux-6.1': DART_61, 'linux-7.3': DART2_73 },
  noWrite: 1 << 2,
  noRead: 1 << 3,
  addressBits: 42,
  shift: 4,
  addressLo: 0xfffffc00,
  addressHi: 0x3f,
  granules: [16384],
  pages: 'exactly 16K: entries hold output bits 41:14, too few for 4K',
  inputs: 'up to 42 bits; not above the output width',
  outputs: '36 or 42',
};

function makeLevel(level: number, shift: number, bits: number, cpuPage: number, leaf: boolean): Level {
  return {
    level,
    shift,
    entries: pow2(bits),
    runEntries: pow2(bits),
    tableBytes: pow2(bits + 3),
    allocBytes: tableAllocation(pow2(bits + 3), cpuPage),
    tableMask: leaf ? 0 : TABLE_MASK,
    tableValue: 1,
  };
}

/** Levels below the roots, and roots. */
interface Tree {
  readonly levels: number;
  readonly roots: number;
}

function treeOf(pageShift: number, ias: number, { dartLevels, dartRoots }: Rules): Tree {
  const bits = pageShift - 3;
  const most = dartRoots === 'four' || pageShift === 12 ? MAX_ROOTS : 1;
  const wanted = Math.max(2, Math.ceil((ias - pageShift - Math.log2(most)) / bits));
  const levels = dartLevels === 'two' ? 2 : wanted;
  const roots = pow2(Math.max(0, ias - pageShift - bits * levels));
  if (levels > 3) throw badGeometry('ias', ias, `at most 3 levels; this needs ${levels}`);
  if (roots > MAX_ROOTS) throw badGeometry('ias', ias, `at most ${MAX_ROOTS} roots; this needs ${roots}`);
  return { levels, roots };
}

function checkShape(encoding: Encoding, request: TableRequest): number {
  checkRequest(request, QUIRKS);
  const { ias, oas, pageSizes } = request;
  if (!encoding.granules.includes(pageSizes)) throw badGeometry('pageSizes', pageSizes, encoding.pages);
  if (!request.coherent) throw badGeometry('coherent', 'a walk that is not coherent', 'a coherent one');
  if (oas !== 36 && oas !== 42) throw badGeometry('oas', oas, '36 or 42 bits');
  if (ias > oas) throw badGeometry('ias', ias, `at most the ${oas} bits of oas`);
  const pageShift = Math.log2(pageSizes);
  if (ias < pageShift) throw badGeometry('ias', ias, `at least the ${pageShift} bits of a page`);
  return pageShift;
}

function makeLevels(pageShift: number, count: number, cpuPage: number): Level[] {
  const bits = pageShift - 3;
  return Array.from({ length: count }, (_, depth) => {
    const level = depth + 1;
    return makeLevel(level, pageShift + bits * (count - level), bits, cpuPage, level === count);
  });
}

/** The root registers; `n_levels` counts them as a level. */
function registersOf(roots: readonly number[], levels: number): Registers {
  const ttbrs = roots.map((root, i) => [`ttbr${i}`, BigInt(root)] as const);
  return { n_ttbrs: BigInt(roots.length), n_levels: BigInt(levels + 1), ...Object.fromEntries(ttbrs) };
}

function configure(encoding: Encoding, request: TableRequest): Geometry {
  const pageShift = checkShape(encoding, request);
  const rules = encoding.rules[request.semantics ?? 'safe'] ?? SAFE;
  const { levels, roots } = treeOf(pageShift, request.ias, rules);
  const noCacheOf = (prot: number): number =>
    rules.dartNoCache === 'not cacheable' && (prot & PROT.CACHE) !== 0 ? 0 : encoding.noCache;
  const cacheGranted = rules.dartNoCache === 'not cacheable' && encoding.noCache !== 0 ? PROT.CACHE : 0;
  const page = pow2(pageShift);
  const scale = pow2(encoding.shift);
  const { shift } = encoding;
  const addAddress = (paLo: number, paHi: number, _depth: number, out: Entry): void => {
    const field = shift === 0 ? paLo : (paLo >>> shift) | (paHi << (32 - shift));
    out.lo |= field & encoding.addressLo;
    out.hi |= (paHi >>> shift) & encoding.addressHi;
  };
  const address = (lo: number, hi: number): number =>
    (((lo & encoding.addressLo) >>> 0) + (hi & encoding.addressHi) * 0x100000000) * scale;
  return {
    format: encoding.id,
    ias: request.ias,
    oas: request.oas,
    pageShift,
    pageSizes: request.pageSizes,
    quirks: request.quirks,
    coherent: true,
    levels: makeLevels(pageShift, levels, request.cpuPageSize),
    top: 0,
    roots,
    entryBytes: 8,
    iovaBase: 0n,
    signExtends: false,
    leafFieldLo: encoding.addressLo,
    leafFieldHi: encoding.addressHi,
    tableField: encoding.addressLo,
    tableFieldShift: shift,
    tableLimit: pow2(encoding.addressBits),
    outputBits: encoding.addressBits,
    outputBreak: pow2(encoding.addressBits),
    addressShift: encoding.shift,
    maxSlots: 1,
    syncedLo: 0,
    syncedHi: 0,
    rules: encoding.rules,
    slots: (depth, size) => (depth === levels - 1 && size === page ? 1 : 0),
    leafSlots: () => 1,
    leaf(_depth, _slots, prot, out) {
      const noWrite = (prot & PROT.WRITE) === 0 ? encoding.noWrite : 0;
      const noRead = (prot & PROT.READ) === 0 ? encoding.noRead : 0;
      out.lo = VALID | encoding.always | noCacheOf(prot) | noWrite | noRead;
      out.hi = SUBPAGE_END_HI;
    },
    addAddress,
    address,
    table(physical, out) {
      out.lo = VALID;
      out.hi = 0;
      addAddress(lowHalf(physical), highHalf(physical), 0, out);
    },
    pieces(lo, hi, _from, _to, _slots, out) {
      out.lo = lo & ~encoding.addressLo;
      out.hi = hi & ~encoding.addressHi;
    },
    granted: (prot) => prot & (PROT.READ | PROT.WRITE | cacheGranted),
    registers: (offsets) => registersOf(offsets, levels),
  };
}

function plainRequest(pageSizes: number, ias: number, oas: number): TableRequest {
  return { ias, oas, pageSizes, quirks: 0, coherent: true, cpuPageSize: 4096 };
}

function makeFormat(encoding: Encoding, configurations: readonly FormatConfiguration[]): Format {
  return {
    id: encoding.id,
    title: encoding.title,
    source: 'Linux 6.1 and 7.3 io-pgtable-dart; golden vectors',
    granules: encoding.granules,
    inputs: encoding.inputs,
    outputs: encoding.outputs,
    quirks: QUIRKS,
    configurations,
    request: (granule, ias = 32, oas = 36) => plainRequest(granule, ias, oas),
    configure: (request) => configure(encoding, request),
  };
}

/** DART, first encoding. */
export const appleDart: Format = makeFormat(DART1, [
  { name: '4K 32/36, four roots', request: plainRequest(4096, 32, 36) },
  { name: '4K 30/36', request: plainRequest(4096, 30, 36) },
  { name: '16K 36/36', request: plainRequest(16384, 36, 36) },
  { name: '4K 36/36, three levels', request: plainRequest(4096, 36, 36) },
]);

/** DART, second encoding. */
export const appleDart2: Format = makeFormat(DART2, [
  { name: '16K 32/42', request: plainRequest(16384, 32, 42) },
  { name: '16K 38/42, four roots', request: plainRequest(16384, 38, 42) },
  { name: '16K 42/42, three levels', request: plainRequest(16384, 42, 42) },
]);
