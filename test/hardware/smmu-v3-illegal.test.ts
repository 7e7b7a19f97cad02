import { describe, expect, it } from 'vitest';
import { SmmuV3 } from '../../src/hardware/index.ts';
import { System } from './system.ts';

/** IDR0 of a unit: both stages, AArch64 tables, and what is added. */
const AARCH64 = 2n << 2n;
const IDR0 = {
  both: 3n,
  httu: (level: bigint) => level << 6n,
  stall: (model: bigint) => model << 24n,
  term: 1n << 26n,
};
const PLAIN = IDR0.both | AARCH64;
const MINOR_1 = 1n;

interface Change {
  readonly what: string;
  /** Registers beside IDR0. */
  readonly idr0: bigint;
  readonly named?: Readonly<Record<string, bigint>>;
  /** Doubleword of the structure, bits to set, bits to clear. */
  readonly in: 'ste' | 'cd';
  readonly word: number;
  readonly set?: bigint;
  readonly clear?: bigint;
  /** Event of a unit to which the change is ILLEGAL. */
  readonly event: 'C_BAD_CD' | 'C_BAD_STE';
  /** A unit to which it is not. */
  readonly otherwise?: { readonly idr0?: bigint; readonly named?: Readonly<Record<string, bigint>> };
}

const T0SZ_48 = { set: 48n, clear: 63n } as const;

const CHANGES: readonly Change[] = [
  {
    what: 'CD.A = 0',
    idr0: PLAIN | IDR0.term,
    in: 'cd',
    word: 0,
    clear: 1n << 46n,
    event: 'C_BAD_CD',
    otherwise: { idr0: PLAIN },
  },
  {
    what: 'CD.HA = 1',
    idr0: PLAIN,
    in: 'cd',
    word: 0,
    set: 1n << 43n,
    event: 'C_BAD_CD',
    otherwise: { idr0: PLAIN | IDR0.httu(1n) },
  },
  {
    what: 'CD.HD = 1',
    idr0: PLAIN | IDR0.httu(1n),
    in: 'cd',
    word: 0,
    set: 1n << 42n,
    event: 'C_BAD_CD',
    otherwise: { idr0: PLAIN | IDR0.httu(2n) },
  },
  {
    what: 'CD.S = 1',
    idr0: PLAIN | IDR0.stall(1n),
    in: 'cd',
    word: 0,
    set: 1n << 44n,
    event: 'C_BAD_CD',
    otherwise: { idr0: PLAIN },
  },
  {
    what: 'STE.S1STALLD = 1',
    idr0: PLAIN | IDR0.stall(1n),
    in: 'ste',
    word: 1,
    set: 1n << 27n,
    event: 'C_BAD_STE',
    otherwise: { idr0: PLAIN },
  },
  { what: 'CD.AA64 = 0', idr0: PLAIN, in: 'cd', word: 0, clear: 1n << 41n, event: 'C_BAD_CD' },
  {
    what: 'T0SZ above 39',
    idr0: PLAIN,
    named: { AIDR: MINOR_1 },
    in: 'cd',
    word: 0,
    ...T0SZ_48,
    event: 'C_BAD_CD',
    otherwise: { named: { AIDR: MINOR_1, IDR3: 1n << 9n } },
  },
  { what: 'TTB0 beyond IPS', idr0: PLAIN, in: 'cd', word: 1, set: 1n << 44n, event: 'C_BAD_CD' },
  { what: 'TTB0 bit 51', idr0: PLAIN, in: 'cd', word: 1, set: 1n << 51n, event: 'C_BAD_CD' },
  {
    what: 'S1CDMax above SSIDSIZE',
    idr0: PLAIN,
    named: { IDR1: 2n << 6n },
    in: 'ste',
    word: 0,
    set: 3n << 59n,
    event: 'C_BAD_STE',
    otherwise: { named: { IDR1: 0n } },
  },
  {
    what: 'S1ContextPtr beyond OAS',
    idr0: PLAIN,
    named: { AIDR: MINOR_1 },
    in: 'ste',
    word: 0,
    set: 1n << 48n,
    event: 'C_BAD_STE',
  },
];

