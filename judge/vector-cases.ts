/**
 * Recorded vectors as cases of a pack: the calls, the words that Linux's tables held at the end, and Linux's own lookups.
 * @module
 */

import { ImageMemory, type PackImage, wordRuns } from '../src/conform/pack/image.ts';
import { askTables, type TablesCase } from '../src/conform/pack/walks.ts';
import type { DumpRow, GenericVector, PgtableConfig, Vector, VectorOp } from '../src/conform/vector.ts';
import { type UnitTally, unitLines } from './unit-cases.ts';
import type { Recorded } from './unit-draft.ts';

type AnyVector = Vector | GenericVector;

/** Lookups taken of one vector, spread over those that it has. */
const MOST_LOOKUPS = 5;

/** Formats of the generic page table by the kernel's name. */
const GENERIC: ReadonlyMap<string, string> = new Map([
  ['amdv1', 'amd-v1'],
  ['vtdss', 'vtd-ss'],
  ['x86_64', 'x86-64'],
  ['riscv_64', 'riscv-sv'],
]);

const QUIRK_NAMES: readonly (readonly [bit: bigint, name: string])[] = [
  [2n, 'no-perms'],
  [8n, 'arm-mtk-ext'],
  [16n, 'arm-mtk-ttbr-ext'],
  [32n, 'arm-ttbr1'],
  [128n, 'arm-hd'],
  [256n, 'arm-s2fwb'],
];

const TTBR1 = 32n;

/** Mistakes of other page-table code, and the recorded case that catches each. */
const BUGS: ReadonlyMap<string, string> = new Map([
  ['D-split-two-levels-arm_64_lpae_s1-4k-ias39', 'a table is orphaned after a split over two levels'],
  ['E-block-over-table-arm_64_lpae_s1-16k-ias48', 'a block replaces a table without break-before-make'],
  ['N-partial-arm_64_lpae_s1-4k-1', 'a partial unmap and its reference counts'],
  ['G-err-va-r48', 'an unmap never ends at the top of the address space'],
  ['G-contigmix-amd-0', 'a contiguous leaf with the wrong alignment'],
  ['A-s1-4k-ias32-ttbr1', 'TG0 and TG1 encoded alike'],
  ['G-unmap-tables-x57', 'tables allocated and never freed'],
  ['A-s1-4k-ias32-coh0', 'an IOVA above the limit'],
  ['G-fuzz-amdv1-89', 'the choice of a page size at a boundary of 4 GiB, low address and high output'],
  ['G-err-oa-x57', 'address arithmetic that is not checked for overflow'],
]);

/** The mistake of which the lookups of a vector are cases. */
const LOOKUP_BUG = { id: 'G-sizes-amd-20', bug: "a leaf's payload walked as if it were a table" } as const;

/** Kernel that a vector was recorded from. */
function kernelOf({ id, kernel, fmt }: AnyVector): '6.1' | '7.3' {
  if (kernel !== undefined) return kernel.startsWith('7') ? '7.3' : '6.1';
  return id.startsWith('N-') || GENERIC.has(fmt) || fmt === 'amdv1_mock' ? '7.3' : '6.1';
}

function formatOf({ fmt, regs }: AnyVector): string {
  if (fmt === 'riscv_64') return `riscv-sv${39 + 9 * (Number(regs?.['fsc_iosatp_mode'] ?? 8) - 8)}`;
  return GENERIC.get(fmt) ?? fmt.replaceAll('_', '-');
}

function isPgtable(vector: AnyVector): vector is Vector {
  return 'quirks' in vector.cfg;
}

/** Words of a dump, ascending; two entries of the short descriptors share one. */
function* wordsOf({ fmt, dump }: AnyVector): Generator<readonly [number, bigint]> {
  const bytes = fmt === 'arm_v7s' ? 4 : 8;
  const words = new Map<number, bigint>();
  for (const row of dump ?? []) {
    for (const [at, entry] of entriesOf(row, bytes)) {
      const word = at - (at % 8);
      words.set(word, (words.get(word) ?? 0n) | (entry << BigInt(8 * (at % 8))));
    }
  }
  yield* [...words].sort(([a], [b]) => a - b);
}

function* entriesOf([table, , index, entry, count = 1, stride = '0x0']: DumpRow, bytes: number) {
  for (let i = 0; i < count; i++) {
    const value = BigInt.asUintN(8 * bytes, BigInt(entry) + BigInt(i) * BigInt(stride));
    yield [Number(table) + (index + i) * bytes, value] as const;
  }
}

const KIB64 = 65536;

function imageOf(vector: AnyVector): PackImage {
  const words = [...wordsOf(vector)];
  const base = Number(vector.cfg.table_base);
  const last = Math.max(base, words.at(-1)?.[0] ?? base);
  const end = Math.ceil((last + 1) / KIB64) * KIB64;
  const ranges = [[hexOf(base), hexOf(end)]] as const;
  return { kind: 'image', id: vector.id, ranges, words: wordRuns(words) };
}

