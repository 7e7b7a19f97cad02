import { beforeEach, describe, expect, it } from 'vitest';
import { type CheckOptions, type CheckReport, checkDecoding, RULES } from '../../src/dump/check/check.ts';
import { decodeDump, decodeGiven } from '../../src/dump/decode.ts';
import { givenTables } from '../../src/hardware/given.ts';
import { captures, readCapture } from './captures.ts';
import { PagesReader } from './memory.ts';
import { System } from './system.ts';

let system: System;
let root: number;

beforeEach(() => {
  system = new System();
  root = system.stage1(1);
  system.map(root, 0x10000, 0x40010000);
});

function check(options: CheckOptions = {}): CheckReport {
  return checkDecoding(system.memory, decodeDump(system.input), options);
}

/** Rules broken, but for the infos that Linux always gives. */
function broken(report: CheckReport): string[] {
  return [...new Set(report.findings.filter(({ severity }) => severity !== 'info').map(({ rule }) => rule))];
}

const LEAF = 0xf47n;
/** Rule → what to plant, and what the finding must be. */
const PLANTED: Readonly<Record<string, () => { options?: CheckOptions; iova?: bigint; bytes?: number }>> = {
  'translation-off': () => {
    system.named.set('CR0', 0xcn);
    return {};
  },
  'queue-off': () => {
    system.named.set('CR0', 0x5n);
    return {};
  },
  'error-pending': () => {
    system.named.set('GERROR', 0x4n);
    return {};
  },
  'context-broken': () => {
    system.stage1(2);
    const cd = Number((system.memory.read64(system.strtab + 128) ?? 0n) & 0xfffffffffc0n);
    system.memory.write64(cd, (system.memory.read64(cd) ?? 0n) & ~0x80000000n);
    return {};
  },
  'reserved-bits': () => {
    system.map(root, 0x20000, 0x40020000, 3, 1n);
    system.memory.write64(system.map(root, 0x20000, 0), 0x40020741n);
    return { iova: 0x20000n, bytes: 4096 };
  },
  'misaligned-block': () => {
    system.map(root, 0x400000, 0x40201000, 2, LEAF);
    return { iova: 0x400000n, bytes: 0x200000 };
  },
  'block-not-allowed': () => {
    system.map(root, 2 ** 40, 0x40000000, 0, LEAF);
    return { iova: 2n ** 40n, bytes: 2 ** 39 };
  },
  'output-too-large': () => {
    system.map(root, 0x30000, 2 ** 44, 3, LEAF);
    return { iova: 0x30000n, bytes: 4096 };
  },
  loop: () => {
    system.memory.write64(root + 8 * 5, BigInt(root) | 3n);
    return { iova: 5n << 39n, bytes: 2 ** 39 };
  },
  'start-level': () => {
    const cd = Number((system.memory.read64(system.strtab + 64) ?? 0n) & 0xfffffffffc0n);
    system.memory.write64(cd, ((system.memory.read64(cd) ?? 0n) & ~0x3fn) | 2n);
    return {};
  },
  'table-outside-memory': () => {
    system.memory.write64(root + 8 * 5, 0x90000003n);
    return { options: { ram: [{ start: 0, bytes: 0x80000000 }] }, iova: 5n << 39n, bytes: 2 ** 39 };
  },
  'broken-group': () => {
    for (let i = 0; i < 16; i++) {
      system.map(root, 0x40000 + i * 4096, 0x40040000 + i * 4096, 3, LEAF | (1n << 52n));
    }
    system.map(root, 0x47000, 0x49000000, 3, LEAF | (1n << 52n));
    return { iova: 0x40000n };
  },
  'access-flag-clear': () => {
    system.map(root, 0x50000, 0x40050000, 3, LEAF & ~0x400n);
    return { iova: 0x50000n, bytes: 4096 };
  },
  'table-not-in-dump': () => {
    system.memory.write64(root + 8 * 5, 0x70000003n);
    return { options: { ram: [{ start: 0, bytes: 0x80000000 }] }, iova: 5n << 39n, bytes: 2 ** 39 };
  },
  'shared-tables': () => {
    const tables = [system.page(), system.page(), system.page()];
    tables.forEach((table, i) => {
      const below = tables[i + 1] ?? 0x40000000;
      for (let k = 0; k < 512; k++) system.memory.write64(table + k * 8, BigInt(below) | (i === 2 ? LEAF : 3n));
    });
    for (let k = 1; k < 512; k++) system.memory.write64(root + k * 8, BigInt(tables[0] ?? 0) | 3n);
    return {};
  },
  'table-mapped-writable': () => {
    system.map(root, 0x60000, root, 3, LEAF);
    return { iova: 0x60000n, bytes: 4096 };
  },
  'table-freed': () => ({ options: { isFree: (address) => address === root }, iova: 0n, bytes: 4096 }),
  'memory-type-conflict': () => {
    system.map(root, 0x70000, 0x40010000, 3, LEAF | ((2n << 2n) ^ 4n));
    return { iova: 0x70000n, bytes: 4096 };
  },
  'reserved-window': () => {
    const window = { name: 'the doorbell', of: 'input', start: 0x10000, bytes: 0x1000 } as const;
    return { options: { windows: [window] }, iova: 0x10000n, bytes: 4096 };
  },
  'device-table-not-in-dump': () => {
    system.named.set('STRTAB_BASE_CFG', 7n);
    system.named.set('STRTAB_BASE', 0x2000n);
    system.memory.clear(0x3000, 4096);
    return {};
  },
  'writable-executable': () => ({ iova: 0x10000n, bytes: 4096 }),
  'empty-table': () => {
    system.memory.write64(root + 8 * 7, BigInt(system.page()) | 3n);
    return { iova: 7n << 39n, bytes: 4096 };
  },
  'page-in-two-domains': () => {
    system.map(system.stage1(2), 0x90000, 0x40010000);
    return { iova: 0x90000n, bytes: 4096 };
  },
};

