import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { replaced } from '../../bench/blocks.ts';
import { agreement, documentOf } from '../../bench/figures.ts';
import { markdown, shortMarkdown } from '../../bench/print.ts';
import { inFloors, type Row, reached, rowOf } from '../../bench/row.ts';
import type { Measured } from '../../src/bench/index.ts';

const MEASURED: Measured = {
  hot: { median: 2560, mad: 256, p99: 5120 },
  samples: 301,
  batch: 16,
  cold: { median: 5120, mad: 1, p99: 6000 },
  coldReadingNs: 900,
  coldSamples: 41,
  floors: Float64Array.of(0.5, 0.4, 0.5),
  coarseness: 0,
};
const ABOUT = { work: 'w', inside: 'i' };
const WHERE = { runtime: 'R', cpu: 'C', timer: { resolutionNs: 1, readingNs: 2 }, load: 0.1 };

const page = rowOf({ ...ABOUT, linux: { floors: '5.4' } }, 'ns a page', MEASURED, 256);
const rate = rowOf(ABOUT, 'events a second', MEASURED, 256);
const bytes: Row = { ...ABOUT, measure: 'bytes', value: 4096, samples: 1 };

describe('a row', () => {
  test('is in its own unit, hot and cold, with the floor of the same run', () => {
    expect(page).toMatchObject({
      value: 10,
      hotNs: 10,
      coldNs: 20,
      coldCallNs: 5120,
      samples: 301,
      coldReadingNs: 900,
    });
    expect(page.coldSamples).toBe(41);
    expect(page.spread).toEqual({ median: 10, mad: 1, p99: 20 });
    expect(inFloors(page)).toBe(20);
    expect(rate).toMatchObject({ value: 1e8, hotNs: 10 });
    expect(inFloors(bytes)).toBeUndefined();
  });

  test('reaches its goal only with every part of it', () => {
    const held = (goal: NonNullable<Row['goal']>): boolean | undefined => reached({ ...page, goal });
    expect(held({ text: '', floors: 20, coldCallNs: 5120 })).toBe(true);
    expect(held({ text: '', floors: 19 })).toBe(false);
    expect(held({ text: '', floors: 20, coldCallNs: 5000 })).toBe(false);
    expect(held({ text: '', limit: 9 })).toBe(false);
    expect(reached({ ...rate, goal: { text: '', limit: 2e8, atLeast: true } })).toBe(false);
    expect(reached({ ...bytes, goal: { text: '', floors: 1 } })).toBe(false);
    expect(reached(page)).toBeUndefined();
  });
});

test('the tables say for each part of a goal whether it is reached', () => {
  const goal = { text: '≤ 20 × floor', floors: 20, coldText: 'cold ≤ 3 µs', coldCallNs: 3000 };
  for (const text of [markdown([{ ...page, goal }]), shortMarkdown([{ ...page, goal }])])
    expect(text).toContain('| ≤ 20 × floor: yes; cold ≤ 3 µs: no |');
});

test('the document of --json is as its schema says', () => {
  const schema = readFileSync(new URL('../../schemas/iommu.npm-bench.schema.json', import.meta.url), 'utf8');
  const validate = new Ajv({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(
    JSON.parse(schema) as object,
  );
  validate(JSON.parse(JSON.stringify(documentOf([page, rate, bytes], [{ bytes: 4096 }], WHERE))));
  expect(validate.errors ?? []).toEqual([]);
  validate(JSON.parse(JSON.stringify(documentOf([{ ...page, samples: Number.NaN }], [], WHERE))));
  expect(validate.errors).toMatchObject([{ instancePath: '/rows/0/samples' }]);
});

test('iommu bench agrees where its floors differ by 25 % at most, whatever the speed of the machine, and the others are named', () => {
  const slower = { ...page, cliValue: 30, cliFloors: 25 };
  const rows = [page, slower, { ...page, cliValue: 10, cliFloors: 14.8, work: 'far' }];
  expect(agreement(rows)).toEqual({ text: '`iommu bench` agrees within 25 % with 1 of 2 rows; not: far.', all: false });
  expect(agreement(rows.slice(0, 2)).all).toBe(true);
});

test('both tables have hot, cold, floors and the column on Linux, and as many cells in each line', () => {
  for (const text of [markdown([page, bytes]), shortMarkdown([page, bytes])]) {
    const lines = text.split('\n');
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    for (const cell of ['10.0 ns a page', '20.0', '5.12 µs', '5.4 ×']) expect(lines[2]).toContain(`| ${cell}`);
  }
});

test('a block of a document is replaced, and nothing else', () => {
  const document = 'a\n<!-- x -->\nold\n<!-- /x -->\nb\n';
  expect(replaced(document, 'x', 'new')).toBe('a\n<!-- x -->\n\nnew\n\n<!-- /x -->\nb\n');
  expect(replaced(document, 'y', 'new')).toBeUndefined();
});

test.each([
  ['README.md', 'npm run bench, in short'],
  ['docs/numbers.md', 'npm run bench'],
])('%s has the block that npm run bench -- --write replaces', (path, name) => {
  expect(replaced(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'), name, '')).toBeDefined();
});
