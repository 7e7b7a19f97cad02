import { beforeEach, describe, expect, it } from 'vitest';
import { CB, FSR, GR0, GR1 } from '../../src/device/smmu-v2/registers.ts';
import { SmmuV2, type SmmuV2Options } from '../../src/device/smmu-v2/smmu.ts';
import { PagesReader } from '../hardware/memory.ts';

const ROOT = 0x80000000;
const PAGE = 4096;
const BANK = 16 * PAGE;
const LEAF = 0x747n; // AttrIndx 1, AP[1], SH, AF, page; nG clear
const NG = 0x800n;

let memory: PagesReader;

/** Three levels below the root at ROOT, one leaf table for input addresses below 2 MiB. */
function map(iova: number, pa: number, bits: bigint = LEAF | NG): void {
  memory.write64(ROOT, BigInt(ROOT + PAGE) | 3n);
  memory.write64(ROOT + PAGE, BigInt(ROOT + 2 * PAGE) | 3n);
  memory.write64(ROOT + 2 * PAGE, BigInt(ROOT + 3 * PAGE) | 3n);
  memory.write64(ROOT + 3 * PAGE + (iova / PAGE) * 8, pa === 0 ? 0n : BigInt(pa) | bits);
}

function device(options: SmmuV2Options = {}): SmmuV2 {
  const smmu = new SmmuV2(memory, options);
  program(smmu);
  return smmu;
}

/** As the driver programs a 4K, 48-bit stage 1 context: bank 0, ASID 5, stream 7. */
function program(smmu: SmmuV2): void {
  smmu.write32(PAGE + GR1.CBA2R, 1);
  smmu.write32(PAGE + GR1.CBAR, 0x1f300);
  smmu.write32(BANK + CB.TCR2, 0x38015);
  smmu.write32(BANK + CB.TCR, 0x803510);
  smmu.write64(BANK + CB.TTBR0, BigInt(ROOT) | (5n << 48n));
  smmu.write64(BANK + CB.TTBR1, 5n << 48n);
  smmu.write32(BANK + CB.MAIR0, 0xf404ff44);
  smmu.write32(BANK + CB.SCTLR, 0x1067);
  smmu.write32(GR0.S2CR, 0);
  smmu.write32(GR0.SMR, 0x80000007);
  smmu.write32(GR0.sCR0, 0x1c36);
}

function pa(smmu: SmmuV2, iova: number): number | string {
  const { result } = smmu.translate(7, iova);
  return result.ok ? result.pa : result.reason;
}

beforeEach(() => {
  memory = new PagesReader();
  memory.clear(ROOT, 8 * PAGE);
  map(0x3000, 0x123000);
});

describe('translation by registers', () => {
  it('translates a stream that matches, and names the bank', () => {
    const smmu = device();
    expect(smmu.translate(7, 0x3456)).toMatchObject({
      result: { ok: true, pa: 0x123456, perms: 'rwx' },
      bank: 0,
      cached: false,
    });
  });

  it('records a fault: FSR, FAR, FSYNR0, the stream; a second one as MULTI', () => {
    const smmu = device();
    expect(smmu.translate(7, 0x4128, { kind: 'write' }).result).toMatchObject({ reason: 'never-mapped', level: 3 });
    expect(smmu.read32(BANK + CB.FSR)).toBe(FSR.TF | (2 << 9));
    expect(smmu.read64(BANK + CB.FAR)).toBe(0x4128n);
    expect(smmu.read32(BANK + CB.FSYNR0)).toBe(0x13);
    expect(smmu.read32(PAGE + GR1.CBFRSYNRA)).toBe(7);
    smmu.translate(7, 0x5000);
    expect(smmu.read32(BANK + CB.FSR) >>> 31).toBe(1);
    expect(smmu.read64(BANK + CB.FAR)).toBe(0x4128n);
    smmu.write32(BANK + CB.FSR, 0xffffffff);
    expect(smmu.read32(BANK + CB.FSR)).toBe(0);
  });

  it('faults a stream that matches nothing if sCR0.USFCFG says so, else passes it', () => {
    const smmu = device();
    expect(smmu.translate(8, 0x3000).result).toMatchObject({ ok: false, reason: 'no-stream-match' });
    expect(smmu.read32(GR0.sGFSR)).toBe(2);
    smmu.write32(GR0.sCR0, 0x1c36 & ~(1 << 10));
    expect(smmu.translate(8, 0x3000).result).toMatchObject({ ok: true, pa: 0x3000 });
  });

  it('matches through SMR masks, and faults where two groups match', () => {
    const smmu = device();
    smmu.write32(GR0.SMR + 4, 0x80ff0100);
    smmu.write32(GR0.S2CR + 4, 0);
    expect(smmu.translate(0x1a5, 0x3000).result).toMatchObject({ ok: true });
    smmu.write32(GR0.SMR + 8, 0x800001a5);
    expect(smmu.translate(0x1a5, 0x3000).result).toMatchObject({ ok: false, reason: 'no-stream-match' });
    expect(smmu.read32(GR0.sGFSR)).toBe(4);
  });

  it('obeys S2CR: bypass and fault', () => {
    const smmu = device();
    smmu.write32(GR0.S2CR, 1 << 16);
    expect(pa(smmu, 0x9000)).toBe(0x9000);
    smmu.write32(GR0.S2CR, 2 << 16);
    expect(pa(smmu, 0x9000)).toBe('context-invalid');
  });

  it('answers ATS1PR in PAR', () => {
    const smmu = device();
    smmu.write64(BANK + CB.ATS1PR, 0x3000n);
    expect(smmu.read64(BANK + CB.PAR)).toBe(0x123000n);
    smmu.write64(BANK + CB.ATS1PR, 0x4000n);
    expect(smmu.read64(BANK + CB.PAR) & 3n).toBe(3n);
  });
});

