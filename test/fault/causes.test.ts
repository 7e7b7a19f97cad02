import { describe, expect, it } from 'vitest';
import type { CauseName } from '../../src/fault/cause-names.ts';
import { PROT } from '../../src/formats/index.ts';
import { World } from './world.ts';

const CASES = 1000;
const PAGE = 4096;
const RW = PROT.READ | PROT.WRITE;

type Use = 'tables' | 'trace' | 'both';

interface Scenario {
  readonly name: string;
  readonly make: (world: World) => void;
  /** The cause that it must get, by what there is to look at. */
  readonly want: Readonly<Partial<Record<Use, CauseName>>>;
}

const all = (cause: CauseName): Record<Use, CauseName> => ({ tables: cause, trace: cause, both: cause });

function access(world: World): 'read' | 'write' {
  return world.random(2) === 0 ? 'read' : 'write';
}

/** A translation fault at a random byte of a range. */
function miss(world: World, start: number, bytes: number): void {
  world.fault({ iova: BigInt(start + world.random(bytes)), access: access(world), kind: 'translation' });
}

/** Breaks the entry of a mapped page: a type that level 3 does not have, or rubbish without the valid bit. */
function corrupt(world: World, iova: number): void {
  const { memory, table } = world.domain;
  const indices = [39, 30, 21, 12].map((shift) => Math.floor(iova / 2 ** shift) % 512);
  let at = Number(table.registers['ttbr']);
  const depth = 2 + world.random(2);
  for (const index of indices.slice(0, depth)) {
    at = Number((memory.read64(at + 8 * index) ?? 0n) & 0xffff_ffff_f000n);
  }
  const word = (at + 8 * (indices[depth] ?? 0) - memory.base) / 4;
  memory.u32[word] = depth === 3 ? 0xdead_b401 : 2 + 4 * world.random(1 << 28);
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'never mapped',
    make: (world) => miss(world, world.place(), world.size()),
    want: all('never-mapped'),
  },
  {
    name: 'never mapped, a hole of pages between it and the mapping below',
    make: (world) => {
      const [start, bytes] = [world.place(), world.size()];
      world.map(start, bytes, RW);
      miss(world, start + bytes + PAGE * (1 + world.random(200)), PAGE);
    },
    want: all('never-mapped'),
  },
  {
    name: 'never mapped, directly below a mapping',
    make: (world) => {
      const [start, bytes] = [world.place(), world.size()];
      world.map(start, bytes, RW);
      miss(world, start - PAGE, PAGE);
    },
    want: all('never-mapped'),
  },
  {
    name: 'never mapped, next to a mapping that is gone',
    make: (world) => {
      const [start, bytes] = [world.place(), world.size()];
      world.map(start, bytes, RW);
      world.unmap(start, bytes);
      miss(world, start + bytes, PAGE);
    },
    want: all('never-mapped'),
  },
  {
    name: 'run over the end of a mapping',
    make: (world) => {
      const [start, bytes] = [world.place(), world.size()];
      world.map(start, bytes, RW);
      miss(world, start + bytes, PAGE);
    },
    want: all('overrun'),
  },
  {
    name: 'used after it was unmapped',
    make: (world) => {
      const [start, bytes] = [world.place(), world.size()];
      world.map(start, bytes, RW);
      world.unmap(start, bytes);
      miss(world, start, bytes);
    },
    want: { trace: 'use-after-unmap', both: 'use-after-unmap', tables: 'never-mapped' },
  },
  {
    name: 'used after its end was unmapped, the start still mapped',
    make: (world) => {
      const [start, bytes] = [world.place(), world.size()];
      world.map(start, bytes + PAGE, RW);
      world.unmap(start + bytes, PAGE);
      miss(world, start + bytes, PAGE);
    },
    want: { trace: 'use-after-unmap', both: 'use-after-unmap', tables: 'overrun' },
  },
  {
    name: 'used after it was unmapped, mapped anew after the fault',
    make: (world) => {
      const [start, bytes] = [world.place(), world.size()];
      world.map(start, bytes, RW);
      world.unmap(start, bytes);
      miss(world, start, bytes);
      world.map(start, bytes, RW);
    },
    want: { trace: 'use-after-unmap', both: 'use-after-unmap', tables: 'stale-tlb' },
  },
  {
    name: 'used before it was mapped',
    make: (world) => {
      const [start, bytes] = [world.place(), world.size()];
      miss(world, start, bytes);
      world.map(start, bytes, RW);
    },
    want: { trace: 'used-before-mapping', both: 'used-before-mapping', tables: 'stale-tlb' },
  },
  {
    name: 'written where only reads are allowed',
    make: (world) => {
      const [start, bytes] = [world.place(), world.size()];
      world.map(start, bytes, PROT.READ);
      world.fault({ iova: BigInt(start + world.random(bytes)), access: 'write', kind: 'permission' });
    },
    want: all('wrong-direction'),
  },
  {
    name: 'mapped and permitted, yet a translation fault',
    make: (world) => {
      const [start, bytes] = [world.place(), world.size()];
      world.map(start, bytes, RW);
      miss(world, start, bytes);
    },
    want: { tables: 'stale-tlb', both: 'stale-tlb' },
  },
  {
    name: 'unmapped once, mapped anew before the fault',
    make: (world) => {
      const [start, bytes] = [world.place(), world.size()];
      world.map(start, bytes, RW);
      world.unmap(start, bytes);
      world.map(start, bytes, RW);
      miss(world, start, bytes);
    },
    want: { tables: 'stale-tlb', both: 'stale-tlb' },
  },
  {
    name: 'its entry, or one above it, broken',
    make: (world) => {
      const [start, bytes] = [world.place(), world.size()];
      world.map(start, bytes, RW);
      corrupt(world, start);
      miss(world, start, PAGE);
    },
    want: { tables: 'table-corrupted', both: 'table-corrupted' },
  },
  {
    name: 'an address beyond the input range',
    make: (world) => {
      const iova = 2n ** 48n + BigInt(world.random(2 ** 30)) * 4096n + BigInt(world.random(PAGE));
      world.fault({ iova, access: access(world), kind: 'translation' });
    },
    want: { tables: 'input-range', both: 'input-range' },
  },
];

describe.each(SCENARIOS)('$name', ({ make, want }) => {
  it(`gets its cause in ${CASES} cases out of ${CASES}`, () => {
    const world = new World(CASES + SCENARIOS.findIndex((scenario) => scenario.make === make));
    for (let i = 0; i < CASES; i++) make(world);
    for (const [use, cause] of Object.entries(want)) {
      const faults = world.explain({ tables: use !== 'trace', trace: use !== 'tables' });
      expect(faults.length).toBe(CASES);
      const wrong = faults.find((fault) => fault.cause.name !== cause);
      expect(wrong && { use, record: wrong.record, cause: wrong.cause }).toBeUndefined();
    }
  });
});
