/**
 * Drivers beside the invalidation checker: it reads the tables before each command that a live unit consumes. The drivers are
 * clean; bugs planted in the commands on their way to the unit are named.
 */
import { describe, expect, it } from 'vitest';
import { Domain } from '../../src/core/index.ts';
import {
  checkerRules,
  LiveAmdVi,
  LiveChecker,
  LiveRiscv,
  LiveSmmuV3,
  LiveVtd,
  type TableWatch,
  type UnitObserver,
} from '../../src/device/index.ts';
import type { LiveUnit } from '../../src/device/unit.ts';
import {
  amdVi,
  armSmmuV3,
  type DomainContext,
  type DriverFactory,
  intelVtd,
  riscvIommu,
} from '../../src/drivers/index.ts';
import type { DomainTables } from '../../src/hardware/iommu.ts';

const K4 = 4096;
const M2 = 2 ** 21;
/** What a call may change around its range: AMD's pages of 4M are split, too. */
const AROUND = 2 * M2;
const BASE = 2 ** 32 - 4 * M2;
const PAGES = (8 * M2) / K4;
const DEVICE = 0x18;

/** What becomes of the words of a command before the unit sees them. */
type Plant = (words: Uint32Array, number: number) => void;

interface Bench {
  readonly domain: Domain;
  readonly unit: LiveUnit;
  readonly live: LiveChecker;
  readonly watch: TableWatch;
  call(work: () => void, iova: number, bytes: number, strict?: boolean): void;
}

/** A unit whose fetched commands pass a plant; calls before `armed` are left alone. */
function planted<T extends new (...args: never[]) => LiveUnit>(Base: T, plant: { now: Plant | undefined }): T {
  // biome-ignore lint/suspicious/noExplicitAny: a mixin's constructor takes any arguments
  abstract class Planted extends (Base as any) {
    fetch(address: number, count: number): boolean {
      const done = super.fetch(address, count);
      if (done) plant.now?.(this['words'], this['consumed']);
      return done;
    }
  }
  return Planted as unknown as T;
}

type Make = (
  context: DomainContext,
  observer: UnitObserver,
  plant: { now: Plant | undefined },
) => {
  readonly unit: LiveUnit;
  readonly driver: DriverFactory;
};

const smmu: Make = ({ memory }, observer, plant) => {
  const unit = new (planted(LiveSmmuV3, plant))(memory, { observer });
  return { unit, driver: armSmmuV3({ port: unit, streams: [DEVICE], kernel: '6.12' }) };
};
const vtd: Make = ({ memory }, observer, plant) => {
  const unit = new (planted(LiveVtd, plant))(memory, { observer });
  return { unit, driver: intelVtd({ port: unit, sources: [DEVICE], kernel: '6.12' }) };
};
const amd: Make = ({ memory }, observer, plant) => {
  const unit = new (planted(LiveAmdVi, plant))(memory, { observer });
  return { unit, driver: amdVi({ port: unit, devices: [DEVICE], kernel: '6.12' }) };
};
const riscv: Make = ({ memory }, observer, plant) => {
  const unit = new (planted(LiveRiscv, plant))(memory, { observer });
  return { unit, driver: riscvIommu({ port: unit, devices: [DEVICE], kernel: '7.3' }) };
};

const UNITS: readonly [string, string, Make, Map<string, bigint>][] = [
  ['arm-smmu-v3', 'arm-64-lpae-s1', smmu, new Map([['IDR3', 0x1414n]])],
  ['intel-vtd', 'vtd-ss', vtd, new Map([['CAP', 0x81d2_008c_222f_0606n]])],
  ['amd-vi', 'amd-v1', amd, new Map()],
  ['riscv-iommu', 'riscv-sv48', riscv, new Map()],
];

