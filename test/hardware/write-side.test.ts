import { describe, expect, it } from 'vitest';
import type { RegisterPort } from '../../src/bus.ts';
import { Domain } from '../../src/core/index.ts';
import { CB, GR0 } from '../../src/device/smmu-v2/registers.ts';
import { SmmuV2 } from '../../src/device/smmu-v2/smmu.ts';
import { armSmmu } from '../../src/drivers/index.ts';
import { FORMATS, offsetOfIova, PROT, QUIRK, type TableRequest } from '../../src/formats/index.ts';
import { givenTables } from '../../src/hardware/given.ts';
import { enumerateLeaves } from '../../src/hardware/walk/leaves.ts';
import type { Access, Fault, Leaf } from '../../src/hardware/walk/types.ts';
import { Walker } from '../../src/hardware/walk/walker.ts';
import { plainConfigurations, regimeOf } from '../cross/regimes.ts';

const RW = PROT.READ | PROT.WRITE;

interface Case {
  readonly name: string;
  readonly format: string;
  readonly request: TableRequest;
}

/**
 * Linux grants 32-bit LPAE with TTBR1 and 32 bits, but AArch32 gives TTBR1 nothing where T0SZ and T1SZ are 0 (G5.5.3), and
 * its addresses have no upper half: no device walks such tables.
 */
function noDeviceWalks(format: string, request: TableRequest): boolean {
  return format === 'arm-32-lpae-s1' && (request.quirks & QUIRK.ARM_TTBR1) !== 0;
}

const CASES: readonly Case[] = FORMATS.flatMap((format) =>
  plainConfigurations(format)
    .filter(({ request }) => !noDeviceWalks(format.id, request))
    .map(({ name, request }) => ({ name: `${format.id} ${name}`, format: format.id, request })),
);

function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The lower 32 bits, and what MediaTek keeps in the lowest of them. */
function shortRoot(ttbr: number, mtk: boolean): number {
  const low = ttbr % 128;
  return mtk ? low * 2 ** 32 + ttbr - low : ttbr - low;
}

function rootsOf(domain: Domain): number[] {
  const registers = domain.table.registers;
  const { transtab, vttbr, ttbr, n_ttbrs: count } = registers;
  if (count !== undefined) return Array.from({ length: Number(count) }, (_, i) => Number(registers[`ttbr${i}`]));
  if (transtab !== undefined) return [Number(transtab & ~0xfffn)];
  const root = Number(vttbr ?? ttbr ?? 0n);
  return [
    domain.geometry.format === 'arm-v7s' ? shortRoot(root, (domain.geometry.quirks & QUIRK.ARM_MTK_EXT) !== 0) : root,
  ];
}

function walkerOf(domain: Domain): Walker {
  if (domain.geometry.rules['linux-6.1'] === undefined) return new Walker(domain.memory, regimeOf(domain));
  const { format, ias, oas, pageShift, quirks } = domain.geometry;
  const names = Object.entries(QUIRK).filter(([, bit]) => (quirks & bit) !== 0);
  const words = names.map(([name]) => name.toLowerCase().replaceAll('_', '-'));
  const given = { format, roots: rootsOf(domain), granule: 2 ** pageShift, ias, oas, quirks: words };
  return new Walker(domain.memory, givenTables(given).regime);
}

const ANY: readonly Access[] = [{ kind: 'read', privileged: true }, { kind: 'write' }, { kind: 'read' }];

function hardware(translate: (access: Access) => Leaf | Fault): number | undefined {
  for (const access of ANY) {
    const result = translate(access);
    if (result.ok) return result.pa;
  }
  return undefined;
}

/** A random history of maps and unmaps, blocks and splits among them. */
function history(domain: Domain, seed: number, steps: number, after: () => void): void {
  const next = numbers(seed);
  const { geometry } = domain;
  const page = 2 ** geometry.pageShift;
  const sizes = [0, 1, 2, 3]
    .map((i) => page * 2 ** (i * 2))
    .concat(geometry.format.startsWith('apple') ? [] : [2 ** 20, 2 ** 21]);
  const span = Math.min(2 ** geometry.ias, 2 ** 34);
  for (let step = 0; step < steps; step++) {
    const size = Math.min(sizes[next(sizes.length)] ?? page, span / 4);
    const offset = next(Math.floor(span / size) - 1) * size;
    const pa = next(Math.min(2 ** 20, 2 ** geometry.oas / size - 1)) * size;
    const iova = geometry.iovaBase + BigInt(offset);
    try {
      if (next(3) > 0) domain.map(iova, pa, size, RW | (next(2) === 0 ? PROT.CACHE : 0));
      else domain.unmap(iova, size, { holes: 'skip' });
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('OVERLAP')) throw error;
    }
    after();
  }
}

