import { describe, expect, it } from 'vitest';
import { checkerRules } from '../../src/device/checker/rules.ts';
import type { TableWatch } from '../../src/device/checker/table-watch.ts';
import type { InvalidationRule } from '../../src/device/checker/types.ts';
import { LiveChecker } from '../../src/device/checker/watched.ts';
import type { LiveUnit, UnitOptions } from '../../src/device/unit.ts';
import type { DomainTables } from '../../src/hardware/iommu.ts';
import { SYSTEMS, type TestSystem } from './systems.ts';

const A = 0x1234_5000;
const BLOCK = 0x4000_0000;

interface Watched {
  readonly system: TestSystem;
  readonly live: LiveChecker;
  readonly watch: TableWatch;
  /** Verdicts of errors, or of all severities. */
  rules(all?: boolean): InvalidationRule[];
  /** One call that changes a range: what it does, and whether it is strict. */
  call(work: () => void, iova?: number, bytes?: number, strict?: boolean): void;
}

function tablesOf(system: TestSystem): DomainTables {
  const { model } = system.unit as LiveUnit & { model: { context(stream: number): { tables?: DomainTables } } };
  const { tables } = model.context(system.stream);
  if (tables?.tag === undefined) throw new Error('no tables');
  return tables;
}

function watched(
  make: (options?: UnitOptions) => TestSystem,
  registers: ReadonlyMap<string, bigint> = new Map(),
  options: UnitOptions = {},
): Watched {
  let live: LiveChecker | undefined;
  const observer = {
    consuming: (begins: boolean) => live?.checker.consuming(begins),
    consumed: (command: Parameters<LiveChecker['checker']['consumed']>[0]) => live?.checker.consumed(command),
    completed: () => live?.checker.completed(),
    accessed: (access: Parameters<LiveChecker['checker']['accessed']>[0]) => live?.checker.accessed(access),
  };
  const system = make({ ...options, observer });
  const rules = checkerRules(system.name, registers);
  if (rules === undefined) throw new Error('no rules');
  const checked = new LiveChecker(system.ram, rules);
  live = checked;
  const tables = tablesOf(system);
  const watch = checked.watch(tables, tables.tag ?? { domain: 0, space: 0, stages: 1 });
  return {
    system,
    live: checked,
    watch,
    rules: (all = false) =>
      checked.checker.findings.filter(({ severity }) => all || severity === 'error').map(({ rule }) => rule),
    call: (work, iova = A, bytes = 4096, strict = true) => {
      checked.begin(watch, iova, bytes);
      work();
      checked.end(watch, iova, bytes, strict);
    },
  };
}

const depthOf = (system: TestSystem): number => (system.name === 'riscv-iommu' ? 2 : 3);