const TLBIVA_5 = (iova: number) => BigInt(iova / PAGE) | (5n << 48n);

describe('short descriptors', () => {
  it('neighbouring table entries are told apart, cached or not', () => {
    const smmu = device();
    smmu.write32(PAGE + GR1.CBA2R, 0);
    smmu.write32(BANK + CB.TCR, 0);
    smmu.write32(BANK + CB.CONTEXTIDR, 3);
    memory.clear(0x90000000, 8 * PAGE);
    smmu.write32(BANK + CB.TTBR0, 0x9000006a);
    smmu.write32(BANK + CB.MAIR0, 0x800b8204);
    smmu.write32(BANK + CB.MAIR1, 0x40004000);
    memory.write32(0x90000000, 0x90004001);
    memory.write32(0x90000004, 0x90004401);
    memory.write32(0x90004000, 0x12345c7e);
    memory.write32(0x90004400, 0x23456c7e);
    memory.write32(0x90004404, 0x23457e7e);
    expect([pa(smmu, 0), pa(smmu, 0x100000), pa(smmu, 0x101004)]).toEqual([0x12345000, 0x23456000, 0x23457004]);
    expect(smmu.translate(7, 0x101000, { kind: 'write' }).result).toMatchObject({
      reason: 'permission-write',
      level: 2,
    });
    expect((smmu.read32(BANK + CB.FSR) >>> 9) & 3).toBe(0);
  });
});

describe('stage 2', () => {
  it('translates by VMID and is invalidated by intermediate address', () => {
    const smmu = device();
    smmu.write32(PAGE + GR1.CBAR, 4);
    smmu.write32(BANK + CB.TCR, 0x80053590);
    smmu.write64(BANK + CB.TTBR0, BigInt(ROOT));
    map(0x3000, 0x123000, 0x7ffn);
    expect(pa(smmu, 0x3000)).toBe(0x123000);
    map(0x3000, 0x456000, 0x7ffn);
    smmu.write64(BANK + CB.TLBIVA, 3n);
    smmu.write32(BANK + CB.TLBSYNC, 0);
    expect(pa(smmu, 0x3000)).toBe(0x123000);
    smmu.write64(BANK + CB.TLBIIPAS2L, 3n);
    smmu.write32(BANK + CB.TLBSYNC, 0);
    expect(pa(smmu, 0x3000)).toBe(0x456000);
  });
});

