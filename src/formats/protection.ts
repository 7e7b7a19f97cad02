/**
 * Protection flags of a mapping, with the values of Linux (include/linux/iommu.h).
 * @module
 */
import { hex } from '../address.ts';
import { IommuError, shown } from '../errors.ts';

/** Protection flags; add them up. */
export const PROT = {
  /** The device may read. */
  READ: 1,
  /** The device may write. */
  WRITE: 2,
  /** The memory is cacheable, and the device's accesses snoop. */
  CACHE: 4,
  /** The device may not fetch instructions. */
  NOEXEC: 8,
  /** Device memory, such as an MSI doorbell. */
  MMIO: 16,
  /** For privileged accesses only. */
  PRIV: 32,
} as const;

const LETTERS: readonly (readonly [string, number])[] = [
  ['r', PROT.READ],
  ['w', PROT.WRITE],
  ['c', PROT.CACHE],
  ['n', PROT.NOEXEC],
  ['m', PROT.MMIO],
  ['p', PROT.PRIV],
];
const ALL = 63;
const ACCESS = PROT.READ | PROT.WRITE;

/**
 * Reads protection as letters: `r` read, `w` write, `c` cache, `n` no-execute, `m` MMIO, `p` privileged.
 * @throws IommuError `BAD_PROTECTION`.
 */
export function parseProt(text: string): number {
  if (typeof text !== 'string') throw new IommuError('BAD_PROTECTION', 'prot', `expected letters, got ${shown(text)}`);
  let prot = 0;
  for (const letter of text.toLowerCase()) {
    const flag = LETTERS.find(([name]) => name === letter)?.[1];
    if (flag === undefined)
      throw new IommuError(
        'BAD_PROTECTION',
        'prot',
        `expected letters of r w c n m p, got ${shown(letter)} in ${shown(text)}`,
      );
    prot |= flag;
  }
  return prot;
}

/** Protection as letters, as {@link parseProt} reads them. */
export function formatProt(prot: number): string {
  return LETTERS.map(([letter, flag]) => ((prot & flag) === 0 ? '-' : letter)).join('');
}

/** Whether a value is a protection that can be mapped with. */
export function isProt(prot: number): boolean {
  return Number.isInteger(prot) && prot >= 0 && prot <= ALL && (prot & ACCESS) !== 0;
}

/**
 * Checks a protection argument.
 * @throws IommuError `BAD_PROTECTION` for unknown flags, or neither read nor write.
 */
export function checkProt(prot: number): void {
  if (isProt(prot)) return;
  if (!Number.isInteger(prot) || prot < 0 || prot > ALL) {
    throw new IommuError('BAD_PROTECTION', 'prot', `expected flags within ${hex(ALL)}, got ${hexOf(prot)}`, {
      got: hexOf(prot),
      known: hex(ALL),
    });
  }
  throw new IommuError('BAD_PROTECTION', 'prot', `expected READ (0x1) or WRITE (0x2), got ${hex(prot)}`, {
    got: hex(prot),
    needs: hex(ACCESS),
  });
}

function hexOf(value: number): string {
  return Number.isInteger(value) ? hex(value) : shown(value);
}