describe.each(SYSTEMS)('the invalidation checker, %s', (_name, make) => {
  const mapped = (registers?: ReadonlyMap<string, bigint>, options?: UnitOptions): Watched => {
    const all = watched(make, registers, options);
    all.call(() => all.system.map(A, 0x9000_1000));
    all.system.unit.touch(all.system.stream, A);
    return all;
  };

  it('a clean unmapping has no verdict at all', () => {
    const { call, system, rules } = mapped();
    call(() => {
      system.unmap(A);
      system.invalidate(A, true);
      system.sync();
    });
    expect(rules(true)).toEqual([]);
    expect(system.unit.touch(system.stream, A)).toBe(-1);
  });

  it('planted: the invalidation is dropped', () => {
    const { call, system, rules, live } = mapped();
    call(() => system.unmap(A));
    expect(rules()).toEqual(['missing']);
    system.unit.touch(system.stream, A);
    expect(rules()).toEqual(['missing', 'stale-use']);
    expect(live.checker.findings[0]?.cost).toMatchObject({ pages: 1, accesses: 1 });
  });

  it('planted: the completion is dropped', () => {
    const { call, system, rules } = mapped();
    call(() => {
      system.unmap(A);
      system.invalidate(A, true);
    });
    expect(rules()).toEqual(['not-completed']);
  });

  it('planted: the completion comes after the return', () => {
    const { call, system, rules } = mapped();
    call(() => {
      system.unmap(A);
      system.invalidate(A, true);
    });
    system.sync();
    expect(rules()).toEqual(['late']);
  });

  it('planted: the invalidation is made visible before the entry is cleared', () => {
    const { call, system, rules, live } = mapped();
    call(() => {
      system.invalidate(A, true);
      system.sync();
      system.unmap(A);
    });
    expect(rules()).toEqual(['wrong-order']);
    expect(live.checker.findings.map(({ rule }) => rule)).toContain('needless');
  });

  it('planted: one page of two is left out', () => {
    const { call, system, rules, live } = mapped();
    call(() => system.map(A + 0x1000, 0x9000_2000), A, 8192);
    call(
      () => {
        system.unmap(A);
        system.unmap(A + 0x1000);
        system.invalidate(A, true);
        system.sync();
      },
      A,
      8192,
    );
    expect(rules()).toEqual(['too-narrow']);
    expect(live.checker.findings.at(-1)?.text).toContain('0x12346000');
  });

  it('planted: another address space is named', () => {
    const { call, system, rules } = mapped();
    call(() => {
      system.unmap(A);
      system.invalidateTag(9);
      system.sync();
    });
    expect(rules()).toEqual(['too-narrow']);
  });

  it('planted: leaves only, though a table was unlinked and freed', () => {
    const { call, system, rules, live } = mapped();
    const parent = system.entry(A, depthOf(system) - 1);
    const table = system.entry(A) - (system.entry(A) % 4096);
    call(
      () => {
        system.ram.write64(parent, 0n);
        system.invalidate(A, true);
        system.sync();
        live.checker.freed(table);
      },
      A - (A % 0x20_0000),
      0x20_0000,
    );
    expect(rules()).toContain('too-narrow');
    expect(live.checker.findings.find(({ rule }) => rule === 'too-narrow')?.text).toContain('leaves only');
  });

  it('planted: a table is freed before its invalidation is complete', () => {
    const { call, system, rules, live } = mapped();
    const parent = system.entry(A, depthOf(system) - 1);
    const table = system.entry(A) - (system.entry(A) % 4096);
    call(
      () => {
        system.ram.write64(parent, 0n);
        live.checker.freed(table);
        system.invalidateTag();
        system.sync();
      },
      A - (A % 0x20_0000),
      0x20_0000,
    );
    expect(rules()).toEqual(['late']);
    expect(live.checker.findings[0]?.text).toContain('its table was freed');
  });

  it('planted: the same invalidation twice, and one for a page never mapped, are needless', () => {
    const { call, system, live, rules } = mapped();
    call(() => {
      system.unmap(A);
      system.invalidate(A, true);
      system.invalidate(A, true);
      system.invalidate(BLOCK, true);
      system.sync();
    });
    expect(rules()).toEqual([]);
    const needless = live.checker.findings.filter(({ rule }) => rule === 'needless');
    expect(needless.map(({ cost }) => cost.commands)).toEqual([2]);
  });

  it('one page takes the whole entry of a block where the unit does so, and is too narrow where it does not', () => {
    const all = watched(make);
    const { system } = all;
    const depth = depthOf(system) - 1;
    const [block, bytes] = [BLOCK, 2 ** 21];
    all.call(() => system.map(block, 0x9000_0000, depth), block, bytes);
    system.unit.touch(system.stream, block + 0x5000);
    all.call(
      () => {
        system.unmap(block, depth);
        system.invalidate(block + 0x3000, true);
        system.sync();
      },
      block,
      bytes,
    );
    expect(all.rules()).toEqual(all.live.checker.rules.wholeEntry ? [] : ['too-narrow']);
    expect(all.live.checker.rules.wholeEntry).toBe(['arm-smmu-v3', 'riscv-iommu'].includes(system.name));
  });

  it('planted: everything of a tag for one page is too wide', () => {
    const { call, system, live } = mapped();
    call(() => {
      system.unmap(A);
      system.invalidateTag();
      system.sync();
    });
    expect(live.checker.findings.map(({ rule }) => rule)).toEqual(['too-wide']);
    expect(live.checker.findings[0]?.text).toContain('1 changed');
  });

  it('planted: addresses are given out again before the invalidation', () => {
    const { call, system, rules } = mapped();
    call(() => system.unmap(A), A, 4096, false);
    call(() => system.map(A, 0xa000_1000), A, 4096, false);
    expect(rules()).toEqual([system.name === 'arm-smmu-v3' ? 'break-before-make' : 'missing']);
  });

  it('a valid entry that becomes another valid one breaks the rule where there is one, and needs an invalidation everywhere', () => {
    const { call, system, rules } = mapped();
    call(() => {
      system.map(A, 0xa000_1000);
      system.invalidate(A, true);
      system.sync();
    });
    expect(rules()).toEqual(system.name === 'arm-smmu-v3' ? ['break-before-make'] : []);
    const relaxed = mapped(new Map([['IDR3', 2n << 11n]]));
    relaxed.call(() => {
      relaxed.system.map(A, 0xa000_1000);
      relaxed.system.invalidate(A, true);
      relaxed.system.sync();
    });
    expect(relaxed.rules()).toEqual([]);
  });

  it('planted: a tag stands for other tables without an invalidation of all of it', () => {
    const { system, live, rules } = mapped();
    const tables = tablesOf(system);
    const tag = tables.tag ?? { domain: 0, space: 0, stages: 1 };
    const use = (root: number) => ({ tag, root });
    const [first, second] = [use(tables.root), use(tables.root + 0x1000)];
    live.checker.configChanged({ stream: 1, substream: -1, wasValid: false, after: first });
    live.checker.configChanged({ stream: 1, substream: -1, wasValid: true, before: first });
    live.checker.configChanged({ stream: 2, substream: -1, wasValid: false, after: second });
    expect(rules()).toEqual(['tag-reuse']);
    live.checker.configChanged({ stream: 2, substream: -1, wasValid: true, before: second });
    system.invalidateTag();
    system.sync();
    live.checker.configChanged({ stream: 3, substream: -1, wasValid: false, after: first });
    expect(rules()).toEqual(['tag-reuse']);
  });

  it('planted: the configuration of a stream changes and is not asked for', () => {
    const { system, live, rules } = mapped();
    const { stream } = system;
    live.checker.configChanged({ stream, substream: -1, wasValid: true });
    live.checker.configDone(stream);
    expect(rules()).toEqual(['missing']);
    live.checker.configChanged({ stream, substream: -1, wasValid: true });
    system.invalidateConfig();
    system.sync();
    live.checker.configDone(stream);
    expect(rules()).toEqual(['late']);
  });

  it('planted: the TLB of a device is asked first, or not at all', () => {
    const { call, system, rules, live, watch } = mapped();
    live.checker.deviceCaches(system.stream, watch.tag);
    call(() => {
      system.unmap(A);
      system.invalidate(A, true);
      system.sync();
    });
    expect(rules()).toEqual(['missing']);
    const other = mapped();
    other.live.checker.deviceCaches(other.system.stream, other.watch.tag);
    other.call(() => {
      other.system.unmap(A);
      other.system.invalidateDevice(A);
      other.system.invalidate(A, true);
      other.system.sync();
    });
    expect(other.rules()).toEqual(other.system.name === 'intel-vtd' ? [] : ['wrong-order']);
  });

  it('a lazy unmapping is judged when its addresses are given back', () => {
    const { call, system, rules, live, watch } = mapped();
    call(() => system.unmap(A), A, 4096, false);
    system.unit.touch(system.stream, A);
    expect(rules()).toEqual([]);
    expect(rules(true)).toEqual(['stale-use']);
    system.invalidateTag();
    system.sync();
    live.checker.done(watch.tag, A / 4096, 1);
    expect(rules()).toEqual([]);
  });

  it('random operations of a driver without bugs have no error', () => {
    const { call, system, rules } = watched(make, new Map(), { dropAt: 'random', tlb: { entries: 32, ways: 4 } });
    let state = 7;
    const next = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const held = new Map<number, number>();
    for (let i = 0; i < 2000; i++) {
      const iova = BLOCK + next(64) * 4096;
      const pa = 0x9000_0000 + next(1 << 16) * 4096;
      if (held.has(iova)) {
        call(
          () => {
            system.unmap(iova);
            system.invalidate(iova, true);
            system.sync();
          },
          iova,
          4096,
        );
        held.delete(iova);
      } else {
        call(() => system.map(iova, pa), iova, 4096);
        held.set(iova, pa);
      }
      const probe = BLOCK + next(64) * 4096;
      expect(system.unit.touch(system.stream, probe)).toBe(held.get(probe) ?? -1);
    }
    expect(rules(true)).toEqual([]);
  });
});

