/** Faults that are put in: the campaign finds each of them within some thousand operations. */
import { describe, expect, it } from 'vitest';
import type { Driver } from '../../src/drivers/index.ts';
import type { TableMemory } from '../../src/memory/index.ts';
import type { Kernels } from '../../src/memory/kernel-contract.ts';
import { SCRATCH } from '../../src/memory/table-memory.ts';
import { replayLine, runBatch } from './campaign.ts';
import { allUnits, type CampaignUnit, type Plant } from './units.ts';

const MOST = 20_000;

/** Kernels that are changed. */
function kernels(change: (real: Kernels) => Partial<Kernels>): Plant {
  return {
    memory: (memory) => {
      const real = memory.kernels;
      Object.defineProperty(memory, 'kernels', { value: { ...real, ...change(real) } });
    },
  };
}

/** An object as it is, but for what is changed. */
function overlaid<T extends object>(real: T, changed: Partial<T>): T {
  return new Proxy(real, {
    get(target, key) {
      const value: unknown = Reflect.get(changed, key) ?? Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const nothing = (): void => {};

/** A driver whose TLB maintenance is changed. */
function tlb(changed: Partial<Driver['tlb']>): Plant {
  return { driver: (driver) => overlaid(driver, { tlb: overlaid(driver.tlb, changed) }) };
}

/** Every third table of the last level is not given back. */
function forgetful(memory: TableMemory): void {
  const free = memory.free.bind(memory);
  let calls = 0;
  memory.free = (offset, bytes) => {
    if (++calls % 3 !== 0) free(offset, bytes);
  };
}

/** Every sixteenth table is one that was given out before. */
function generous(memory: TableMemory): void {
  const allocate = memory.allocate.bind(memory);
  const queue: number[] = [];
  let calls = 0;
  memory.allocate = (bytes, ...more) => {
    const again = bytes === 4096 && ++calls % 16 === 15 ? queue.pop() : undefined;
    if (again !== undefined) return again;
    const offset = allocate(bytes, ...more);
    if (bytes === 4096 && offset >= 0) queue.push(offset);
    return offset;
  };
}

/** Of entries that go out of use, one is not counted. */
function miscounting(memory: TableMemory): void {
  const add = memory.addEntries.bind(memory);
  memory.addEntries = (offset, count) => add(offset, count < -1 ? count + 1 : count);
}

/** Bytes of the page left to kernels that none of them uses here. */
const SPARE = SCRATCH.offset + SCRATCH.bytes - 8;

type Fault = readonly [name: string, unit: string, plant: Plant];

const LPAE = 'arm-64-lpae-s1/4K-48/48/safe/bare';
const CONTIGUOUS = 'arm-64-lpae-s1/4K-48/48-contiguous-HD/safe/bare';
const SMMU = 'arm-64-lpae-s1/4K-48/48/safe/arm-smmu-v3';
const VTD = 'vtd-ss/48/52/safe/intel-vtd';

const FAULTS: readonly Fault[] = [
  [
    'a run loses output bit 31',
    LPAE,
    kernels((k) => ({ fill8: (d, n, lo, ...up) => k.fill8(d, n, lo & ~(1 << 31), ...up) })),
  ],
  [
    'a run of 4-byte entries loses its last',
    'arm-v7s/32/32/safe/bare',
    kernels((k) => ({ fill4: (d, n, ...up) => k.fill4(d, n - 1, ...up) })),
  ],
  [
    'one page loses the bits above 2^32',
    LPAE,
    kernels((k) => ({ mapPages8: (r, i, pa, ...more) => k.mapPages8(r, i, pa % 2 ** 32, ...more) })),
  ],
  [
    'a gathered list loses its last page',
    LPAE,
    kernels((k) => ({ gather8: (a, l, i, o, d, n, ...m) => k.gather8(a, l, i, o, d, n - 1, ...m) })),
  ],
  [
    'a run of small pages is a page too long',
    CONTIGUOUS,
    kernels((k) => ({ smallPages: (...all) => Math.min(all[4], k.smallPages(...all) + 1) })),
  ],
  [
    'a gathered list of single pages loses its last',
    LPAE,
    kernels((k) => ({
      gatherPages8: (a, i, d, n, ...m) => k.gatherPages8(a, i, d, n - 1, ...m),
      takePages8: (a, l, d, n, ...m) => k.takePages8(a, l, d, n - 1, ...m),
    })),
  ],
  [
    'a clear goes on into the table behind',
    LPAE,
    kernels((k) => ({ clear: (at, bytes) => k.clear(at, (at + bytes) % 4096 === 0 ? bytes + 8 : bytes) })),
  ],
  ['a table is given out twice', LPAE, { memory: generous }],
  ['an unmap counts an entry too few', LPAE, { memory: miscounting }],
  [
    'a run goes on into the next entry',
    LPAE,
    kernels((k) => ({ fill8: (d, n, ...up) => k.fill8(d, n < 500 ? n + 1 : n, ...up) })),
  ],
  [
    'dirty bits are cleared one entry too far',
    'vtd-ss/48/52/safe/bare',
    kernels((k) => ({
      dirty8: (from, n, bits, ml, mh, vl, vh, flip) => {
        const found = k.dirty8(from, n, bits, ml, mh, vl, vh, flip);
        if (flip !== 0 && (from + 8 * n) % 4096 !== 0) k.dirty8(from + 8 * n, 1, SPARE, ml, mh, vl, vh, flip);
        return found;
      },
    })),
  ],
  [
    'a search stops before the last entry',
    LPAE,
    kernels((k) => ({
      firstSet8: (t, from, to) => (k.firstSet8(t, from, to - 1) === to - 1 ? to : k.firstSet8(t, from, to - 1)),
    })),
  ],
  [
    'a clear leaves the last entry',
    LPAE,
    kernels((k) => ({ clear: (at, bytes) => k.clear(at, bytes > 8 && bytes < 4096 ? bytes - 8 : bytes) })),
  ],
  [
    'a range is translated with half of the field',
    LPAE,
    kernels((k) => ({ decode8: (f, n, d, s, lo) => k.decode8(f, n, d, s, lo, 0) })),
  ],
  [
    'a dirty bit is read and not cleared',
    'vtd-ss/48/52/safe/bare',
    kernels((k) => ({ dirty8: (f, n, b, ml, mh, vl, vh) => k.dirty8(f, n, b, ml, mh, vl, vh, 0) })),
  ],
  ['a table is not freed', LPAE, { memory: forgetful }],
  ['an unmap invalidates no leaf: SMMUv3', SMMU, tlb({ addPages: nothing })],
  ['an unmap invalidates no leaf: VT-d', VTD, tlb({ addPages: nothing })],
  ['a sync is forgotten', VTD, { driver: (driver) => overlaid(driver, { sync: nothing }) }],
];

const UNITS = allUnits();

function unitNamed(name: string): CampaignUnit {
  const found = UNITS.find((unit) => unit.name === name);
  if (found === undefined) throw new Error(`no unit ${name}`);
  return found;
}

/** Operations until a difference is found; undefined where none is within the most that is allowed. */
function operationsUntilFound(unit: CampaignUnit, plant: Plant): number | undefined {
  let operations = 0;
  for (let seed = 1; operations < MOST; seed++) {
    const batch = runBatch(unit, seed, { plant, shrinkMs: 0 });
    operations += batch.operations;
    if (batch.difference !== undefined) return operations;
  }
  return undefined;
}

describe('the campaign finds a fault that was put in', () => {
  it.each(FAULTS)('%s (%s)', (_name, unit, plant) => {
    expect(operationsUntilFound(unitNamed(unit), plant)).toBeLessThan(MOST);
  });

  it('a failure is replayed by its seed, and is shrunk', () => {
    const unit = unitNamed(LPAE);
    const plant: Plant = { memory: forgetful };
    const [first, second] = [1, 2].map(() => runBatch(unit, 3, { plant, shrinkMs: 60_000 }));
    expect(first?.difference).toBeDefined();
    expect(second).toEqual(first);
    expect(first?.calls.length).toBeLessThan(12);
    expect(replayLine(LPAE, 3)).toBe(`SEED=3 OPERATIONS=1 JOBS=1 UNIT=${LPAE} npm run test:long`);
  });
});