function expectSame(domain: Domain, translate: (iova: bigint, access: Access) => Leaf | Fault): void {
  const leaves = domain.leaves();
  const stride = Math.max(1, Math.floor(leaves.length / 40));
  for (const [i, { iova, size }] of leaves.entries()) {
    if (i % stride !== 0) continue;
    const last = iova + BigInt(size) - 1n;
    for (const at of [iova, iova + BigInt(size / 2), last, iova - 1n, last + 1n]) {
      if (at < 0n || offsetOfIova(domain.geometry, at) === -1n) continue;
      expect(hardware((access) => translate(at, access))).toBe(domain.translate(at));
    }
  }
}

describe('the hardware walk of the bytes equals translate', () => {
  it.each(CASES)('$name', ({ format, request }) => {
    for (const seed of [1, 2]) {
      const domain = new Domain({ format, request });
      history(domain, seed, 20, () => {});
      const walker = walkerOf(domain);
      expect(domain.leaves().length).toBeGreaterThan(0);
      expectSame(domain, (iova, access) => walker.translate(iova, access));
      const total = { bytes: 0 };
      for (const region of walker.regime.regions) {
        enumerateLeaves(domain.memory, region, (_offset, _pa, bytes) => {
          total.bytes += bytes;
        });
      }
      expect(total.bytes).toBe(domain.leaves().reduce((sum, { size }) => sum + size, 0));
      domain.free();
    }
  });
});

/** An SMMU checks AP and the access flag, which NO_PERMS leaves out: that is for MediaTek's unit. */
const SMMU_CASES = CASES.filter(
  ({ format, request }) =>
    format.startsWith('arm-') &&
    format !== 'arm-mali-lpae' &&
    request.oas <= 48 &&
    (request.quirks & (QUIRK.ARM_MTK_EXT | QUIRK.NO_PERMS | QUIRK.ARM_HD | QUIRK.ARM_S2FWB)) === 0,
);

/** A port that loses some writes on their way. */
function lossy(smmu: SmmuV2, loses: (offset: number) => boolean): RegisterPort {
  return {
    read32: (offset) => smmu.read32(offset),
    read64: (offset) => smmu.read64(offset),
    write32: (offset, value) => (loses(offset) ? undefined : smmu.write32(offset, value)),
    write64: (offset, value) => (loses(offset) ? undefined : smmu.write64(offset, value)),
  };
}

function drive(format: string, request: TableRequest, loses: (offset: number) => boolean = () => false) {
  const first: { smmu?: SmmuV2 } = {};
  const domain = new Domain({
    format,
    request,
    driver: (context) => {
      first.smmu = new SmmuV2(context.memory);
      return armSmmu({ port: lossy(first.smmu, loses), contextBank: 2 })(context);
    },
  });
  const { smmu } = first;
  if (smmu === undefined) throw new Error('the driver was not made');
  return { domain, smmu };
}

describe('the arm-smmu driver on the SMMUv2 model', () => {
  it.each(SMMU_CASES)('$name: the device sees each change when the call returns', ({ format, request }) => {
    const { domain, smmu } = drive(format, request);
    history(domain, 5, 10, () => expectSame(domain, (iova, access) => smmu.translate(0, iova, access).result));
    expect([...smmu.unknown.keys()]).toEqual([]);
    expect(smmu.violations).toEqual([]);
  });

  const LOST: readonly [string, (offset: number) => boolean][] = [
    [
      'invalidations',
      (offset) => [CB.TLBIVA, CB.TLBIVAL, CB.TLBIASID].some((at) => offset % 4096 === at && offset >= 0x10000),
    ],
    ['syncs', (offset) => offset === GR0.sTLBGSYNC || (offset % 4096 === CB.TLBSYNC && offset >= 0x10000)],
  ];
  it.each(LOST)('without its %s, the device still sees what was unmapped', (_name, loses) => {
    const { domain, smmu } = drive('arm-64-lpae-s1', FORMATS[0]?.configurations[0]?.request as TableRequest, loses);
    domain.map(0x10000, 0x80000000, 4096, RW);
    expect(smmu.translate(0, 0x10000).result).toMatchObject({ ok: true, pa: 0x80000000 });
    domain.unmap(0x10000, 4096);
    expect(domain.translate(0x10000)).toBeUndefined();
    expect(smmu.translate(0, 0x10000)).toMatchObject({ cached: true, result: { ok: true, pa: 0x80000000 } });
  });
});
