import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Answer,
  answerToCsv,
  answerToHtml,
  answerToJson,
  answerToMarkdown,
  answerToNdjson,
  answerToSvg,
  answerToText,
  tableSection,
} from '../../src/report/index.ts';
import { FIRST_ROWS } from '../../src/report/table.ts';

const STYLE = { width: 80, color: false, ascii: false, bytes: false, verbose: false, ruled: false };

const ANSWER: Answer<{ readonly devices: readonly object[] }> = {
  schema: 'iommu.test',
  version: 3,
  outcome: 'findings',
  verdict: '0000:00:02.0 mapped 14.6 MiB and never unmapped 189 lists.',
  data: { devices: [{ device: '0000:00:02.0', bytes: 0x1000n }] },
  sections: [
    tableSection('devices', 'By device', {
      columns: [
        { title: 'device' },
        { title: 'live at most', unit: 'bytes' },
        { title: 'maps', unit: 'count', drop: 1 },
      ],
      rows: [[{ text: '0000:00:02.0', tone: 'bad' }, 5_513_216, 2855]],
    }),
    { id: 'raw', title: 'Every entry', rank: 'detail', blocks: [{ kind: 'lines', lines: ['a', '<b>'] }] },
  ],
  notes: ['read-write is assumed for 3 calls'],
  records: [{ device: '0000:00:02.0' }],
};

test('text begins with the verdict, then the main sections, the notes, and what --verbose adds', () => {
  expect(answerToText(ANSWER, STYLE)).toBe(
    [
      '0000:00:02.0 mapped 14.6 MiB and never unmapped 189 lists.',
      '',
      'By device',
      'device        live at most   maps',
      '0000:00:02.0      5.26 MiB  2,855',
      '',
      'Notes',
      '- read-write is assumed for 3 calls',
      '',
      '--verbose adds: Every entry',
      '',
    ].join('\n'),
  );
  expect(answerToText(ANSWER, { ...STYLE, verbose: true })).toContain('Every entry\na\n<b>\n');
});

test('--bytes prints sizes as plain numbers; colour changes no character but escapes', () => {
  expect(answerToText(ANSWER, { ...STYLE, bytes: true })).toContain('5513216');
  const coloured = answerToText(ANSWER, { ...STYLE, color: true });
  expect(coloured).toContain('\u001b[');
  expect(stripVTControlCharacters(coloured)).toBe(answerToText(ANSWER, STYLE));
});

test('a table longer than the first screen is cut, its total said, and whole with --verbose', () => {
  const rows = Array.from({ length: FIRST_ROWS + 5 }, (_, i) => [`row ${i}`]);
  const long = {
    ...ANSWER,
    sections: [tableSection('rows', 'Rows', { columns: [{ title: 'name' }], rows, total: 1000 })],
  };
  expect(answerToText(long, STYLE)).toContain('and 980 more');
  expect(answerToText(long, STYLE)).toContain('--verbose adds: all rows of Rows');
  expect(answerToText(long, { ...STYLE, verbose: true })).toContain('row 24\nand 975 more\n');
});

test('no line is longer than the width, and no number is broken, from 60 columns on', () => {
  const cell = fc.oneof(fc.nat(), fc.constantFrom('0xffff0000_1000', 'some words of text that may be broken', '-'));
  const table = fc.record({
    columns: fc.array(fc.record({ title: fc.constantFrom('iova', 'live at most', 'x'), drop: fc.constantFrom(1, 2) }), {
      minLength: 1,
      maxLength: 12,
    }),
    rows: fc.array(fc.array(cell, { minLength: 12, maxLength: 12 }), { minLength: 1, maxLength: 5 }),
  });
  fc.assert(
    fc.property(table, fc.integer({ min: 60, max: 200 }), (one, width) => {
      const text = answerToText({ ...ANSWER, sections: [tableSection('t', 'T', one)] }, { ...STYLE, width });
      const lines = text.split('\n').filter((line) => !line.startsWith('columns that need'));
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
    }),
  );
});

test('JSON has schema, version, outcome and verdict first, the notes last, and 64-bit values as text', () => {
  const document = JSON.parse(answerToJson(ANSWER)) as object;
  expect(Object.keys(document)).toEqual(['schema', 'version', 'outcome', 'verdict', 'devices', 'notes']);
  expect(document).toMatchObject({ version: 3, devices: [{ bytes: '0x1000' }] });
  expect(answerToNdjson(ANSWER)).toBe('{"device":"0000:00:02.0"}\n');
});

test('CSV names columns with their units; an answer without table or picture has no CSV or SVG', () => {
  expect(answerToCsv(ANSWER)).toBe('device,live_at_most_bytes,maps\n0000:00:02.0,5513216,2855\n');
  expect(answerToCsv({ ...ANSWER, sections: [] })).toBeUndefined();
  expect(answerToSvg(ANSWER)).toBeUndefined();
});

test('HTML shows every section, escaped, with a policy and without script', () => {
  const html = answerToHtml(ANSWER, 'test <answer>');
  expect(html).toContain('&lt;b&gt;');
  expect(html).toContain('test &lt;answer&gt;');
  expect(html).toContain("default-src 'none'");
  expect(html.match(/<script(?! type="application\/json")/g)).toBeNull();
  expect(html).toContain('data-label="live at most"');
});

test('Markdown has the verdict in bold, sections as headings, tables as pipe tables', () => {
  const text = answerToMarkdown(ANSWER);
  expect(text.startsWith('**0000:00:02.0 mapped')).toBe(true);
  expect(text).toContain('## By device\n\n| device | live at most | maps |\n| --- | ---: | ---: |');
  expect(text).toContain('```text\na\n<b>\n```');
});

test('several charts become one SVG, one below the other', () => {
  const chart = {
    kind: 'bar',
    title: 'Bars',
    category: 'path',
    categories: ['a'],
    value: { label: 'calls', unit: 'count' },
    series: [{ name: 'calls', evidence: 'count', values: [1] }],
  } as const;
  const section = {
    id: 'c',
    title: 'C',
    rank: 'main',
    blocks: [
      { kind: 'chart', chart },
      { kind: 'chart', chart },
    ],
  } as const;
  const svg = answerToSvg({ ...ANSWER, sections: [section] }) ?? '';
  expect(svg.match(/<svg /g)).toHaveLength(3);
  expect(svg).toMatch(/^<svg xmlns="[^"]+" width="760" height="\d+"/);
});
