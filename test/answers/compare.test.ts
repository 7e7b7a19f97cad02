import { describe, expect, test } from 'vitest';
import { type CompareData, compareAnswer, type ReplayData } from '../../src/answers/index.ts';
import { type Answer, answerDocument, answerToJson, answerToText } from '../../src/report/index.ts';
import { line, replayCapture, replayTexts } from './helpers.ts';

const PAGE = 0x1000;
const STYLE = { width: 80, color: false, ascii: false, bytes: false, verbose: false, ruled: false };

function compare(a: Answer<ReplayData>, b: Answer<ReplayData>): Answer<CompareData> {
  const [left, right] = [a, b].map((one) => JSON.parse(answerToJson(one)) as unknown);
  return compareAnswer({ name: 'a.json', document: left }, { name: 'b.json', document: right });
}

function calls(count: number, lifetime: number): string[] {
  return Array.from({ length: count }, (_, i) => [
    line('map', i + 1, 0x10000, PAGE),
    line('unmap', i + 1 + lifetime, 0x10000, PAGE),
  ]).flat();
}

test('a saved answer equals the answer itself, and nothing differs from itself', () => {
  const one = replayCapture('x86-vtd-612-blk');
  const document = answerDocument(one);
  const answer = compareAnswer(
    { name: 'a', document },
    { name: 'b', document: JSON.parse(answerToJson(one)) as unknown },
  );
  expect(answer).toMatchObject({ outcome: 'fine', data: { differences: [], settings: [] } });
  expect(answer.verdict).toContain('equal in all that is compared');
});

test('twice the lists and a tenth of the lifetime: both sides and their ratio, what differs most first', () => {
  const { data, outcome, verdict } = compare(replayTexts(calls(100, 0.5)), replayTexts(calls(200, 0.05)));
  expect(outcome).toBe('findings');
  const of = (what: string) => data.differences.find((one) => one.what === what);
  expect(of('calls: lists')).toMatchObject({ a: 100, b: 200, ratio: 2 });
  expect(of('lifetimes: lifetime, median')?.ratio).toBeCloseTo(0.1, 1);
  expect(data.differences[0]?.what).toMatch(/^lifetimes: /);
  expect(verdict).toContain('2× the lists (200 against 100)');
});

test('differences are ordered by their ratio, whichever side is larger', () => {
  const { data } = compare(replayCapture('x86-vtd-612-blk'), replayCapture('x86-amdvi-612-blk'));
  const sizes = data.differences.map(({ a, b }) =>
    a === null || b === null || a === 0 || b === 0 ? null : Math.abs(Math.log(b / a)),
  );
  const large = data.differences.flatMap(({ a, b }, i) => (Math.min(a ?? 0, b ?? 0) > 1e6 ? [sizes[i] ?? 0] : []));
  expect(large.length).toBeGreaterThan(3);
  expect(large).toEqual(large.toSorted((x, y) => y - x));
});

test('rows of two settings are compared, and the setting is named', () => {
  const texts = calls(300, 0.5);
  const { data, verdict } = compare(replayTexts(texts, { tlb: 'strict' }), replayTexts(texts, { tlb: 'lazy' }));
  expect(data.settings).toEqual([{ what: 'tlb', a: 'strict', b: 'lazy' }]);
  expect(verdict).toContain('tlb strict against lazy');
  const syncs = data.differences.find(({ what }) => what === 'row map-pages: TLB syncs');
  expect(syncs?.b).toBeLessThan(syncs?.a ?? 0);
});

test('a device that only one side has comes first, without a ratio', () => {
  const { data } = compare(replayCapture('x86-vtd-612-vfio'), replayCapture('x86-vtd-612-blk'));
  const only = data.differences.filter(({ what }) => what.startsWith('device 0000:00:06.0'));
  expect(only.length).toBeGreaterThan(0);
  for (const one of only) expect(one).toMatchObject({ b: null, ratio: null });
  expect(data.differences.findIndex(({ a, b }) => a !== null && b !== null)).toBeGreaterThanOrEqual(only.length);
});

test('the text fits its width', () => {
  const answer = compare(replayCapture('x86-vtd-612-blk'), replayCapture('arm64-smmuv3-612-blk-strict'));
  for (const width of [60, 80, 200]) {
    const lines = answerToText(answer, { ...STYLE, width, verbose: true }).split('\n');
    expect(lines.filter((text) => [...text].length > width)).toEqual([]);
  }
});

describe('what cannot be compared is refused by name', () => {
  const document = answerDocument(replayTexts(calls(1, 0.5)));
  const refused = (other: unknown) => () => compareAnswer({ name: 'a', document }, { name: 'b.json', document: other });

  test.each([
    [null, /b\.json: expected an answer iommu\.replay 1 or iommu\.explain 1, got a document without schema/],
    [[], /without schema/],
    [{ schema: 'iommu.decode', version: 1 }, /got iommu\.decode 1/],
    [{ schema: 'iommu.replay', version: 2 }, /got iommu\.replay 2/],
    [{ schema: 'iommu.explain', version: 1, fits: [] }, /without operations/],
    [{ schema: 'iommu.explain', version: 1, operations: [{ op: 'map' }] }, /nothing in common/],
  ])('%j', (other, message) => {
    expect(refused(other)).toThrow(message);
  });

  test('an answer whose keys are of other types has no values, and does not crash', () => {
    const odd = {
      schema: 'iommu.replay',
      version: 1,
      calls: [1],
      rows: [null, 3, { counts: 'x' }],
      devices: { length: 9 },
    };
    expect(refused(odd)().data.differences.every(({ b }) => b === null)).toBe(true);
  });
});