describe('invalidation', () => {
  it('serves a stale answer until the address is invalidated and the sync is made', () => {
    const smmu = device();
    expect(pa(smmu, 0x3000)).toBe(0x123000);
    map(0x3000, 0x456000);
    expect(pa(smmu, 0x3000)).toBe(0x123000);
    smmu.write64(BANK + CB.TLBIVAL, TLBIVA_5(0x3000));
    expect(pa(smmu, 0x3000)).toBe(0x123000);
    expect(smmu.pendingInvalidations).toBe(1);
    smmu.write32(BANK + CB.TLBSYNC, 0);
    expect(smmu.read32(BANK + CB.TLBSTATUS)).toBe(0);
    expect(pa(smmu, 0x3000)).toBe(0x456000);
  });

  it('may take effect at once', () => {
    const smmu = device({ invalidateAt: 'write' });
    pa(smmu, 0x3000);
    map(0x3000, 0x456000);
    smmu.write64(BANK + CB.TLBIVA, TLBIVA_5(0x3000));
    expect(pa(smmu, 0x3000)).toBe(0x456000);
  });

  const cases: readonly [string, (smmu: SmmuV2) => void, boolean][] = [
    ['another address', (smmu) => smmu.write64(BANK + CB.TLBIVA, TLBIVA_5(0x4000)), false],
    ['another ASID', (smmu) => smmu.write64(BANK + CB.TLBIVA, 3n | (6n << 48n)), false],
    ['any ASID', (smmu) => smmu.write64(BANK + CB.TLBIVAA, 3n), true],
    ['the ASID', (smmu) => smmu.write32(BANK + CB.TLBIASID, 5), true],
    ['the wrong ASID', (smmu) => smmu.write32(BANK + CB.TLBIASID, 4), false],
    ['the bank', (smmu) => smmu.write32(BANK + CB.TLBIALL, 0), true],
    ['an intermediate address', (smmu) => smmu.write64(BANK + CB.TLBIIPAS2, 3n), false],
    ['the VMID', (smmu) => smmu.write32(GR0.TLBIVMID, 0), true],
    ['another VMID', (smmu) => smmu.write32(GR0.TLBIVMID, 9), false],
    ['everything', (smmu) => smmu.write32(GR0.TLBIALLNSNH, 0), true],
    ['the hypervisor only', (smmu) => smmu.write32(GR0.TLBIALLH, 0), false],
  ];
  it.each(cases)('by %s', (_name, invalidate, gone) => {
    const smmu = device();
    pa(smmu, 0x3000);
    map(0x3000, 0x456000);
    invalidate(smmu);
    smmu.write32(GR0.sTLBGSYNC, 0);
    expect(pa(smmu, 0x3000)).toBe(gone ? 0x456000 : 0x123000);
  });

  it("a bank's sync does not complete a global invalidation", () => {
    const smmu = device();
    pa(smmu, 0x3000);
    map(0x3000, 0x456000);
    smmu.write32(GR0.TLBIALLNSNH, 0);
    smmu.write32(BANK + CB.TLBSYNC, 0);
    expect(pa(smmu, 0x3000)).toBe(0x123000);
  });

  it('a global entry outlives its ASID, not its address', () => {
    map(0x3000, 0x123000, LEAF);
    const smmu = device({ invalidateAt: 'write' });
    pa(smmu, 0x3000);
    map(0x3000, 0x456000, LEAF);
    smmu.write32(BANK + CB.TLBIASID, 5);
    expect(pa(smmu, 0x3000)).toBe(0x123000);
    smmu.write64(BANK + CB.TLBIVA, TLBIVA_5(0x3000));
    expect(pa(smmu, 0x3000)).toBe(0x456000);
  });

  it('a table entry that was changed is seen only after an invalidation that is not last-level', () => {
    const smmu = device();
    expect(pa(smmu, 0x3000)).toBe(0x123000);
    memory.clear(ROOT + 6 * PAGE, PAGE);
    memory.write64(ROOT + 6 * PAGE + 4 * 8, 0x456000n | LEAF | NG);
    memory.write64(ROOT + 2 * PAGE, BigInt(ROOT + 6 * PAGE) | 3n);
    expect(pa(smmu, 0x4000)).toBe('never-mapped');
    smmu.write64(BANK + CB.TLBIVAL, TLBIVA_5(0x4000));
    smmu.write32(BANK + CB.TLBSYNC, 0);
    expect(pa(smmu, 0x4000)).toBe('never-mapped');
    smmu.write64(BANK + CB.TLBIVA, TLBIVA_5(0x4000));
    smmu.write32(BANK + CB.TLBSYNC, 0);
    expect(pa(smmu, 0x4000)).toBe(0x456000);
  });

  it('without a walk cache, only leaves are stale', () => {
    const smmu = device({ walkCacheEntries: 0 });
    pa(smmu, 0x3000);
    memory.write64(ROOT + 6 * PAGE + 4 * 8, 0x456000n | LEAF | NG);
    memory.write64(ROOT + 2 * PAGE, BigInt(ROOT + 6 * PAGE) | 3n);
    expect(pa(smmu, 0x4000)).toBe(0x456000);
    expect(pa(smmu, 0x3000)).toBe(0x123000);
  });

  it('a cached leaf still refuses what it does not permit', () => {
    map(0x3000, 0x123000, LEAF | NG | 0x80n);
    const smmu = device();
    expect(pa(smmu, 0x3000)).toBe(0x123000);
    expect(smmu.translate(7, 0x3000, { kind: 'write' })).toMatchObject({
      result: { reason: 'permission-write' },
      cached: true,
    });
    expect(smmu.read32(BANK + CB.FSR) & FSR.PF).toBe(FSR.PF);
  });
});

describe('power', () => {
  it('reports registers that are touched without power, and forgets what it held', () => {
    const smmu = device();
    smmu.powered = false;
    smmu.write32(BANK + CB.TLBSYNC, 0);
    expect(smmu.read32(BANK + CB.TLBSTATUS)).toBe(0);
    expect(smmu.violations).toEqual([
      { offset: BANK + CB.TLBSYNC, write: true, value: 0n },
      { offset: BANK + CB.TLBSTATUS, write: false, value: 0n },
    ]);
    expect(pa(smmu, 0x3000)).toBe('translation-off');
    smmu.powered = true;
    expect(smmu.read32(BANK + CB.SCTLR)).toBe(0);
    program(smmu);
    expect(pa(smmu, 0x3000)).toBe(0x123000);
  });

  it('counts registers that it does not know', () => {
    const smmu = device();
    smmu.write32(BANK + 0xf00, 1);
    smmu.read32(0x7f0);
    expect([...smmu.unknown.keys()]).toEqual([BANK + 0xf00, 0x7f0]);
  });
});
