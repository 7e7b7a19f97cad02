import { expect, test } from 'vitest';
import { riscvSv32 } from '../../examples/riscv-sv32.ts';
import { Domain, PROT, TableMemory } from '../../src/index.ts';
import { checkFormat } from '../../src/testing/index.ts';

test('the format of the example holds every rule', () => {
  const { subject, rules, passed, failed } = checkFormat(riscvSv32);
  expect([subject, failed]).toEqual(['riscv-sv32', []]);
  expect(passed).toBe(rules);
  expect(rules).toBeGreaterThan(100);
});

test('Sv32 entries are those of the architecture', () => {
  const memory = new TableMemory({ base: 0x2_8000_0000 });
  const domain = new Domain({ format: riscvSv32, memory });
  domain.map(0x4000_1000, 0x3_1234_5000, 0x1000, PROT.READ | PROT.WRITE | PROT.NOEXEC);
  domain.map(0x8000_0000, 0x2_c000_0000, 2 ** 22, PROT.READ | PROT.PRIV);
  const fsc = domain.registers['fsc'] ?? 0n;
  const root = Number(fsc & ((1n << 44n) - 1n)) * 4096;
  expect(fsc >> 60n).toBe(8n);
  expect(memory.read32(root + 4 * 0x200)).toBe(((0x2c0000 << 10) | 0b0100_1011) >>> 0);
  const pointer = memory.read32(root + 4 * 0x100) ?? 0;
  const last = (pointer >>> 10) * 4096;
  expect([pointer & 0x3ff, last % 4096 === 0 && last >= 0x2_8000_0000]).toEqual([1, true]);
  expect(memory.read32(last + 4)).toBe(((0x312345 << 10) | 0b1101_0111) >>> 0);
});
