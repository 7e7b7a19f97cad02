import { expect, it } from 'vitest';
import { SmmuV3 } from '../../src/hardware/index.ts';
import { System } from './system.ts';

// IHI 0070 6.3.1 IDR0: both stages, AArch64 tables, 16-bit ASIDs and VMIDs, two levels of context descriptors
const S = { bigOnly: 3n << 21n, littleOnly: 2n << 21n, ats: 1n << 10n, noSplit: 1n << 11n };
const [HYP, ASID16, VMID16, CD2L] = [1n << 9n, 1n << 12n, 1n << 18n, 1n << 19n];
const [NO_STALL, ONLY_STALL] = [1n << 24n, 2n << 24n];
const IDR0 = 3n | (3n << 2n) | ASID16 | VMID16 | CD2L;
const AARCH32_ONLY = (IDR0 & ~(3n << 2n)) | (1n << 2n);
const AARCH64_ONLY = (IDR0 & ~(3n << 2n)) | (2n << 2n);
const HTTU = 2n << 6n;
const [GRAN4K, GRAN64K] = [1n << 4n, 1n << 6n];
/** IDR5.OAS of 44 bits. */
const OAS = 4n;
const NEXT = { AIDR: 1n };

type Registers = Readonly<Record<string, bigint>>;
type Edit = readonly [where: 'ste' | 'cd', word: number, clear: bigint, set: bigint];
type Row = readonly [what: string, config: 5n | 6n | 7n, edits: readonly Edit[], illegal: Registers, legal: Registers];

/** S2T0SZ and S2SL0 of a stage 2 in its doubleword. */
const size = (tsz: bigint, sl0: bigint): Edit => ['ste', 2, 0xffn << 32n, (tsz << 32n) | (sl0 << 38n)];
const bit = (where: 'ste' | 'cd', at: number): Edit => [where, Math.floor(at / 64), 0n, 1n << BigInt(at % 64)];
const eats = (value: bigint): Edit => ['ste', 1, 3n << 28n, value << 28n];

const ROWS: readonly Row[] = [
  ['EATS = split without stage 2', 5n, [eats(2n)], { IDR0: IDR0 | S.ats }, { IDR0 }],
  ['EATS = split with NS1ATS', 7n, [eats(2n)], { IDR0: IDR0 | S.ats | S.noSplit }, { IDR0: IDR0 | S.ats }],
  ['EATS = split with S2S', 7n, [eats(2n), bit('ste', 185)], { IDR0: IDR0 | S.ats }, { IDR0 }],
  ['EATS = full with S2S', 6n, [eats(1n), bit('ste', 185)], { IDR0: IDR0 | S.ats }, { IDR0 }],
  ['STRW = 1', 5n, [bit('ste', 94)], { IDR0: IDR0 | HYP }, { IDR0 }],
  ['S2VMID of 9 bits', 6n, [bit('ste', 136)], { IDR0: IDR0 & ~VMID16 }, { IDR0 }],
  [
    'S2VMID of 9 bits without stage 2',
    5n,
    [bit('ste', 136)],
    { IDR0: IDR0 & ~VMID16 },
    { IDR0: IDR0 & ~(VMID16 | 1n) },
  ],
  ['S1Fmt = 1', 5n, [bit('ste', 4), bit('ste', 59)], { IDR0: IDR0 & ~CD2L, IDR1: 5n << 6n }, { IDR0, IDR1: 5n << 6n }],
  ['S2S = 0', 6n, [], { IDR0: IDR0 | ONLY_STALL }, { IDR0 }],
  ['S2AA64 = 1', 6n, [], { IDR0: AARCH32_ONLY }, { IDR0 }],
  ['S2HA with AArch32 tables', 6n, [bit('ste', 184), ['ste', 2, 1n << 51n, 0n]], { IDR0: IDR0 | HTTU }, {}],
  ['S2TG = 4K', 6n, [], { IDR0, IDR5: OAS | GRAN64K }, { IDR0, IDR5: OAS | GRAN4K | GRAN64K }],
  ['S2ENDI = 0', 6n, [], { IDR0: IDR0 | S.bigOnly }, { IDR0: IDR0 | S.littleOnly }],
  ['S2T0SZ = 19 of 44 bits', 6n, [size(19n, 2n)], { IDR0, ...NEXT }, { IDR0 }],
  ['S2T0SZ = 24 of 36 bits', 6n, [], { IDR0: AARCH64_ONLY, IDR5: 1n, ...NEXT }, { IDR0, IDR5: 1n, ...NEXT }],
  ['S2T0SZ = 40', 6n, [size(40n, 0n)], { IDR0, ...NEXT }, { IDR0, IDR3: 1n << 9n, ...NEXT }],
  ['CD.S = 0', 5n, [], { IDR0: IDR0 | ONLY_STALL }, { IDR0 }],
  ['CD.S = 1 with S1STALLD', 5n, [bit('ste', 91), bit('cd', 44)], { IDR0 }, {}],
  ['CD.ENDI = 0', 5n, [], { IDR0: IDR0 | S.bigOnly }, { IDR0: IDR0 | S.littleOnly }],
  ['CD.AA64 = 1', 5n, [], { IDR0: AARCH32_ONLY }, { IDR0 }],
  ['CD.ASID of 9 bits', 5n, [bit('cd', 56)], { IDR0: IDR0 & ~ASID16 }, { IDR0 }],
  ['CD.TG0 = 4K', 5n, [], { IDR0, IDR5: OAS | GRAN64K }, { IDR0, IDR5: OAS | GRAN4K }],
  ['CD.T0SZ = 49', 5n, [['cd', 0, 63n, 49n]], { IDR0, IDR3: 1n << 9n, ...NEXT }, { IDR0 }],
];

/** Whether the entry or the descriptor is called ILLEGAL. */
function isIllegal([, config, edits]: Row, registers: Registers): boolean {
  const system = new System();
  const entry = system.strtab + 64;
  if (config !== 6n) system.stage1(1);
  const cd = Number((system.memory.read64(entry) ?? 0n) & 0xf_ffff_ffff_ffc0n);
  if (config !== 5n) system.stage2(1, config);
  for (const [where, word, clear, set] of edits) {
    const at = (where === 'ste' ? entry : cd) + 8 * word;
    system.memory.write64(at, ((system.memory.read64(at) ?? 0n) & ~clear) | set);
  }
  const named = new Map([...system.named, ...Object.entries(registers)]);
  if (registers['IDR0'] === undefined) named.delete('IDR0');
  return /^C_BAD_(?:STE|CD)$/.test(new SmmuV3(system.memory, named).translate(1, 0x10000).event?.name ?? '');
}

it.each(ROWS)('%s is ILLEGAL where the registers say so (IHI 0070 5.2.2, 5.4.2)', (...row) => {
  const [, , , illegal, legal] = row;
  expect(isIllegal(row, illegal)).toBe(true);
  if (Object.keys(legal).length > 0) expect(isIllegal(row, legal)).toBe(false);
});

it('S1STALLD does not count where only stage 2 translates', () => {
  const row: Row = ['S1STALLD', 6n, [bit('ste', 91)], {}, {}];
  expect(isIllegal(row, { IDR0: IDR0 | NO_STALL })).toBe(false);
  expect(isIllegal(['S1STALLD', 5n, [bit('ste', 91)], {}, {}], { IDR0: IDR0 | NO_STALL })).toBe(true);
});
