import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Domain, PATHS } from '../../src/core/index.ts';
import { IommuError } from '../../src/errors.ts';
import { FORMATS, PROT, QUIRK } from '../../src/formats/index.ts';
import { READ, WRITE } from '../../src/hardware/index.ts';
import { type Call, CallMaker, type Draw, draws } from '../../src/testing/histories.ts';
import { leavesOf } from '../../src/testing/rules/histories.ts';
import { iovaOf, RW, refusal } from '../../src/testing/setup.ts';
import { attach, isInvalidation, isSync, type System } from './ports.ts';

const K4 = 4096;
const M2 = 2 ** 21;

const ALL = FORMATS.flatMap((format) =>
  format.configurations.map(({ name, request }) => ({ name: `${format.id} ${name}`, format, request })),
);

/** The configurations that an SMMUv2 walks: full-width short tables, upper halves of AArch64 only, up to 48 bits. */
const DRIVEN = ALL.filter(
  ({ name, request }) =>
    (request.quirks & (QUIRK.ARM_HD | QUIRK.ARM_LPA2 | QUIRK.ARM_S2FWB)) === 0 &&
    /^arm-64-lpae-s. .*(48|47|4[0-4]|3[0-9])\/[34]|^arm-32-lpae-s. \d+\/\d+( non-coherent| concatenated)?$|^arm-v7s 32/.test(
      name,
    ),
);

/** What the device answers, as an output address or a reason. */
function seen({ smmu }: System, iova: bigint, stream = 0): number | string {
  const { result } = smmu.translate(stream, iova);
  return result.ok ? result.pa : result.reason;
}

describe.each(DRIVEN)('the driver programs $name into the device', ({ format, request }) => {
  const options = { domain: { format, request } };

  test('what is mapped translates, what is unmapped faults, and no register is unknown', () => {
    const system = attach(options);
    const { domain, smmu } = system;
    const page = 2 ** domain.geometry.pageShift;
    const iova = iovaOf(domain, 3 * page);
    expect(seen(system, iova)).toBe('never-mapped');
    domain.map(iova, 0x4000_0000, 5 * page, RW);
    expect(seen(system, iova + BigInt(5 * page - 1))).toBe(0x4000_0000 + 5 * page - 1);
    expect(seen(system, iova - 1n)).toBe('never-mapped');
    domain.unmap(iova, 5 * page);
    for (let i = 0; i < 5; i++) expect(seen(system, iova + BigInt(i * page))).toBe('never-mapped');
    expect([...smmu.unknown.keys()]).toEqual([]);
    expect(smmu.violations).toEqual([]);
  });

  test('after any history on any path the device, its TLB full of what was, answers as the domain does', {
    timeout: 300_000,
  }, () => {
    fc.assert(
      fc.property(draws, fc.constantFrom(...PATHS), fc.constantFrom('sync', 'write'), (history, path, at) => {
        const invalidateAt = at === 'sync' ? 'sync' : 'write';
        answersAsDomain(attach({ domain: { ...options.domain, path }, smmu: { invalidateAt } }), history);
      }),
      { numRuns: 4 },
    );
  });

  test('translation by the device (ATS1PR) equals translation by software', () => {
    const system = attach({ ...options, driver: { hardwareTranslation: true } });
    const { domain, smmu } = system;
    const page = 2 ** domain.geometry.pageShift;
    const iova = iovaOf(domain, 7 * page);
    const highest = 2 ** domain.geometry.oas - page;
    domain.map(iova, highest, page, RW);
    domain.map(iova + BigInt(page), 0x4000_0000, page, RW);
    const before = domain.meter.registerReads;
    for (const at of [0, 1, page - 1, page, page + 4095, 2 * page - 1, 2 * page]) {
      const pa = at < page ? highest + at : 0x4000_0000 + at - page;
      expect(domain.translate(iova + BigInt(at)), `${at}`).toBe(at < 2 * page ? pa : undefined);
    }
    expect(domain.meter.registerReads > before).toBe(!format.id.endsWith('-s2'));
    expect([...smmu.unknown.keys()]).toEqual([]);
  });
});

test.each(ALL.filter((one) => !DRIVEN.includes(one)))(
  'the driver refuses $name, which no SMMUv2 walks',
  ({ format, request }) => {
    expect(refusal(() => attach({ domain: { format, request } })).code).toBe('UNSUPPORTED');
  },
);

/** Performs a call as far as `safe` allows it. */
function attempt(domain: Domain, call: Call): void {
  const iova = iovaOf(domain, call.offset);
  if (call.kind === 'map') tolerate(() => domain.map(iova, call.pa, call.bytes, RW));
  else if (call.kind === 'mapSg') tolerate(() => domain.mapSg(iova, call.list, RW));
  else tolerate(() => domain.unmap(iova, call.bytes, { holes: 'skip' }));
}

