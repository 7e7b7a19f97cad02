/**
 * Stream table entries and context descriptors of SMMUv3 scenes (Arm IHI 0070, 5.2, 5.4).
 * @module
 */
import type { Random, SceneTables } from './unit.ts';

// 5.2 S2PS and 5.4 IPS: code by output bits; TG0 and S2TG code by granule
const SIZES: Readonly<Record<number, bigint>> = { 32: 0n, 36: 1n, 40: 2n, 42: 3n, 44: 4n, 48: 5n };
const GRANULES: Readonly<Record<number, bigint>> = { 4096: 0n, 65536: 1n, 16384: 2n };

/** STE.Config (5.2). */
const CONFIG = { bypass: 4n, stage1: 5n, stage2: 6n, nested: 7n } as const;
const VMID = 9n;

function drawn(random: Random, chance: number): bigint {
  return random() < chance ? 1n : 0n;
}

/** A stage 1 context descriptor: faults of accesses abort, mostly with a record; nothing stalls. */
export function cdWords(tables: SceneTables, random: Random): bigint[] {
  const { granule, ias, oas, registers } = tables;
  const attributes = BigInt(Math.floor(random() * 64)) << 8n;
  // 5.4: T0SZ, TG0, IR0 to SH0, EPD1, V
  const low = BigInt(64 - ias) | ((GRANULES[granule] ?? 0n) << 6n) | attributes | (1n << 30n) | (1n << 31n);
  // IPS; AA64, A, ASET and an ASID; AFFD, WXN, UWXN, TBI0 and R as drawn
  const fixed = (SIZES[oas] ?? 4n) | (1n << 9n) | (1n << 14n) | (1n << 15n) | (1n << 16n);
  const drawnBits = [3n, 4n, 5n, 6n].reduce((all, at) => all | (drawn(random, 0.15) << at), drawn(random, 0.9) << 13n);
  const high = fixed | drawnBits;
  return [low | (high << 32n), registers['ttbr'] ?? 0n, 0n, registers['mair'] ?? 0n, 0n, 0n, 0n, 0n];
}

/** The second and third 128 bits of an entry with stage 2: VMID, geometry, S2AA64, S2R and mostly S2AFFD; S2TTB. */
function stage2Words({ granule, ias, oas, registers }: SceneTables, random: Random): bigint[] {
  const start = registers['vtcr.sl'] ?? 0n;
  const size = SIZES[oas] ?? 4n;
  const geometry = BigInt(64 - ias) | (start << 6n) | ((GRANULES[granule] ?? 0n) << 14n) | (size << 16n);
  const flags = (1n << 19n) | (drawn(random, 0.5) << 21n) | (drawn(random, 0.9) << 26n);
  return [VMID | ((geometry | flags) << 32n), registers['vttbr'] ?? 0n];
}

/** The stream table entry of a scene: with stage 1, stage 2 or both, as its tables are; now and then a bypass. */
export function steWords(tables: SceneTables, cd: number, random: Random): bigint[] {
  const two = tables.format === 'arm-64-lpae-s2' ? tables : tables.stage2;
  const one = tables === two ? undefined : tables;
  const used = one === undefined ? CONFIG.stage2 : two === undefined ? CONFIG.stage1 : CONFIG.nested;
  const config = random() < 0.03 ? CONFIG.bypass : used;
  const context = one === undefined ? 0n : BigInt(cd);
  // S1CIR, S1COR, S1CSH are hints of caching
  const hints = BigInt(Math.floor(random() * 64)) << 2n;
  return [
    context | (config << 1n) | 1n,
    hints,
    ...(two === undefined ? [0n, 0n] : stage2Words(two, random)),
    0n,
    0n,
    0n,
    0n,
  ];
}
