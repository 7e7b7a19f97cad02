import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { looksLikeLatencyTable, readLatencyTable, selectRows } from '../../src/cost/csv.ts';
import { problemsOf } from '../../src/cost/problem.ts';
import { InputError } from '../../src/errors.ts';
import { explainTable } from '../../src/explain/table.ts';

function refusal(action: () => unknown): InputError {
  try {
    action();
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('not refused');
}

const read = (text: string): ReturnType<typeof readLatencyTable> => readLatencyTable(text, 'some.csv');

const GOOD = 'op,path,pages,us\nmap,per-page,1,0.6\nmap,per-page,16,9.5\n';

test('times, sizes and printed digits', () => {
  const { rows, columns } = read(
    '\uFEFFop,layout,bytes,us\r\n# a remark\r\nmap,"scattered-4k",65536,18.50\r\n\r\nmap,scattered-4k,4096,3\r\n',
  );
  expect(columns).toEqual(['op', 'layout']);
  expect(
    rows.map(({ pages, bytes, timeNs, roundingNs, line }) => ({ pages, bytes, timeNs, roundingNs, line })),
  ).toEqual([
    { pages: 16, bytes: 65536, timeNs: 18500, roundingNs: 5, line: 3 },
    { pages: 1, bytes: 4096, timeNs: 3000, roundingNs: 500, line: 5 },
  ]);
});

describe('bad tables are refused with which, where and what to do', () => {
  test.each([
    ['', 'NO_EVENTS', /expected a header and rows with measurements, got none/],
    ['op,pages,us\n', 'NO_EVENTS', /expected a header and rows with measurements, got none/],
    ['path,pages,us\nmap-sg,1,2\n', 'MISSING_COLUMN', /expected a column op, got path, pages, us; add it/],
    ['op,pages\nmap,1\n', 'MISSING_COLUMN', /expected a column us, got op, pages/],
    ['op,us\nmap,1\n', 'MISSING_COLUMN', /expected a column pages \(or bytes\)/],
    ['op,pages,us,us\nmap,1,2,3\n', 'MALFORMED', /expected each column once, got us twice/],
    [`${GOOD}map,per-page,32,-3\n`, 'MALFORMED', /line 4, column us: expected a positive number, got "-3"/],
    [`${GOOD}map,per-page,32,fast\n`, 'MALFORMED', /line 4, column us: expected a positive number, got "fast"/],
    [`${GOOD}map,per-page,0,1\n`, 'MALFORMED', /line 4, column pages/],
    [`${GOOD}map,per-page,1.5,1\n`, 'MALFORMED', /column pages: expected a whole number/],
    [`${GOOD}map,per-page,32,\n`, 'MISSING_VALUE', /line 4, column us: expected a positive number, got nothing/],
    [`${GOOD}map,,32,1\n`, 'MISSING_VALUE', /line 4, column path: expected a value, got nothing/],
    [`${GOOD}map,per-page,32\n`, 'MALFORMED', /line 4: expected 4 fields as in the header, got 3/],
    [`${GOOD}map,per-page,32,1e999\n`, 'MALFORMED', /column us/],
  ])('%j', (text, code, message) => {
    const error = refusal(() => read(text));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message).toContain('some.csv');
  });

  test('one size only', () => {
    const error = refusal(() => problemsOf(read('op,path,pages,us\nmap,per-page,16,1\nmap,map-sg,16,2\n')));
    expect(error.code).toBe('MISSING_VALUE');
    expect(error.message).toMatch(/expected two sizes in a series, .*, got one only.*line 2/);
  });

  test('too many rows, or too many bytes', () => {
    expect(refusal(() => read(`${GOOD}${'map,per-page,2,1\n'.repeat(5000)}`)).code).toBe('TOO_LARGE');
    expect(refusal(() => read('x'.repeat(5 << 20))).code).toBe('TOO_LARGE');
  });

  test('a selection by an unknown column, or of no row', () => {
    expect(refusal(() => selectRows(read(GOOD), [['speed', '1']])).message).toMatch(
      /expected one of the columns op, path, bytes, pages, got speed/,
    );
    expect(refusal(() => selectRows(read(GOOD), [['op', 'unmap']])).message).toMatch(
      /expected a row with op=unmap, got none/,
    );
  });
});

test('an unknown path has lines but no unit prices, and says why', () => {
  const { answer } = explainTable(read('op,path,pages,us\nmap,teleport,1,1\nmap,teleport,16,2\n'));
  expect(answer.fits).toHaveLength(2);
  expect(answer.units).toEqual([]);
  expect(answer.findings.map((finding) => finding.text).join()).toContain('path teleport: known are per-page');
});

test('any text is refused by name or explained', () => {
  const cell = fc.oneof(
    fc.constantFrom(
      'map',
      'unmap',
      'per-page',
      'map-sg',
      '1',
      '16',
      '0.5',
      '-1',
      'x',
      '',
      '"',
      '1e300',
      '1e-300',
      '9007199254740993',
    ),
    fc.string({ maxLength: 5 }),
  );
  const line = fc.array(cell, { minLength: 1, maxLength: 5 }).map((cells) => cells.join(','));
  fc.assert(
    fc.property(
      fc.constantFrom('op,path,pages,us', 'op,pages,us', 'a,b', ''),
      fc.array(line, { maxLength: 6 }),
      (header, lines) => {
        try {
          explainTable(read([header, ...lines].join('\n')));
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('tables are told from traces by their first line', () => {
  expect(looksLikeLatencyTable(GOOD)).toBe(true);
  expect(looksLikeLatencyTable('# tracer: function_graph\n#\n   1.0 |   0)  a-1  |  |  f() {\n')).toBe(false);
  expect(looksLikeLatencyTable('{"a":1,"b":2}')).toBe(false);
});
