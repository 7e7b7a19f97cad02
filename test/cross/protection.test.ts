import { describe, expect, test } from 'vitest';
import type { Domain } from '../../src/core/index.ts';
import { FORMATS, formatProt, PROT, QUIRK } from '../../src/formats/index.ts';
import { type Access, type Leaf, type Regime, Walker } from '../../src/hardware/index.ts';
import { iovaOf, makeDomain, pageSizesOf, type Setup } from '../../src/testing/setup.ts';
import { reach } from './checks.ts';
import { plainConfigurations, presented, regimeOf } from './regimes.ts';

const SETUPS = FORMATS.flatMap((format) =>
  plainConfigurations(format).map((configuration) => ({
    name: `${format.id} ${configuration.name}`,
    format,
    configuration,
  })),
);
const PROTS = Array.from({ length: 64 }, (_, prot) => prot).filter((prot) => (prot & (PROT.READ | PROT.WRITE)) !== 0);
const KINDS = ['read', 'write', 'execute'] as const;

/** Which accesses of both privileges a device is let through with, as text such as `rw- rwx`. */
function allowed(walker: Walker, iova: bigint): string {
  const letter = (access: Access): string => (walker.translate(iova, access).ok ? access.kind.charAt(0) : '-');
  const three = (privileged: boolean): string => KINDS.map((kind) => letter({ kind, privileged })).join('');
  return `${three(false)} ${three(true)}`;
}

/** Whether the format can say that instructions may be fetched, and that only privileged accesses are meant. */
function executable(domain: Domain, granted: number): boolean {
  const { format } = domain.geometry;
  if (format.startsWith('apple') || ['vtd-ss', 'amd-v1'].includes(format)) return false;
  // Instruction fetches of stage 2 need read access too (Arm DDI 0487, D8.4.2)
  if (format.endsWith('-s2') && (granted & PROT.READ) === 0) return false;
  return (granted & PROT.NOEXEC) === 0;
}

function wanted(domain: Domain, granted: number): string {
  const read = (granted & PROT.READ) === 0 ? '-' : 'r';
  const write = (granted & PROT.WRITE) === 0 ? '-' : 'w';
  const three = `${read}${write}${executable(domain, granted) ? 'e' : '-'}`;
  // Pages of RISC-V are user pages, which supervisors may not touch
  const user = domain.geometry.format.startsWith('riscv');
  return `${(granted & PROT.PRIV) === 0 ? three : '---'} ${user ? '---' : three}`;
}

/** The kind of memory that a protection asks for, as the device's words begin. */
function wantedMemory(granted: number): string {
  if ((granted & PROT.MMIO) !== 0) return 'Device';
  return (granted & PROT.CACHE) === 0 ? 'Normal NC' : 'Normal WB';
}

/** v7s without TEX remapping could say more; its remap registers and MAIR name all three kinds. */
function namesMemory(domain: Domain): boolean {
  const { format, quirks } = domain.geometry;
  return (
    format.startsWith('arm-64') ||
    format.startsWith('arm-32') ||
    (format === 'arm-v7s' && (quirks & QUIRK.ARM_MTK_EXT) === 0)
  );
}

function leafOf(domain: Domain, regime: Regime, iova: bigint): Leaf {
  const found = reach(new Walker(domain.memory, regime), presented(domain, iova));
  if (!found.ok) throw new Error(found.reason);
  return found;
}

function holdsProtection(setup: Setup, size: number, prot: number): void {
  const domain = makeDomain(setup);
  const iova = iovaOf(domain, size);
  const end = 2 ** domain.geometry.ias;
  const { granted } = domain.map(size < end ? iova : iovaOf(domain, 0), 0, size, prot);
  const regime = regimeOf(domain);
  const at = size < end ? iova : iovaOf(domain, 0);
  const name = formatProt(prot);
  expect(allowed(new Walker(domain.memory, regime), presented(domain, at)), name).toBe(wanted(domain, granted));
  if (namesMemory(domain)) expect(leafOf(domain, regime, at).memoryType, name).toContain(wantedMemory(granted));
}

describe.each(SETUPS)('$name: the device grants what the domain says it granted', (setup) => {
  test.each(pageSizesOf(setup.format.configure(setup.configuration.request)))('pages of %d bytes', (size) => {
    for (const prot of PROTS) holdsProtection(setup, size, prot);
  });

  test('pieces of a split leaf keep its protection', () => {
    const sizes = pageSizesOf(setup.format.configure(setup.configuration.request));
    for (const prot of PROTS.filter((each) => each % 5 === 0)) {
      for (const [i, large] of sizes.slice(1).entries()) {
        const domain = makeDomain(setup);
        const small = sizes[i] ?? 0;
        const { granted } = domain.map(iovaOf(domain, 0), 0, large, prot);
        domain.unmap(iovaOf(domain, 0), small);
        const last = iovaOf(domain, large - 1);
        const seen = allowed(new Walker(domain.memory, regimeOf(domain)), presented(domain, last));
        expect(seen, `${formatProt(prot)} ${large} ${small}`).toBe(wanted(domain, granted));
      }
    }
  });
});
