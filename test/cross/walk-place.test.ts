// A walk begins where the last one came past: what an invalidation hears must be true of the tables at that moment.
import { describe, expect, test } from 'vitest';
import { Domain } from '../../src/core/index.ts';
import { bareDriver } from '../../src/drivers/index.ts';
import { PROT } from '../../src/formats/index.ts';
import { TableMemory } from '../../src/memory/index.ts';

const ACCESS = PROT.READ | PROT.WRITE;
const PAGE = 4096;
const TABLE = 2 ** 21;
/** Not a multiple of a larger page, so that smallest pages are mapped. */
const PA = 2 ** 31 + PAGE;
const FORMATS = ['arm-64-lpae-s1', 'arm-64-lpae-s2', 'vtd-ss', 'x86-64', 'amd-v1', 'riscv-sv48'];

interface Heard {
  readonly domain: Domain;
  /** Output address behind the address that is asked for at each invalidation, and entries read for the answer. */
  readonly answers: (readonly [number | undefined, number])[];
}

/** A domain that is asked for an address at each invalidation of tables or of everything. */
function listening(format: string, memory: TableMemory, asked: number): Heard {
  const answers: (readonly [number | undefined, number])[] = [];
  let domain: Domain | undefined;
  const ask = (): void => {
    if (domain === undefined) return;
    const before = domain.meter.tableReads;
    const pa = domain.translate(asked);
    answers.push([pa, domain.meter.tableReads - before]);
  };
  const callbacks = { flushWalk: ask, addPages() {}, flushAll: ask, sync() {} };
  domain = new Domain({ format, memory, path: 'one-walk', driver: bareDriver(callbacks) });
  return { domain, answers };
}

describe.each(FORMATS)('%s', (format) => {
  test('a translation inside the invalidation of a removed table ends at the entry that pointed there', () => {
    const { domain, answers } = listening(format, new TableMemory(), 2 ** 30);
    domain.map(2 ** 30, PA, 2 * TABLE, ACCESS);
    expect(domain.translate(2 ** 30)).toBe(PA);
    domain.unmap(2 ** 30, TABLE);
    expect(answers).toEqual([[undefined, domain.table.tree.last]]);
    expect(domain.translate(2 ** 30)).toBeUndefined();
    expect(domain.translate(2 ** 30 + TABLE)).toBe(PA + TABLE);
  });

  test('a translation inside the invalidation of a rollback sees none of the tables that go', () => {
    const memory = new TableMemory();
    const { domain, answers } = listening(format, memory, 2 ** 30);
    const before = domain.meter.tableReads;
    domain.translate(2 ** 30);
    const reads = domain.meter.tableReads - before;
    memory.failAfter(4);
    expect(() => domain.map(2 ** 30, PA, 8 * TABLE, ACCESS)).toThrow(/memory/);
    memory.failAfter(-1);
    expect(answers.at(-1)).toEqual([undefined, reads]);
  });

  test('a domain of other tables in the same memory takes its turn', () => {
    const memory = new TableMemory();
    const { domain: one } = listening(format, memory, 0);
    const { domain: other } = listening('arm-64-lpae-s1', memory, 0);
    for (let i = 0; i < 3; i++) {
      one.map(2 ** 30 + i * PAGE, 2 ** 31 + i * PAGE, PAGE, ACCESS);
      other.map(2 ** 30 + i * PAGE, 2 ** 32 + i * PAGE, PAGE, ACCESS);
    }
    for (let i = 0; i < 3; i++) {
      expect(one.translate(2 ** 30 + i * PAGE + 5)).toBe(2 ** 31 + i * PAGE + 5);
      expect(other.translate(2 ** 30 + i * PAGE + 5)).toBe(2 ** 32 + i * PAGE + 5);
    }
  });
});