function hexOf(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

const STRIPPED: ReadonlySet<string> = new Set(['warn', 'err', 'gather', 'sync']);
const EVENTS: ReadonlySet<string> = new Set(['tlb', 'ev']);

/** An operation without what is informational, and without the driver's callbacks unless they are the point. */
function opOf(op: VectorOp, withEvents: boolean): VectorOp {
  const kept = Object.entries(op).filter(([key]) => !STRIPPED.has(key) && (withEvents || !EVENTS.has(key)));
  return Object.fromEntries(kept) as unknown as VectorOp;
}

function portable(vector: AnyVector, withEvents: boolean): object {
  const { fmt, cfg, init, ops, regs, regs_end: end, tables, tags = [] } = vector;
  return {
    fmt,
    cfg,
    init,
    ops: ops.filter(({ op }) => op !== 'dump').map((op) => opOf(op, withEvents)),
    regs,
    dump: null,
    ...(tags.includes('no_device') ? { tags: ['no_device'] } : {}),
    ...(end === undefined ? {} : { regs_end: end }),
    ...(tables === undefined ? {} : { tables }),
  };
}

function mapCase(vector: AnyVector): object {
  const bug = BUGS.get(vector.id);
  const kernel = kernelOf(vector);
  return {
    kind: 'map',
    id: vector.id,
    format: formatOf(vector),
    kernel,
    ...(vector.dump === null ? {} : { image: vector.id }),
    vector: { id: vector.id, ...portable(vector, bug !== undefined) },
    source: `linux-${kernel}`,
    agree: ['engine'],
    ...(bug === undefined ? {} : { bug }),
  };
}

type Shared = Pick<TablesCase, 'roots' | 'granule' | 'inputBits' | 'outputBits' | 'quirks'> & { startLevel?: number };

/** Tables of io-pgtable as a device is told of them; undefined where no device walks them. */
function pgtableGeometry(vector: Vector & { readonly geom?: { readonly start_level: number } }): Shared | undefined {
  const { fmt, cfg, init, regs, geom } = vector;
  const { ias = 0, oas = 0, pgsize_bitmap: bitmap = '0x1000' } = init;
  const quirks = QUIRK_NAMES.filter(([bit]) => (BigInt(cfg.quirks) & bit) !== 0n).map(([, name]) => name);
  const upper32 = fmt.startsWith('arm_32') && (ias < 25 || quirks.includes('arm-ttbr1'));
  if (
    upper32 ||
    Number(regs?.['vtcr.sl'] ?? 0) > 1 ||
    (BigInt(cfg.table_base) >> BigInt(oas) !== 0n && fmt !== 'arm_v7s')
  ) {
    return undefined;
  }
  const pages = fmt === 'arm_v7s' ? 4096n : BigInt(bitmap);
  const number = (name: string): bigint => BigInt(regs?.[name] ?? 0);
  const roots = Array.from({ length: Number(regs?.['n_ttbrs'] ?? 0) }, (_, i) => number(`ttbr${i}`));
  const single = fmt === 'arm_mali_lpae' ? number('transtab') : fmt.endsWith('s2') ? number('vttbr') : number('ttbr');
  const start = fmt === 'arm_64_lpae_s2' && geom !== undefined ? { startLevel: geom.start_level } : {};
  return {
    roots: (roots.length > 0 ? roots : [rootOf(fmt, cfg, single)]).map(hexOf),
    granule: Number(pages & -pages),
    inputBits: ias,
    outputBits: oas,
    quirks,
    ...start,
  };
}

/** The root in a register: flags in the low bits of TTBR0, or MediaTek's upper address bits. */
function rootOf(fmt: string, { quirks }: PgtableConfig, register: bigint): bigint {
  if (fmt === 'arm_mali_lpae') return register & ~0xfffn;
  if (fmt !== 'arm_v7s') return register;
  const low = register & 127n;
  return (BigInt(quirks) & 8n) === 0n ? register - low : (low << 32n) | (register - low);
}

/** Tables of the generic page table; undefined where the input width alone does not say the levels. */
function genericGeometry(vector: GenericVector): Shared | undefined {
  const { fmt, cfg, init, regs, regs_end: end } = vector;
  const number = (name: string): number => Number((end ?? regs)?.[name] ?? 0);
  if (Number(cfg.sme_mask ?? 0) !== 0 || fmt === 'amdv1_mock') return undefined;
  const shared = { granule: 4096, outputBits: 52, quirks: [] };
  const vasz = init.max_vasz ?? 0;
  if (fmt === 'amdv1') {
    return { roots: [hexOf(number('host_pt_root'))], inputBits: Math.min(64, 12 + 9 * number('mode')), ...shared };
  }
  if (fmt === 'x86_64') return { roots: [hexOf(number('gcr3_pt'))], inputBits: 12 + 9 * number('levels'), ...shared };
  if (fmt === 'riscv_64') {
    const inputBits = 39 + 9 * (number('fsc_iosatp_mode') - 8);
    return { roots: [hexOf(BigInt(number('ppn')) << 12n)], inputBits, ...shared, outputBits: 56 };
  }
  return Math.ceil((vasz - 12) / 9) === number('aw') + 2
    ? { roots: [hexOf(number('ssptptr'))], inputBits: vasz, ...shared }
    : undefined;
}

/** Lookups made after the last operation that changed anything. */
function lookupsOf({ ops }: AnyVector): readonly (readonly [string, string])[] {
  const last = ops.findLastIndex(({ op }) => /map|gather|dirty|hw_write/.test(op));
  return ops.slice(last + 1).flatMap(({ q }) => q ?? []);
}

/** Whether the address is one that a device of this width presents, and the answer one that it can give. */
function isPresented(vector: AnyVector, { inputBits, outputBits }: Shared, iova: bigint, pa: bigint): boolean {
  if (pa >> BigInt(outputBits) !== 0n) return false;
  const size = 1n << BigInt(inputBits);
  if (isPgtable(vector) && (BigInt(vector.cfg.quirks) & TTBR1) !== 0n) return iova >= (1n << 64n) - size;
  return iova < (vector.fmt === 'x86_64' || vector.fmt === 'riscv_64' ? size / 2n : size);
}

/** At most so many of a list, spread evenly. */
function spread<T>(list: readonly T[], most: number): T[] {
  const step = Math.max(1, list.length / most);
  return Array.from({ length: Math.min(most, list.length) }, (_, i) => list[Math.floor(i * step)] as T);
}

/** What became of the lookups that were looked at. */
export interface LookupTally {
  /** Taken as cases. */
  taken: number;
  /** The kernel records 0 for "none" and for a translation to 0; left out where the reader finds the latter. */
  ambiguous: number;
  /** Left out: the reader and the kernel differ, by id (a block whose address is not aligned to its size). */
  readonly differing: string[];
  /** Of cases of units over the same tables. */
  readonly unit: UnitTally;
}

/** The tables of a vector as cases of units take them; undefined where no device walks them. */
function recordedOf(vector: AnyVector, image: PackImage): Recorded | undefined {
  const geometry = isPgtable(vector) ? pgtableGeometry(vector) : genericGeometry(vector as GenericVector);
  const registers = vector.regs_end ?? vector.regs;
  if (geometry === undefined || registers === null || registers === undefined) return undefined;
  const lookups = lookupsOf(vector)
    .map(([iova, pa]) => [BigInt(iova), BigInt(pa)] as const)
    .filter(([iova, pa]) => isPresented(vector, geometry, iova, pa));
  return {
    id: vector.id,
    image,
    source: `linux-${kernelOf(vector)}`,
    format: formatOf(vector),
    granule: geometry.granule,
    ias: geometry.inputBits,
    oas: geometry.outputBits,
    quirks: isPgtable(vector) ? BigInt(vector.cfg.quirks) : 0n,
    registers: Object.fromEntries(Object.entries(registers).map(([name, value]) => [name, BigInt(value as string)])),
    lookups,
  };
}

function lookupCases(vector: AnyVector, image: PackImage, tally: LookupTally): object[] {
  const geometry = isPgtable(vector) ? pgtableGeometry(vector) : genericGeometry(vector as GenericVector);
  if (geometry === undefined || vector.regs === null) return [];
  const asked = lookupsOf(vector).filter(([iova, pa]) => isPresented(vector, geometry, BigInt(iova), BigInt(pa)));
  const memory = ImageMemory.of(image);
  return spread(asked, MOST_LOOKUPS).flatMap(([iova, pa], i) => {
    const kernel = kernelOf(vector);
    const each = {
      kind: 'tables' as const,
      id: `${vector.id} ${iova}${i === 0 ? '' : ` (${i})`}`,
      format: formatOf(vector),
      image: image.id,
      ...geometry,
      registers: (vector.regs_end ?? vector.regs) as Readonly<Record<string, string | number>>,
      access: 'any' as const,
      iova,
      expect: BigInt(pa) === 0n ? { fault: null } : { address: pa },
      source: `linux-${kernel}`,
      agree: ['reader'],
      ...(vector.id === LOOKUP_BUG.id ? { bug: LOOKUP_BUG.bug } : {}),
    };
    const got = askTables(each, memory);
    if ('address' in got ? got.address === BigInt(pa) : BigInt(pa) === 0n) {
      if ('address' in got && BigInt(pa) === 0n) {
        tally.ambiguous++;
        return [];
      }
      tally.taken++;
      return [each];
    }
    tally.differing.push(each.id);
    return [];
  });
}

/** Lines of one vector: its image, its calls, its lookups. */
export function vectorLines(vector: AnyVector, tally: LookupTally): object[] {
  if (vector.dump === null) return [mapCase(vector)];
  const image = imageOf(vector);
  const recorded = recordedOf(vector, image);
  const units = recorded === undefined ? [] : unitLines(recorded, tally.unit);
  return [image, mapCase(vector), ...lookupCases(vector, image, tally), ...units];
}
