import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { compareAnswer } from '../../src/answers/index.ts';
import { type Answer, answerDocument, answerToJson } from '../../src/report/index.ts';
import { FOLDERS, line, replayCapture, replayTexts } from './helpers.ts';

function problems(schema: string, answer: Answer): unknown {
  const file = new URL(`../../schemas/${schema}.schema.json`, import.meta.url);
  const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true });
  const validate = ajv.compile(JSON.parse(readFileSync(file, 'utf8')) as object);
  validate(JSON.parse(answerToJson(answer)));
  return validate.errors ?? [];
}

describe('answers are as their schemas say', () => {
  test.each(FOLDERS)('replay of %s', (folder) => {
    const asked = { path: 'all', granule: 'all', ranges: true, leaks: true, doubleMaps: true } as const;
    expect(problems('iommu.replay', replayCapture(folder, asked))).toEqual([]);
  });

  test('replay of a trace without events, and of one with refused calls', () => {
    expect(problems('iommu.replay', replayTexts(['# tracer: nop\n']))).toEqual([]);
    const high = replayTexts([line('map', 1, 0xffff_ffff_f000, 0x1000)], { format: 'arm-v7s' });
    expect(high.data.rows[0]?.refused).not.toEqual([]);
    expect(problems('iommu.replay', high)).toEqual([]);
  });

  test('compare', () => {
    const [a, b] = ['x86-vtd-612-blk', 'x86-vtd-612-vfio'].map((folder) => answerDocument(replayCapture(folder)));
    const answer = compareAnswer({ name: 'a', document: a }, { name: 'b', document: b });
    expect(problems('iommu.compare', answer)).toEqual([]);
  });
});

test('a schema refuses an answer with a number for an address', () => {
  const answer = replayTexts([line('map', 1, 0x1000, 0x1000)]);
  const [first] = answer.data.stillMapped;
  const odd = { ...answer, data: { ...answer.data, stillMapped: [{ ...first, iova: 4096 }] } };
  expect(problems('iommu.replay', odd)).toMatchObject([{ instancePath: '/stillMapped/0/iova' }]);
});