function bench(
  name: string,
  format: string,
  make: Make,
  registers: Map<string, bigint>,
): Bench & { plant: { now: Plant | undefined } } {
  const plant: { now: Plant | undefined } = { now: undefined };
  const made: { unit?: LiveUnit; live?: LiveChecker } = {};
  const observer: UnitObserver = {
    consuming: (begins) => made.live?.checker.consuming(begins),
    consumed: (command) => made.live?.checker.consumed(command),
    completed: () => made.live?.checker.completed(),
    accessed: (access) => made.live?.checker.accessed(access),
  };
  const domain = new Domain({
    format,
    driver: (context) => {
      const { unit, driver } = make(context, observer, plant);
      made.unit = unit;
      return driver(context);
    },
  });
  const rules = checkerRules(name, registers);
  const { unit } = made;
  if (unit === undefined || rules === undefined) throw new Error('no unit');
  const live = new LiveChecker(domain.memory, rules);
  made.live = live;
  const { tables } = (unit as LiveUnit & { model: { context(s: number): { tables?: DomainTables } } }).model.context(
    DEVICE,
  );
  if (tables?.tag === undefined) throw new Error('no tables');
  const watch = live.watch(tables, tables.tag);
  return {
    plant,
    domain,
    unit,
    live,
    watch,
    call: (work, iova, bytes, strict = true) => {
      // Splitting a block changes what is around the range, too
      const from = iova - (iova % AROUND);
      const whole = Math.ceil((iova + bytes - from) / AROUND) * AROUND;
      live.begin(watch, from, whole);
      work();
      live.end(watch, from, whole, strict);
    },
  };
}

function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Calls in all; a longer run sets more. */
const CALLS = Number(process.env['IOMMU_CHECKED_CALLS'] ?? 600);

const errors = ({ live }: Bench) => live.checker.findings.filter(({ severity }) => severity === 'error');

/** Maps, unmaps with holes and splits, and accesses of a device, `calls` times. */
function randomCalls(one: Bench, calls: number): void {
  const next = numbers(11);
  for (let i = 0; i < calls; i++) {
    const page = next(PAGES - 1100);
    const aligned = next(3) === 0;
    const iova = BASE + (aligned ? page - (page % 512) : page) * K4;
    const bytes = ([1, 1, 1, 2, 16, 511, 512, 1024][next(8)] ?? 1) * K4;
    one.call(
      () => {
        if (next(2) === 0) one.domain.unmap(iova, bytes, { holes: 'skip' });
        else {
          try {
            one.domain.map(iova, 2 ** 33 + (iova - BASE) + (aligned ? 0 : K4), bytes, 3);
          } catch {
            // something is mapped there already
          }
        }
      },
      iova,
      bytes,
    );
    for (let j = 0; j < 4; j++) one.unit.touch(DEVICE, BASE + next(PAGES) * K4);
  }
}

