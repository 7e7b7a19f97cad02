/**
 * Addresses of virtual interrupt files through an MSI page table (RISC-V IOMMU 1.0, 3.3.3; Advanced Interrupt
 * Architecture, 8.5).
 * @module
 */
import type { RiscvFeatures } from './capabilities.ts';
import { CAUSE } from './causes.ts';
import { fault, field, modeOf, pageOf, type RequestFault } from './directory.ts';
import type { RequestMemory } from './memory.ts';

/** What an MSI page table makes of an address. */
export interface MsiTarget {
  /** Output address: of the interrupt file, or of the notice MSI. */
  readonly address: bigint;
  readonly mode: 'translate' | 'mrif';
  /** Address of the memory-resident interrupt file, and the identity of the notice. */
  readonly mrif?: readonly [file: bigint, notice: number];
  /** Physical address of the MSI page table entry. */
  readonly at: bigint;
  readonly entry: bigint;
}

const OFFSET = 0xfffn;
// AIA 8.5.1, 8.5.2: reserved bits of both doublewords in basic and in MRIF mode
const BASIC_RESERVED: readonly [bigint, bigint] = [(0x1ffn << 54n) | (0x7fn << 3n), BigInt.asUintN(64, ~0n)];
const MRIF_RESERVED: readonly [bigint, bigint] = [(0x1ffn << 54n) | (0xfn << 3n), (7n << 61n) | (0x3fn << 54n)];

/** The bits of `value` at the places of `mask`'s ones, packed (3.3.3). */
function extract(value: bigint, mask: bigint): bigint {
  let out = 0n;
  let place = 0n;
  for (let bit = 0n; bit < 52n; bit++) {
    if (((mask >> bit) & 1n) === 0n) continue;
    out |= ((value >> bit) & 1n) << place++;
  }
  return out;
}

function inMode(first: bigint, second: bigint, guest: bigint, features: RiscvFeatures): MsiTarget | undefined {
  const mode = (first >> 1n) & 3n;
  const [low, high] = mode === 3n ? BASIC_RESERVED : MRIF_RESERVED;
  const reserved = (first & low) !== 0n || (second & high) !== 0n;
  if (reserved || (mode !== 3n && !(mode === 1n && features.msiMrif))) return undefined;
  const shared = { at: 0n, entry: first };
  if (mode === 3n) return { ...shared, address: pageOf(first, 10) | (guest & OFFSET), mode: 'translate' };
  const notice = Number((((second >> 60n) & 1n) << 10n) | (second & 0x3ffn));
  const file = BigInt.asUintN(47, first >> 7n) << 9n;
  return { ...shared, address: pageOf(second, 10), mode: 'mrif', mrif: [file, notice] };
}

/** The target of a guest address, undefined where it is no virtual interrupt file. */
export function translateMsi(
  memory: RequestMemory,
  features: RiscvFeatures,
  device: readonly bigint[],
  guest: bigint,
  executes: boolean,
): MsiTarget | RequestFault | undefined {
  const msiptp = device[4] ?? 0n;
  if (!features.msiFlat || modeOf(msiptp) === 0) return undefined;
  const [mask, pattern] = [field(device, 5, 0, 52), field(device, 6, 0, 52)];
  const page = guest >> 12n;
  if ((page & ~mask) !== (pattern & ~mask)) return undefined;
  const at = pageOf(msiptp, 0) | (extract(page, mask) * 16n);
  const words = memory.doublewords(at, 2, features.bigEndian);
  if (typeof words === 'string') return fault(words === 'access' ? CAUSE.msiAccess : CAUSE.msiCorrupt, at);
  const [first = 0n, second = 0n] = words;
  if ((first & 1n) === 0n) return fault(CAUSE.msiNotValid, at);
  const target = first >> 63n === 0n ? inMode(first, second, guest, features) : undefined;
  if (target === undefined) return fault(CAUSE.msiMisconfigured, at);
  return executes ? fault(CAUSE.instructionAccess, at) : { ...target, at };
}
