import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeJson, escapeMarkup, type Report, reportToHtml, tableToHtml } from '../../src/report/index.ts';
import { LATENCY, LIVE, RANGES, STACKED } from './samples.ts';
import { elements, parseXml, type XmlElement } from './xml.ts';

/** The body as XML: the report closes every element of it. */
function body(html: string): XmlElement {
  return parseXml(/<main>[\s\S]*<\/main>/.exec(html)?.[0] ?? '');
}

function report(text: string): Report {
  return {
    title: text,
    lead: text,
    sources: [{ what: text, how: 'assumed', detail: text }],
    sections: [
      {
        title: text,
        blocks: [
          { kind: 'text', text },
          { kind: 'table', table: { title: text, columns: [{ title: text }], rows: [[text]], notes: [text] } },
          { kind: 'chart', chart: { ...LATENCY, title: text, notes: [text] } },
        ],
      },
    ],
    data: { text },
  };
}

const FULL: Report = {
  title: 'Replay',
  sources: [
    { what: 'trace', how: 'measured', detail: 'trace.txt' },
    { what: 'prices', how: 'assumed', detail: 'no profile' },
  ],
  sections: [LATENCY, LIVE, STACKED, RANGES].map((chart) => ({
    title: chart.title,
    blocks: [{ kind: 'chart', chart }],
  })),
  data: { schema: 'iommu.replay', version: 1, iova: 0xfff0_0000_0000_0000n },
};

test('the report says what was measured and what was assumed', () => {
  const rows = [...elements(body(reportToHtml(FULL)))].filter(({ name }) => name === 'tr');
  const texts = rows.map((row) => row.children.map(({ text }) => text));
  expect(texts).toContainEqual(['trace', 'measured', 'trace.txt']);
  expect(texts).toContainEqual(['prices', 'assumed', 'no profile']);
});

test('the report fetches nothing and forbids it to the reader too', () => {
  const html = reportToHtml(FULL);
  expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  expect(html.replace(/xmlns="[^"]*"/g, '')).not.toMatch(
    /\s(?:src|srcset)=|https?:|@import|url\((?!#)|<link|<iframe|\son\w+=/i,
  );
  for (const { name, attributes } of elements(body(html)))
    if (name === 'a') expect(attributes.get('href')).toMatch(/^#/);
});

test('no two elements of a report share an id', () => {
  const ids = [...reportToHtml(FULL).matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('numbers in tables stand at the right, headings name their columns', () => {
  const html = tableToHtml({
    title: 'T',
    columns: [{ title: 'a' }, { title: 'n', unit: 'count' }],
    rows: [['x', 1000]],
  });
  const all = [...elements(parseXml(`<div>${html}</div>`))];
  expect(all.filter(({ name }) => name === 'th').map(({ attributes }) => attributes.get('scope'))).toEqual([
    'col',
    'col',
  ]);
  expect(all.find(({ text }) => text === '1,000')?.attributes.get('class')).toBe('number');
  expect(all.find(({ name }) => name === 'caption')?.text).toBe('T');
});

test('the data of the answer is in the page, 64-bit values as text', () => {
  const json = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(reportToHtml(FULL))?.[1] ?? '';
  expect(JSON.parse(json)).toEqual({ schema: 'iommu.replay', version: 1, iova: '0xfff0000000000000' });
});

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc
    .array(
      fc.constantFrom(
        '</script>',
        '<!--',
        '-->',
        ']]>',
        '"',
        "'",
        '&',
        '<',
        '>',
        '&lt;',
        '</style>',
        '<img src=x onerror=alert(1)>',
        '\u2028',
        'a ',
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join('')),
);

test('whatever the texts hold, the page has the same elements and the data reads back', () => {
  const shape = (html: string): string[] =>
    [...elements(body(html))]
      .filter(({ name }) => !['text', 'g', 'path', 'rect', 'tspan'].includes(name))
      .map(({ name }) => name);
  const plain = shape(reportToHtml(report('plain')));
  fc.assert(
    fc.property(
      hostile.filter((text) => !/\n\s*\n/.test(text)),
      (text) => {
        const html = reportToHtml(report(text));
        expect(shape(html)).toEqual(plain);
        expect(html.match(/<\/?script/g)).toHaveLength(2);
        const json = /id="data">(.*?)<\/script>/s.exec(html)?.[1] ?? '';
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ text })));
      },
    ),
    { numRuns: 100 },
  );
});

test('escaped text decodes to itself, but for what cannot be printed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(parseXml(`<a b="${escapeMarkup(text)}"></a>`).attributes.get('b')).toBe(text);
      expect(JSON.parse(escapeJson(JSON.stringify(text)))).toBe(text);
    }),
  );
});