describe.each(UNITS)('the driver of %s', (name, format, make, registers) => {
  const ready = () => bench(name, format, make, registers);

  it('has no error over random maps, unmaps and accesses', () => {
    const one = ready();
    randomCalls(one, CALLS);
    expect(errors(one).map(({ rule, text }) => `${rule}: ${text}`)).toEqual([]);
  });

  const IOVA = BASE + 16 * K4;

  /** Maps, lets the device touch, and unmaps with a plant in the commands that invalidate the TLB. */
  function broken(change: (words: Uint32Array) => void, bytes = K4): Bench {
    const one = ready();
    const { decoder } = one.live.checker.rules;
    one.call(() => one.domain.map(IOVA - 16 * K4, 2 ** 33 + K4, M2, 3), IOVA - 16 * K4, M2);
    one.unit.touch(DEVICE, IOVA);
    one.plant.now = (words) => {
      if (decoder.decode(words).scope.kind === 'tlb') change(words);
    };
    one.call(() => one.domain.unmap(bytes === K4 ? IOVA : IOVA - 16 * K4, bytes), IOVA - 16 * K4, M2);
    one.plant.now = undefined;
    return one;
  }

  it('planted: invalidations are dropped on their way', () => {
    const harmless: Readonly<Record<string, readonly number[]>> = {
      'arm-smmu-v3': [1, 0, 0, 0],
      'intel-vtd': [4, 0, 0, 0],
      'amd-vi': [0, 0x5000_0000, 0, 0],
      'riscv-iommu': [4 + 0x80, 0, 0, 0],
    };
    const one = broken((words) => words.set(harmless[name] ?? []));
    expect(errors(one).map(({ rule }) => rule)).toEqual(['missing']);
    expect(one.unit.touch(DEVICE, IOVA)).toBeGreaterThan(0);
    expect(errors(one).map(({ rule }) => rule)).toEqual(['missing', 'stale-use']);
  });

  it('planted: another ASID, domain id or PSCID', () => {
    const tags: Readonly<Record<string, readonly [word: number, bits: number]>> = {
      'arm-smmu-v3': [1, 0x70_0000],
      'intel-vtd': [0, 0x70_0000],
      'amd-vi': [1, 0x70],
      'riscv-iommu': [0, 0x70_0000],
    };
    const [word = 0, bits = 0] = tags[name] ?? [];
    const one = broken((words) => {
      words[word] = (words[word] ?? 0) ^ bits;
    });
    expect(errors(one).map(({ rule, text }) => [rule, text.includes('another domain')])).toEqual([
      ['too-narrow', true],
    ]);
  });

  it('planted: another page', () => {
    const one = broken((words) => {
      words[2] = (words[2] ?? 0) ^ (name === 'riscv-iommu' ? 0x100_0000 : 0x400_0000);
    });
    expect(errors(one).map(({ rule }) => rule)).toEqual(['missing']);
  });

  it('planted: leaves only, where a table was freed', () => {
    const one = broken((words) => {
      if (name === 'arm-smmu-v3') words[2] = (words[2] ?? 0) | 1;
      else if (name === 'intel-vtd') words[2] = (words[2] ?? 0) | 0x40;
      else if (name === 'amd-vi') words[2] = (words[2] ?? 0) & ~2;
      else words.set([(words[0] ?? 0) | 0x400, words[1] ?? 0, (BASE / K4) * 1024, 0]);
    }, M2);
    const narrow = errors(one).filter(({ rule, text }) => rule === 'too-narrow' && text.startsWith('table entry'));
    expect(narrow.length).toBeGreaterThan(0);
  });
});

const smmuOf =
  (kernel: '6.1' | '6.12' | '7.3', rangeInvalidation: boolean): Make =>
  ({ memory }, observer) => {
    const unit = new LiveSmmuV3(memory, { observer });
    return { unit, driver: armSmmuV3({ port: unit, streams: [DEVICE], kernel, rangeInvalidation }) };
  };
const vtdOf =
  (kernel: '6.1' | '7.3'): Make =>
  ({ memory }, observer) => {
    const unit = new LiveVtd(memory, { observer });
    return { unit, driver: intelVtd({ port: unit, sources: [DEVICE], kernel }) };
  };
const amdOf =
  (kernel: '6.1' | '7.3'): Make =>
  ({ memory }, observer) => {
    const unit = new LiveAmdVi(memory, { observer });
    return { unit, driver: amdVi({ port: unit, devices: [DEVICE], kernel }) };
  };
// RISC-V IOMMU 1.0, 5.3: Sv39 to Sv57, 56-bit addresses, process directories; NL 42, S 43
const RISCV_CAPABILITIES = 0x01f8_e2cf_4f10n;
const RISCV_NON_LEAF = 1n << 42n;
const RISCV_RANGES = 1n << 43n;
const riscvOf =
  (kernel: '6.13' | '7.3', extras = 0n): Make =>
  ({ memory }, observer) => {
    const unit = new LiveRiscv(memory, { observer, capabilities: RISCV_CAPABILITIES | extras });
    return { unit, driver: riscvIommu({ port: unit, devices: [DEVICE], kernel }) };
  };

const RANGES = new Map([['IDR3', 0x1414n]]);
const NO_RANGES = new Map([['IDR3', 0x1010n]]);