/** Asks the device for every address of interest after each call, so that its TLB holds what a later call changes. */
function answersAsDomain(system: System, history: readonly Draw[]): void {
  const { domain, smmu } = system;
  const maker = new CallMaker(domain.geometry);
  const probes = new Set<bigint>();
  for (const draw of history) {
    const call = maker.make(draw, leavesOf(domain));
    if (call === undefined) continue;
    for (const at of [0, call.bytes / 2, call.bytes - 1]) probes.add(iovaOf(domain, call.offset + Math.floor(at)));
    attempt(domain, call);
    for (const probe of probes) expect(seen(system, probe)).toBe(domain.translate(probe) ?? 'never-mapped');
  }
  expect(smmu.violations).toEqual([]);
}

function tolerate(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof IommuError && ['OVERLAP', 'NOT_MAPPED'].includes(error.code))) throw error;
  }
}

describe('a device and its driver', () => {
  test('permissions, contexts and streams are as programmed', () => {
    const system = attach({ driver: { contextBank: 5, streams: [0x11, 0x22] } });
    const { domain, smmu } = system;
    domain.map(0x1000, 0x4000_0000, K4, PROT.READ);
    for (const stream of [0x11, 0x22]) {
      expect(smmu.translate(stream, 0x1000, READ)).toMatchObject({ bank: 5, result: { ok: true, pa: 0x4000_0000 } });
      expect(smmu.translate(stream, 0x1000, WRITE).result).toMatchObject({ ok: false, reason: 'permission-write' });
    }
    expect(smmu.translate(0x33, 0x1000).result).toMatchObject({ ok: false, reason: 'no-stream-match' });
  });

  test.each(['arm-64-lpae-s1', 'arm-64-lpae-s2', 'arm-v7s'])(
    '%s: unmap without its TLBI leaves a stale answer',
    (format) => {
      const system = attach({ domain: { format } });
      const { domain, port } = system;
      domain.map(0x5000, 0x4000_0000, 2 * K4, RW);
      expect(seen(system, 0x5000n)).toBe(0x4000_0000);
      port.keeps = (offset) => !isInvalidation(offset);
      domain.unmap(0x5000, 2 * K4);
      expect(domain.translate(0x5000)).toBeUndefined();
      expect(seen(system, 0x5000n)).toBe(0x4000_0000);
      expect(seen(system, 0x6000n)).toBe('never-mapped');
    },
  );

  test.each(['arm-64-lpae-s1', 'arm-64-lpae-s2', 'arm-v7s'])(
    '%s: unmap without its sync leaves a stale answer',
    (format) => {
      const system = attach({ domain: { format } });
      const { domain, port, smmu } = system;
      domain.map(0x5000, 0x4000_0000, 2 * K4, RW);
      seen(system, 0x5000n);
      port.keeps = (offset) => !isSync(offset);
      domain.unmap(0x5000, 2 * K4);
      expect(smmu.pendingInvalidations).toBe(2);
      expect(seen(system, 0x5000n)).toBe(0x4000_0000);
      port.keeps = () => true;
      domain.flushAll();
      expect(seen(system, 0x5000n)).toBe('never-mapped');
    },
  );

  test('a table freed without invalidation is refused to the walk cache that still points at it', () => {
    const system = attach();
    const { domain, port } = system;
    domain.map(0, 0x4000_0000, K4, RW);
    seen(system, 0n);
    domain.unmap(0, K4);
    port.keeps = (offset) => !isInvalidation(offset);
    domain.map(0, 0x4000_0000, M2, RW);
    expect(seen(system, 0n)).toBe('table-outside-memory');
    port.keeps = () => true;
    domain.flushAll();
    expect(seen(system, 0n)).toBe(0x4000_0000);
  });

  test('a deferred invalidation is stale until the flush by ASID', () => {
    const system = attach({ driver: { contextBank: 3 } });
    const { domain, smmu } = system;
    domain.map(0, 0x4000_0000, 3 * K4, RW);
    for (const at of [0n, 0x1000n, 0x2000n]) seen(system, at);
    domain.unmap(0, 2 * K4, { invalidation: 'later' });
    expect([seen(system, 0n), seen(system, 0x1000n)]).toEqual([0x4000_0000, 0x4000_1000]);
    domain.flushAll();
    expect([seen(system, 0n), seen(system, 0x1000n), seen(system, 0x2000n)]).toEqual([
      'never-mapped',
      'never-mapped',
      0x4000_2000,
    ]);
    expect(smmu.tlb.entries.map(({ asid }) => asid)).toEqual([3]);
  });

  test('a stage 2 flush by VMID empties its context', () => {
    const system = attach({ domain: { format: 'arm-64-lpae-s2' }, driver: { contextBank: 2 } });
    const { domain, smmu } = system;
    domain.map(0, 0x4000_0000, K4, RW);
    seen(system, 0n);
    expect(smmu.tlb.entries.map(({ vmid, asid }) => [vmid, asid])).toEqual([[3, undefined]]);
    domain.unmap(0, K4, { invalidation: 'later' });
    expect(seen(system, 0n)).toBe(0x4000_0000);
    domain.flushAll();
    expect([seen(system, 0n), smmu.tlb.entries.length]).toEqual(['never-mapped', 0]);
  });

  test.each(['address', 'asid'] as const)(
    'a whole table goes, by %s, and nothing of it is left in the device',
    (tableInvalidation) => {
      const system = attach({ driver: { tableInvalidation }, domain: { semantics: 'linux-6.1' } });
      const { domain } = system;
      domain.map(0, 0x4000_1000, M2, RW);
      for (const page of [0, 1, 300, 511]) seen(system, BigInt(page * K4));
      domain.unmap(0, M2);
      domain.map(0, 0x8000_0000, M2, RW);
      for (const page of [0, 1, 300, 511]) expect(seen(system, BigInt(page * K4))).toBe(0x8000_0000 + page * K4);
    },
  );

  test('the driver waits for a synchronisation that takes its time', () => {
    const system = attach({ smmu: { syncPolls: 7 } });
    const { domain } = system;
    domain.map(0, 0x4000_0000, K4, RW);
    seen(system, 0n);
    const before = domain.meter.tlbPolls;
    domain.unmap(0, K4);
    expect(domain.meter.tlbPolls - before).toBe(8);
    expect(seen(system, 0n)).toBe('never-mapped');
  });

  test('a map that fails halfway leaves nothing in the device', () => {
    const system = attach();
    const { domain } = system;
    domain.map(0, 0x4000_0000, K4, RW);
    domain.memory.failAfter(1);
    expect(() => domain.map(2 ** 30 - M2, 0x4000_1000, 2 * M2, RW)).toThrow(IommuError);
    domain.memory.failAfter(-1);
    expect([seen(system, BigInt(2 ** 30 - M2)), seen(system, 0n)]).toEqual(['never-mapped', 0x4000_0000]);
  });

  test('domain after domain, freed ones can no longer be reached', () => {
    const system = attach();
    system.domain.map(0, 0x4000_0000, K4, RW);
    seen(system, 0n);
    system.domain.free();
    expect(seen(system, 0n)).toBe('no-stream-match');
  });
});

