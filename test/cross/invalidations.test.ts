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
  ['intel-vtd', 'vtd-ss', vtd, new Map([['CAP', 0x80d2_008c_222f_0606n]])],
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
      const from = iova - (iova % M2);
      const whole = Math.ceil((iova + bytes - from) / M2) * M2;
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

describe.each(UNITS)('the driver of %s', (name, format, make, registers) => {
  const ready = () => bench(name, format, make, registers);
  const errors = ({ live }: Bench) => live.checker.findings.filter(({ severity }) => severity === 'error');

  it('has no error over random maps, unmaps and accesses', () => {
    const one = ready();
    const next = numbers(11);
    for (let i = 0; i < CALLS; i++) {
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