/** What each kernel sends, with and without the ranges of a unit. */
const OTHERS: readonly [string, string, string, Make, Map<string, bigint>][] = [
  ['6.1', 'arm-smmu-v3', 'arm-64-lpae-s1', smmuOf('6.1', true), RANGES],
  ['6.1 without ranges', 'arm-smmu-v3', 'arm-64-lpae-s1', smmuOf('6.1', false), NO_RANGES],
  ['6.12 without ranges', 'arm-smmu-v3', 'arm-64-lpae-s1', smmuOf('6.12', false), NO_RANGES],
  ['7.3', 'arm-smmu-v3', 'arm-64-lpae-s1', smmuOf('7.3', true), RANGES],
  ['7.3 without ranges', 'arm-smmu-v3', 'arm-64-lpae-s1', smmuOf('7.3', false), NO_RANGES],
  ['6.12, second stage', 'arm-smmu-v3', 'arm-64-lpae-s2', smmuOf('6.12', true), RANGES],
  ['6.1', 'intel-vtd', 'vtd-ss', vtdOf('6.1'), new Map()],
  ['7.3', 'intel-vtd', 'vtd-ss', vtdOf('7.3'), new Map()],
  ['6.1', 'amd-vi', 'amd-v1', amdOf('6.1'), new Map()],
  ['7.3', 'amd-vi', 'amd-v1', amdOf('7.3'), new Map()],
  ['6.13', 'riscv-iommu', 'riscv-sv48', riscvOf('6.13'), new Map()],
  ['7.3 with ranges', 'riscv-iommu', 'riscv-sv39', riscvOf('7.3', RISCV_RANGES), new Map()],
  [
    '7.3 with ranges and table entries',
    'riscv-iommu',
    'riscv-sv48',
    riscvOf('7.3', RISCV_RANGES | RISCV_NON_LEAF),
    new Map(),
  ],
];

describe.each(OTHERS)('as Linux %s drives %s', (_kernel, name, format, make, registers) => {
  it('blocks go and are split without an error', () => {
    const one = bench(name, format, make, registers);
    const call = (what: 'map' | 'unmap', iova: number, bytes: number) =>
      one.call(
        () => (what === 'map' ? one.domain.map(iova, 2 ** 33 + iova - BASE, bytes, 3) : one.domain.unmap(iova, bytes)),
        iova,
        bytes,
      );
    for (const bytes of [M2, 2 * M2]) {
      call('map', BASE, bytes);
      one.unit.touch(DEVICE, BASE + 5 * K4);
      call('unmap', BASE, bytes);
      expect(one.unit.touch(DEVICE, BASE + 5 * K4)).toBe(-1);
    }
    call('map', BASE, 2 * M2);
    for (const page of [1, 5, 600]) one.unit.touch(DEVICE, BASE + page * K4);
    for (const page of [5, 21, 600]) {
      call('unmap', BASE + page * K4, K4);
      expect(one.unit.touch(DEVICE, BASE + page * K4)).toBe(-1);
    }
    expect(errors(one).map(({ rule, text }) => `${rule}: ${text}`)).toEqual([]);
  });

  it('random maps, unmaps and accesses have no error', () => {
    const one = bench(name, format, make, registers);
    randomCalls(one, CALLS / 2);
    expect(errors(one).map(({ rule, text }) => `${rule}: ${text}`)).toEqual([]);
  });
});

it('without a level of break-before-make, only splits of blocks are errors, and refusing them has none', () => {
  const registers = new Map([['IDR3', 0x0404n]]);
  const split = bench('arm-smmu-v3', 'arm-64-lpae-s1', smmuOf('6.12', true), registers);
  split.call(() => split.domain.map(BASE, 2 ** 33, M2, 3), BASE, M2);
  split.call(() => split.domain.unmap(BASE + K4, K4), BASE + K4, K4);
  expect(errors(split).map(({ rule }) => rule)).toEqual(['break-before-make']);

  const refused = bench('arm-smmu-v3', 'arm-64-lpae-s1', smmuOf('6.12', true), registers);
  refused.call(() => refused.domain.map(BASE, 2 ** 33, M2, 3), BASE, M2);
  refused.call(
    () => expect(() => refused.domain.unmap(BASE + K4, K4, { partialBlocks: 'refuse' })).toThrow(),
    BASE + K4,
    K4,
  );
  refused.call(() => refused.domain.unmap(BASE, M2), BASE, M2);
  expect(errors(refused)).toEqual([]);
});
