/**
 * Every bit of the registers of a command queue: what it changes in the queue that is read. queue-bits.txt has it as the code
 * has it, and shows every change, to be read against IHI 0070 6.3.26 to 6.3.28, VT-d 11.4.9, AMD 48882 3.4 and RISC-V IOMMU 6.6 to 6.8.
 */
import { expect, test } from 'vitest';
import { commandQueue, queueContents } from '../../src/hardware/queue.ts';
import { type Section, sectionsOf } from '../support/sections.ts';
import { effectsOfBits, type Parts, partsText } from './bit-effects.ts';
import { PagesReader } from './memory.ts';

const UNITS: readonly (readonly [unit: string, registers: Readonly<Record<string, bigint>>])[] = [
  ['arm-smmu-v3', { CMDQ_BASE: 0x8000_0004n, CMDQ_PROD: 0x1an, CMDQ_CONS: 0xdn }],
  ['intel-vtd', { IQA: 0x8000_0000n, IQT: 0x40n, IQH: 0xfa0n }],
  ['amd-vi', { CMD_BUF_BASE: 0x8000_0000n | (8n << 56n), CMD_TAIL: 0x40n, CMD_HEAD: 0xfa0n }],
  ['riscv-iommu', { CQB: (0x8_0000n << 10n) | 3n, CQT: 4n, CQH: 0xdn }],
];

function partsOf(unit: string, named: ReadonlyMap<string, bigint>): Parts {
  const queue = commandQueue(unit, named);
  if (queue === undefined) return { kind: 'no queue' };
  const { base, entries, entryBytes, head, tail, waiting, problems } = queue;
  return {
    kind: 'queue',
    base: `0x${base.toString(16)}`,
    entries: String(entries),
    bytes: String(entryBytes),
    head: String(head),
    tail: String(tail),
    waiting: String(waiting),
    problems: problems.join('; '),
  };
}

test('what each bit changes', () => {
  const found: Section[] = UNITS.map(([unit, registers]) => {
    const named = new Map(Object.entries(registers));
    const lines = [...named].flatMap(([name, value]) => {
      const flipped = (bit: number) => partsOf(unit, new Map([...named, [name, value ^ (1n << BigInt(bit))]]));
      return [name, ...effectsOfBits(partsOf(unit, named), 64, flipped).map((line) => `  ${line}`)];
    });
    return { name: unit, lines: [partsText(partsOf(unit, named)), ...lines] };
  });
  expect(found).toEqual(sectionsOf(new URL('queue-bits.txt', import.meta.url), found));
});

test.each(UNITS)('%s: waiting from the head to the tail, consumed behind, the oldest first', (unit, registers) => {
  const queue = commandQueue(unit, new Map(Object.entries(registers)));
  if (queue === undefined) throw new Error('no queue');
  const memory = new PagesReader();
  memory.clear(queue.base, queue.entries * queue.entryBytes);
  for (let i = 0; i < queue.entries; i++) memory.write32(queue.base + i * queue.entryBytes, i + 1);
  const { commands, missing, empty } = queueContents(memory, queue);
  const { entries, head, tail } = queue;
  expect([missing, empty, commands.length]).toEqual([0, 0, entries]);
  const order = Array.from({ length: entries }, (_, i) => (tail + i) % entries);
  expect(commands.map(({ index }) => index)).toEqual(order);
  expect(commands.map(({ address }) => address)).toEqual(order.map((index) => queue.base + index * queue.entryBytes));
  expect(commands.map(({ words }) => words[0])).toEqual(order.map((index) => index + 1));
  const waits = order.filter((index) => (index - head + entries) % entries < (tail - head + entries) % entries);
  expect(commands.filter(({ state }) => state === 'waiting').map(({ index }) => index)).toEqual(waits);
});

test.each(UNITS)(
  '%s: entries of zeros behind the head were never written; what waits counts as it is',
  (unit, registers) => {
    const queue = commandQueue(unit, new Map(Object.entries(registers)));
    if (queue === undefined) throw new Error('no queue');
    const memory = new PagesReader();
    memory.clear(queue.base, queue.entries * queue.entryBytes);
    const { commands, empty } = queueContents(memory, queue);
    expect([commands.length, empty]).toEqual([queue.waiting, queue.entries - queue.waiting]);
  },
);
