import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  answer,
  showControlsOfLines,
  type Table,
  tableToCsv,
  tableToMarkdown,
  tableToText,
  toJson,
  toNdjson,
} from '../../src/report/index.ts';

const TABLE: Table = {
  title: 'Counts',
  columns: [{ title: 'path' }, { title: 'calls', unit: 'count' }, { title: 'time', unit: 'ns' }],
  rows: [
    ['per-page', 1234567, 445.2],
    ['one-walk', 1, null],
  ],
};

test('numbers stand at the right, thousands grouped, not known is a dash', () => {
  expect(tableToText(TABLE, true)).toBe(
    [
      'Counts',
      'path          calls    time',
      '───────────────────────────',
      'per-page  1,234,567  445 ns',
      'one-walk          1       -',
      '',
    ].join('\n'),
  );
});

test('off a terminal each line is a row', () => {
  expect(tableToText({ ...TABLE, title: 'T' }, false).split('\n')).toHaveLength(5);
});

test('a cell cannot steer the terminal', () => {
  const text = tableToText({ columns: [{ title: '\u001b[31mred' }], rows: [['\u001b]0;title\u0007'], ['two\nlines']] });
  expect(text).not.toMatch(/(?!\n)\p{Cc}/u);
  expect(text).toContain('two lines');
});

test('CSV keeps numbers unrounded and quotes what needs it', () => {
  expect(tableToCsv(TABLE)).toBe('path,calls,time_ns\nper-page,1234567,445.2\none-walk,1,\n');
  expect(tableToCsv({ columns: [{ title: 'a,b' }], rows: [['say "x"'], ['two\nlines']] })).toBe(
    'a_b\n"say ""x"""\n"two\nlines"\n',
  );
});

function readCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, bare = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
    rows.at(-1)?.push(quoted === undefined ? bare : quoted.replace(/""/g, '"'));
    if (end === '\n') rows.push([]);
  }
  return rows.slice(0, -1);
}

test('CSV reads back as it was written', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.string()), { maxLength: 5 }), (rows) => {
      const columns = [{ title: 'a' }, { title: 'b' }];
      const shown = rows.map((row) =>
        row.map((cell) => showControlsOfLines(/^[=+\-@＋－＝＠\t\r]/.test(cell) ? `'${cell}` : cell)),
      );
      const harmless = /^'?[-+](?:\d+(?:e\d+)?)?$/i;
      const read = readCsv(tableToCsv({ columns, rows }));
      const clean = (table: readonly string[][]) =>
        table.map((row) => row.map((cell) => (harmless.test(cell) ? '' : cell)));
      expect(clean(read)).toEqual(clean([['a', 'b'], ...shown]));
    }),
  );
});

test('Markdown escapes what would be markup', () => {
  const text = tableToMarkdown({ columns: [{ title: 'a|b' }, { title: 'n', unit: 'count' }], rows: [['<b>*x*', 5]] });
  expect(text).toBe('| a\\|b | n |\n| --- | ---: |\n| \\<b\\>\\*x\\* | 5 |\n');
});

test('JSON answers begin with schema and version, and carry 64-bit values as text', () => {
  const json = toJson(answer('iommu.test', 1, { iova: 0xffff_ffff_ffff_f000n, none: Number.NaN }), 0);
  expect(json).toBe('{"schema":"iommu.test","version":1,"iova":"0xfffffffffffff000","none":null}');
});

test('NDJSON is one object a line', () => {
  expect([...toNdjson([{ a: 1n }, { b: '\n' }])]).toEqual(['{"a":"0x1"}\n', '{"b":"\\n"}\n']);
});

test('CSV keeps a spreadsheet from running a cell as a formula', () => {
  const cells = ['=1+1', '+cmd', '-cmd', '@SUM(A1)', '\t=1', '\r=1', '-5', '+5.25e-3', '-', 'a=1'];
  const text = tableToCsv({ columns: [{ title: 'a' }], rows: cells.map((cell) => [cell]) });
  expect(text).toBe("a\n'=1+1\n'+cmd\n'-cmd\n'@SUM(A1)\n'\t=1\n'\\x0d=1\n-5\n+5.25e-3\n-\na=1\n");
});

test('a table takes time that grows with its rows, and any number of them', () => {
  const rows = Array.from({ length: 200_000 }, (_, i) => [`row ${i}`, i]);
  const text = tableToText({ columns: [{ title: 'name' }, { title: 'n', unit: 'count' }], rows }, false);
  expect(text.split('\n')).toHaveLength(200_002);
  expect(text.endsWith('row 199999  199,999\n')).toBe(true);
});

test('wide characters and combining marks keep the columns in line', () => {
  const lines = tableToText(
    {
      columns: [{ title: 'a' }, { title: 'b' }],
      rows: [
        ['漢字', 'x'],
        ['e\u0301', 'y'],
      ],
    },
    false,
  );
  expect(lines).toBe('a     b\n漢字  x\ne\u0301     y\n');
});
