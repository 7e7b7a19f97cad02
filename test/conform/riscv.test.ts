import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { parseCases } from '../../src/conform/index.ts';
import { InputError } from '../../src/errors.ts';

const LINES = gunzipSync(readFileSync(new URL('../vectors/R_riscv_model.jsonl.gz', import.meta.url)))
  .toString()
  .trim()
  .split('\n');

interface Case {
  readonly id: string;
  readonly req: Readonly<Record<string, unknown>>;
  readonly mem: readonly (readonly [string, string])[];
  readonly ans: Readonly<Record<string, unknown>>;
  readonly faults?: readonly Readonly<Record<string, unknown>>[];
  readonly writes?: readonly (readonly string[])[];
}

const CASES = LINES.map((line) => JSON.parse(line) as Case);

function run(value: unknown): unknown {
  return parseCases('one', JSON.stringify(value))[0]?.run();
}

function find(holds: (each: Case) => boolean): Case {
  const found = CASES.find(holds);
  if (found === undefined) throw new Error('no such case');
  expect(run(found)).toBe('passed');
  return found;
}

test('every recorded request of the reference model has its answer, record and writes', () => {
  const results = parseCases('model', LINES.join('\n')).map((each) => each.run());
  expect(results.filter((result) => result !== 'passed')).toEqual([]);
  expect(results).toHaveLength(447);
});

describe('a case corrupted in one field fails at that field', () => {
  test('the output address', () => {
    const good = find(({ ans, req }) => ans['status'] === 'success' && req['at'] === 'untranslated');
    expect(run({ ...good, ans: { ...good.ans, pa: '0x1' } })).toMatchObject({ id: good.id, field: 'ans.pa' });
  });

  test('the cause, and iotval2', () => {
    const good = find(({ ans }) => ans['cause'] === 23);
    expect(run({ ...good, ans: { ...good.ans, cause: 21 } })).toMatchObject({ field: 'ans.cause', got: '23' });
    expect(run({ ...good, ans: { ...good.ans, iotval2: '0x3' } })).toMatchObject({ field: 'ans.iotval2' });
  });

  test('the record: a field, one too many, one missing', () => {
    const good = find(({ faults }) => faults?.length === 1);
    const [record] = good.faults ?? [];
    expect(run({ ...good, faults: [{ ...record, did: 1 }] })).toMatchObject({ field: 'faults[0].did', expected: '1' });
    expect(run({ ...good, faults: [record, record] })).toMatchObject({ field: 'faults[1]', got: 'nothing' });
    expect(run({ ...good, faults: [] })).toMatchObject({ field: 'faults[0]', expected: 'nothing' });
  });

  test('an update of A and D', () => {
    const good = find(({ writes }) => writes?.length === 1 && writes[0]?.[0] === 'ad');
    const [[kind, address, before] = []] = good.writes ?? [];
    expect(run({ ...good, writes: [[kind, address, before, before]] })).toMatchObject({ field: 'writes[0][2]' });
  });

  test('memory that is needed and not recorded', () => {
    const good = find(({ mem }) => mem.length > 3);
    expect(run({ ...good, mem: good.mem.slice(0, -1) })).toMatchObject({ field: 'mem' });
  });
});

test('a line that is no request is refused by its key', () => {
  const [good] = CASES;
  const wrong = { ...good, req: { ...good?.req, at: 'constructor' } };
  expect(() => parseCases('odd', JSON.stringify(wrong))).toThrow(InputError);
  expect(() => parseCases('odd', JSON.stringify({ ...good, mem: [['0x0', '0']] }))).toThrow(/mem is missing or wrong/);
});
