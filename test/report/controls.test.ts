import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeJson, showControls, showControlsOfLines, toJson } from '../../src/report/index.ts';

/** What must never leave the program as it came: controls, bidirectional controls, lone surrogates. */
const STEERING = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/u;

test('each character that does not print is shown by its code', () => {
  expect(showControls('\u001b]0;t\u0007\u009b2J')).toBe('\\x1b]0;t\\x07\\x9b2J');
  expect(showControls('a\nb\tc\u007f')).toBe('a\\x0ab\\x09c\\x7f');
  expect(showControls('\u202efile\u2066\u200b\ud800\u{e0041}')).toBe('U+202EfileU+2066U+200BU+D800U+E0041');
  expect(showControls('plain, µ × 漢字 é 👍')).toBe('plain, µ × 漢字 é 👍');
});

test('of a whole output lines, tabs and, where asked, colours of the program stay', () => {
  expect(showControlsOfLines('a\tb\n\u001b[31mred\u001b[39m')).toBe('a\tb\n\\x1b[31mred\\x1b[39m');
  expect(showControlsOfLines('\u001b[31mred\u001b[39m\u001b[2J\r', true)).toBe('\u001b[31mred\u001b[39m\\x1b[2J\\x0d');
});

test('no text is left with a character that steers', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(showControls(text)).not.toMatch(STEERING);
      expect(showControlsOfLines(text).replace(/[\n\t]/g, '')).not.toMatch(STEERING);
    }),
  );
});

test('JSON holds the same value and no character that steers', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (key, text) => {
      const json = toJson({ [`k${key}`]: [text] }, 0);
      expect(json).not.toMatch(STEERING);
      expect(JSON.parse(json)).toEqual({ [`k${key}`]: [text] });
      expect(JSON.parse(escapeJson(json))).toEqual({ [`k${key}`]: [text] });
    }),
  );
});
