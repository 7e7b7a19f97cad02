import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Answer, answerToHtml, escapeJson, escapeMarkup, tableToHtml } from '../../src/report/index.ts';
import { LATENCY, LIVE, RANGES, STACKED } from './samples.ts';
import { elements, parseXml, type XmlElement } from './xml.ts';

/** The body as XML: the report closes every element of it. */
function body(html: string): XmlElement {
  return parseXml(/<main>[\s\S]*<\/main>/.exec(html)?.[0] ?? '');
}

function page(text: string): Answer {
  return {
    schema: 'iommu.test',
    version: 1,
    outcome: 'findings',
    verdict: text,
    sections: [
      {
        id: 'all',
        title: text,
        rank: 'main',
        blocks: [
          { kind: 'text', text },
          { kind: 'list', items: [text] },
          { kind: 'lines', lines: [text] },
          { kind: 'table', table: { title: text, columns: [{ title: text }], rows: [[text]], notes: [text] } },
          { kind: 'chart', chart: { ...LATENCY, title: text, notes: [text] } },
        ],
      },
    ],
    notes: [text],
    data: { text },
  };
}

const FULL: Answer = {
  schema: 'iommu.replay',
  version: 1,
  outcome: 'fine',
  verdict: 'Replayed.',
  sections: [LATENCY, LIVE, STACKED, RANGES].map((chart, i) => ({
    id: `chart-${i}`,
    title: chart.title,
    rank: 'main',
    blocks: [{ kind: 'chart', chart }],
  })),
  notes: ['prices are assumed: no profile'],
  data: { iova: 0xfff0_0000_0000_0000n },
};

function html(answer: Answer): string {
  return answerToHtml(answer, answer.verdict);
}

test('the page says what was assumed, once, at its end', () => {
  const texts = [...elements(body(html(FULL)))].filter(({ name }) => name === 'li').map(({ text }) => text);
  expect(texts.at(-1)).toBe('prices are assumed: no profile');
});

test('the page fetches nothing and forbids it to the reader too', () => {
  const text = html(FULL);
  expect(text).toContain(`content="default-src 'none'; style-src 'unsafe-inline';`);
  expect(text.replace(/xmlns="[^"]*"/g, '')).not.toMatch(
    /\s(?:src|srcset)=|https?:|@import|url\((?!#)|<link|<iframe|\son\w+=/i,
  );
  for (const { name, attributes } of elements(body(text)))
    if (name === 'a') expect(attributes.get('href')).toMatch(/^#/);
});

test('no two elements of a page share an id', () => {
  const ids = [...html(FULL).matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
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
  const json = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html(FULL))?.[1] ?? '';
  expect(JSON.parse(json)).toMatchObject({ schema: 'iommu.replay', version: 1, iova: '0xfff0000000000000' });
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
  const shape = (shown: string): string[] =>
    [...elements(body(shown))]
      .filter(({ name }) => !['text', 'g', 'path', 'rect', 'tspan'].includes(name))
      .map(({ name }) => name);
  const plain = shape(html(page('plain')));
  fc.assert(
    fc.property(
      hostile.filter((text) => !text.includes('\n') && text.trim() !== ''),
      (text) => {
        const shown = html(page(text));
        expect(shape(shown)).toEqual(plain);
        expect(shown.match(/<\/?script/g)).toHaveLength(2);
        const json = /id="data">(.*?)<\/script>/s.exec(shown)?.[1] ?? '';
        expect(JSON.parse(json)).toMatchObject(JSON.parse(JSON.stringify({ text })));
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