function build({ in: where, word, set = 0n, clear = 0n }: Partial<Change> & Pick<Change, 'in' | 'word'>): System {
  const system = new System();
  const root = system.stage1(1);
  system.map(root, 0x10000, 0x40010000);
  system.map(root, 0, 0x40020000);
  const entry = system.strtab + 64;
  const cd = Number((system.memory.read64(entry) ?? 0n) & 0xfffffffc0n);
  const at = (where === 'ste' ? entry : cd) + word * 8;
  system.memory.write64(at, ((system.memory.read64(at) ?? 0n) & ~clear) | set);
  return system;
}

function eventOf(system: System, idr0: bigint, named: Readonly<Record<string, bigint>> = {}): string | undefined {
  const registers = new Map([...system.named, ['IDR0', idr0] as const, ...Object.entries(named)]);
  return new SmmuV3(system.memory, registers).translate(1, 0x10000).event?.name;
}

describe('what a unit calls ILLEGAL', () => {
  it.each(CHANGES)('$what', (change) => {
    expect(eventOf(build(change), change.idr0, change.named)).toBe(change.event);
    expect(eventOf(build({ in: change.in, word: change.word }), change.idr0, change.named)).toBeUndefined();
    if (change.otherwise === undefined) return;
    const { idr0 = change.idr0, named = change.named } = change.otherwise;
    expect(eventOf(build(change), idr0, named)).not.toBe(change.event);
  });

  it('S1CDMax and S1DSS do not count where there are no substreams', () => {
    const system = build({ in: 'ste', word: 0, set: 3n << 59n });
    const entry = system.strtab + 64 + 8;
    system.memory.write64(entry, (system.memory.read64(entry) ?? 0n) & ~3n);
    expect(eventOf(system, PLAIN, { IDR1: 0n })).toBeUndefined();
    expect(eventOf(system, PLAIN, { IDR1: 4n << 6n })).toBe('F_STREAM_DISABLED');
  });
});

it('STE.S2TTB beyond S2PS is ILLEGAL', () => {
  const system = new System();
  system.stage2(1, 6n, 2 ** 44);
  expect(new SmmuV3(system.memory, system.named).translate(1, 0)).toMatchObject({ event: { name: 'C_BAD_STE' } });
  system.stage2(1, 6n, 2 ** 43);
  expect(new SmmuV3(system.memory, system.named).translate(1, 0)).not.toMatchObject({ event: { name: 'C_BAD_STE' } });
});

it.each([
  ['S2S = 1 where nothing may stall', 1n << 57n, 0n, PLAIN | IDR0.stall(1n), PLAIN],
  ['S2HA = 1 without HTTU', 1n << 56n, 0n, PLAIN, PLAIN | IDR0.httu(1n)],
  ['S2HD = 1 without dirty state', 1n << 55n, 0n, PLAIN | IDR0.httu(1n), PLAIN | IDR0.httu(2n)],
  ['S2AA64 = 0 without AArch32 tables', 0n, 1n << 51n, PLAIN, PLAIN | (1n << 2n)],
])('STE.%s is ILLEGAL', (_, set, clear, idr0, otherwise) => {
  const system = new System();
  system.stage2(1);
  const at = system.strtab + 64 + 16;
  system.memory.write64(at, ((system.memory.read64(at) ?? 0n) & ~clear) | set);
  const event = (value: bigint) =>
    new SmmuV3(system.memory, new Map([...system.named, ['IDR0', value]])).translate(1, 0).event?.name;
  expect(event(idr0)).toBe('C_BAD_STE');
  expect(event(otherwise)).not.toBe('C_BAD_STE');
});

it.each([
  ['4K', 0n, 1n, 'C_BAD_CD'],
  ['64K', 1n, 1n, undefined],
  ['64K without IDR5.VAX', 1n, 0n, 'C_BAD_CD'],
])(
  'CD.T0SZ below 16 with a granule of %s is ILLEGAL from SMMUv3.1 on unless that granule may have larger addresses',
  (_, tg, vax, name) => {
    const system = new System();
    system.stage1(1);
    const cd = Number((system.memory.read64(system.strtab + 64) ?? 0n) & 0xf_ffff_ffff_ffc0n);
    const word = (system.memory.read64(cd) ?? 0n) & ~(63n | (3n << 6n));
    system.memory.write64(cd, word | 13n | (tg << 6n));
    const named = new Map([...system.named, ['IDR5', 4n | (vax << 10n)] as const]);
    const event = (minor: bigint) =>
      new SmmuV3(system.memory, new Map([...named, ['AIDR', minor]])).translate(1, 0).event?.name;
    expect(event(MINOR_1) === 'C_BAD_CD').toBe(name === 'C_BAD_CD');
  },
);
