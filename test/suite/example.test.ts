import { expect, test } from 'vitest';
import { riscvSv39 } from '../../examples/riscv-sv39.ts';
import { Domain, PROT } from '../../src/index.ts';
import { formatSuite } from './format-suite.ts';

formatSuite(riscvSv39);

test('Sv39 entries are those of the architecture', () => {
  const domain = new Domain({ format: riscvSv39 });
  domain.map(0x4000_1000, 0x8_1234_5000, 0x1000, PROT.READ | PROT.WRITE | PROT.NOEXEC);
  domain.map(0x8000_0000, 0xc000_0000, 2 ** 30, PROT.READ | PROT.PRIV);
  const { memory, registers } = domain;
  const root = Number((registers['fsc'] ?? 0n) & ((1n << 44n) - 1n)) * 4096;
  expect((registers['fsc'] ?? 0n) >> 60n).toBe(8n);
  expect(memory.read64(root + 2 * 8)).toBe((0xc0000n << 10n) | 0b0100_1011n);
  const middle = Number((memory.read64(root + 8) ?? 0n) >> 10n) * 4096;
  expect(memory.read64(root + 8)).toBe((BigInt(middle / 4096) << 10n) | 1n);
  const last = Number((memory.read64(middle) ?? 0n) >> 10n) * 4096;
  expect(memory.read64(last + 8)).toBe((0x812345n << 10n) | 0b1101_0111n);
});