describe('verdicts of one unit', () => {
  const [smmu, vtd, amd, riscv] = SYSTEMS.map(([, make]) => make) as [
    (typeof SYSTEMS)[0][1],
    (typeof SYSTEMS)[0][1],
    (typeof SYSTEMS)[0][1],
    (typeof SYSTEMS)[0][1],
  ];
  const unmapped = (make: typeof smmu, send: (system: TestSystem) => void, registers?: ReadonlyMap<string, bigint>) => {
    const all = watched(make, registers);
    all.call(() => all.system.map(A, 0x9000_1000));
    all.call(() => {
      all.system.unmap(A);
      send(all.system);
      all.system.sync();
    });
    return all.live.checker.findings;
  };

  it.each([
    ['TTL 2 for a leaf at level 3', 0x0005_0000_0020_0012n, BigInt(A) | 0x601n, 'too-narrow', 'another level'],
    [
      'TG of 16K for tables of 4K',
      0x0005_0000_0020_0012n,
      BigInt(A - (A % 0x4000)) | 0xb01n,
      'too-narrow',
      'another granule',
    ],
    ['another VMID', 0x0005_0007_0000_0012n, BigInt(A) | 1n, 'too-narrow', 'another domain'],
  ])('planted, SMMUv3: %s', (_name, low, high, rule, text) => {
    const findings = unmapped(smmu, ({ command }) => command(low, high));
    expect(findings.find((one) => one.rule === rule)?.text).toContain(text);
  });

  it('planted, SMMUv3: an address that is not aligned to its TTL is unpredictable', () => {
    const findings = unmapped(smmu, ({ command, invalidate }) => {
      command(0x0005_0000_0020_0012n, BigInt(A) | 0x601n);
      invalidate(A, true);
    });
    expect(findings.map(({ rule }) => rule)).toContain('unpredictable');
  });

  it('planted, VT-d: AM beyond MAMV is unpredictable, and 1024 pages for one too wide', () => {
    const findings = unmapped(
      vtd,
      ({ command }) => command(0x400f2n, 0x1200_0000n | 0xan),
      new Map([['CAP', 9n << 48n]]),
    );
    expect(findings.map(({ rule }) => rule)).toEqual(expect.arrayContaining(['unpredictable', 'too-wide']));
    expect(findings.find(({ rule }) => rule === 'too-wide')?.text).toContain('1024 times');
  });

  it.each([
    ['VT-d with CAP.CM', vtd, new Map([['CAP', 1n << 7n]])],
    ['AMD-Vi with NpCache', amd, new Map([['NP_CACHE', 1n]])],
  ])('planted, %s: a mapping is not asked for', (_name, make, registers) => {
    const all = watched(make, registers);
    all.call(() => all.system.map(A, 0x9000_1000));
    expect(all.rules()).toEqual(['missing']);
  });

  it('planted, RISC-V: GVMA with PSCV is illegal', () => {
    const findings = unmapped(riscv, ({ command, invalidate }) => {
      invalidate(A, true);
      command(1n | (1n << 7n) | (1n << 32n), 0n);
    });
    expect(findings.map(({ rule }) => rule)).toContain('unpredictable');
  });

  it.each([
    ['NL', 1n << 34n, 0n, 1n << 42n],
    ['S', 0n, 1n << 9n, 1n << 43n],
  ])('planted, RISC-V: %s is set without its capability: flagged, and of no use', (name, low, high, capability) => {
    const send = ({ command }: TestSystem): void =>
      command((1n << 32n) | (6n << 12n) | (1n << 10n) | 1n | low, (BigInt(A / 4096) << 10n) | high);
    const without = unmapped(riscv, send, new Map([['CAPABILITIES', 0n]]));
    expect(without.map(({ rule }) => rule)).toEqual(['unpredictable', 'missing']);
    expect(without[0]?.text).toContain(`${name} is set, and capabilities.${name} is 0`);
    const bare = unmapped(
      riscv,
      ({ command }) => command((6n << 12n) | low | 1n, high),
      new Map([['CAPABILITIES', 0n]]),
    );
    expect(bare.map(({ rule }) => rule)).toContain('unpredictable');
    for (const registers of [new Map([['CAPABILITIES', capability]]), new Map<string, bigint>()]) {
      expect(unmapped(riscv, send, registers).filter(({ severity }) => severity === 'error')).toEqual([]);
    }
  });

  it('rights that are lowered and not asked for are missing, rights that are raised a warning', () => {
    for (const [before, after, severity] of [
      [3n, 1n, 'error'],
      [1n, 3n, 'warning'],
    ] as const) {
      const all = watched(vtd);
      const entry = all.system.entry(A);
      all.call(() => all.system.ram.write64(entry, 0x9000_1000n | before));
      all.call(() => all.system.ram.write64(entry, 0x9000_1000n | after));
      expect(all.live.checker.findings.map((one) => [one.rule, one.severity])).toEqual([['missing', severity]]);
    }
  });
});