describe('power', () => {
  test('a register touched without power is reported, and what was written is lost', () => {
    const system = attach({ driver: { power: { enabled: false } } });
    const { domain, smmu, port } = system;
    domain.map(0, 0x4000_0000, K4, RW);
    port.active = () => false;
    domain.unmap(0, K4);
    expect(smmu.violations.filter(({ write }) => write).map(({ offset }) => offset % K4)).toEqual([0x620, 0x7f0]);
    expect(smmu.translate(0, 0).result).toMatchObject({ ok: false, reason: 'translation-off' });
  });

  test.each(PATHS)('%s: with a suspend after every call no call touches a register without power', (path) => {
    for (const dispatch of ['indirect', 'direct'] as const) {
      for (const format of ['arm-64-lpae-s1', 'arm-v7s', 'arm-64-lpae-s2']) {
        const system = attach({ domain: { path, dispatch, format }, driver: { power: { autosuspendMs: 0 } } });
        const { domain, smmu } = system;
        exercise(system);
        expect(
          smmu.violations.map(({ offset }) => offset),
          `${dispatch} ${format}`,
        ).toEqual([]);
        expect(domain.meter.powerResumes).toBeGreaterThan(5);
        expect(domain.meter.powerGets).toBe(domain.meter.powerPuts);
      }
    }
  });

  test('after a resume the device translates as before', () => {
    let now = 0;
    const system = attach({ driver: { power: { autosuspendMs: 20, clock: () => now } } });
    const { domain, smmu, port } = system;
    domain.map(0x1000, 0x4000_0000, K4, RW);
    now = 100;
    port.follow();
    expect(smmu.powered).toBe(false);
    expect(seen(system, 0x1000n)).toBe('translation-off');
    domain.map(0x2000, 0x4000_1000, K4, RW);
    domain.flushAll();
    expect([seen(system, 0x1000n), seen(system, 0x2000n)]).toEqual([0x4000_0000, 0x4000_1000]);
  });
});

/** Every kind of call that ends in TLB maintenance: unmaps, splits, freed tables, refusals that are taken back. */
function exercise({ domain }: System): void {
  const large = domain.geometry.format === 'arm-v7s' ? 2 ** 20 : M2;
  const list = [1, 5, 9].map((page) => ({ address: 0x5000_0000 + page * K4, length: K4 }));
  domain.map(large, 0x4000_0000, large, RW);
  domain.unmap(large, K4);
  domain.mapSg(0, list, RW);
  domain.unmap(0, 3 * K4);
  domain.map(0, 0x4000_0000, large, RW);
  domain.unmap(0, large, { invalidation: 'later' });
  domain.flushAll();
  for (let granted = 0; granted < 4; granted++) {
    domain.memory.failAfter(granted);
    tolerateNoMemory(() => {
      domain.mapSg(2 ** 31 - K4, list, RW);
      domain.unmap(2 ** 31 - K4, 3 * K4);
    });
    domain.memory.failAfter(-1);
  }
  domain.unmap(2 * large - K4, K4);
  domain.translate(0);
  domain.free();
}

function tolerateNoMemory(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof IommuError && error.code === 'NO_MEMORY')) throw error;
  }
}