describe('each rule has a violation that it finds', () => {
  it('a healthy system breaks no rule', () => {
    expect(broken(check())).toEqual([]);
  });

  it.each(Object.keys(PLANTED))('%s', (rule) => {
    const { options, iova, bytes } = PLANTED[rule]?.() ?? {};
    const found = check(options).findings.filter((finding) => finding.rule === rule);
    expect(found.length).toBeGreaterThan(0);
    if (iova !== undefined) expect(found.map((finding) => finding.iova)).toContain(iova);
    if (bytes !== undefined) expect(found.find((finding) => finding.iova === iova)?.bytes).toBe(bytes);
  });

  it('a page mapped more often than is compared says so', () => {
    for (let i = 0; i < 20; i++) system.map(root, 0x400000 + i * 0x2000, 0x40020000);
    const meanings = check().findings.map((finding) => finding.meaning);
    expect(meanings.filter((meaning) => meaning.includes('not every pair'))).not.toEqual([]);
  });

  it('fault-pending: a VT-d unit with recorded faults', () => {
    const { reader, registers } = readCapture('x86-vtd-612-vfio/vfio-mapped');
    const named = new Map(registers.named).set('FSTS', 2n);
    const report = checkDecoding(reader, decodeDump({ reader, registers: { ...registers, named } }));
    expect(broken(report)).toEqual(['fault-pending']);
  });

  it('not-read-here: an AMD device with guest tables on top of host tables', () => {
    const { reader, registers } = readCapture('x86-amdvi-612-vfio/vfio-mapped');
    const at = Number((registers.named.get('DEV_TAB_BASE') ?? 0n) & ~0xfffn) + 8 * 32;
    reader.write64(at, (reader.read64(at) ?? 0n) | (3n << 54n));
    expect(broken(checkDecoding(reader, decodeDump({ reader, registers })))).toEqual(['not-read-here']);
  });

  it('every rule is planted here', () => {
    const planted = [...Object.keys(PLANTED), 'fault-pending', 'not-read-here'];
    expect(planted.sort()).toEqual(RULES.map(({ id }) => id).sort());
  });
});

describe('groups of equal entries', () => {
  it('a large page of the short format with one different copy', () => {
    const memory = new PagesReader();
    memory.clear(0x4000, 0x8000);
    memory.write32(0x4000, 0x8001);
    for (let i = 0; i < 16; i++) memory.write32(0x8000 + i * 4, 0x12351c31);
    memory.write32(0x8000 + 12, 0x12361c31);
    const tables = givenTables({ format: 'arm_v7s', roots: [0x4000] });
    const report = checkDecoding(memory, decodeGiven({ reader: memory }, tables, 'given'));
    expect(broken(report)).toEqual(['broken-group']);
  });
});

describe('healthy captures', () => {
  it.each(captures('arm64', 'x86-vtd', 'x86-amdvi', 'riscv64'))('%s: no error, no warning', (name) => {
    const { reader, registers } = readCapture(name);
    const report = checkDecoding(reader, decodeDump({ reader, registers }));
    expect(broken(report)).toEqual([]);
  });
});

describe('windows that nothing may map, by kind of IOMMU', () => {
  const BASE = 0x50000000;
  /** Whether a leaf from one page to another breaks the rule of windows, where the IOMMU is of another kind. */
  function breaks(iommu: string, iova: number, pa: number): boolean {
    system.map(root, iova, pa, 3, LEAF);
    const decoding = { ...decodeDump(system.input), iommu };
    const { findings } = checkDecoding(system.memory, decoding, { mmioBase: BASE });
    return findings.some(({ rule }) => rule === 'reserved-window');
  }

  it.each([
    ['arm-smmu-v3', 0x20000],
    ['intel-vtd', 0x1000],
    ['amd-vi', 0x4000],
    ['riscv-iommu', 0x1000],
  ])('the registers of %s: %d bytes', (iommu, bytes) => {
    const places = [-0x1000, 0, bytes - 0x1000, bytes];
    expect(places.map((at) => breaks(iommu, 0x80000, BASE + at))).toEqual([false, true, true, false]);
  });

  it.each([
    ['intel-vtd', true],
    ['amd-vi', true],
    ['arm-smmu-v3', false],
    ['riscv-iommu', false],
  ])('interrupts of %s have a window of addresses: %s', (iommu, has) => {
    for (const [iova, inside] of [
      [0xfedff000, false],
      [0xfee00000, true],
      [0xfeeff000, true],
      [0xfef00000, false],
    ] as const) {
      expect([iova, breaks(iommu, iova, 0x40080000)]).toEqual([iova, has && inside]);
      system.map(root, iova, 0, 3, 0n);
    }
  });
});
