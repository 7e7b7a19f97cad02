/**
 * Templates of printed lines, compiled into expressions that match in linear time.
 *
 * A template is the line as it is printed. `{name}` is a hex number of at most 64 bits, with or without `0x`; `{name:d}` a
 * decimal one; `{name:halves}` 64 bits of hex that a blank parts in two; `{name:s}` a token without blanks; `{name:pci}` a PCI address; `{name:one|two}` one of these words;
 * `{name:text}` at most 200 characters of any kind up to what follows; `{name:rest}` everything to the end of the line; `{name:end}` the end
 * of the line.
 * `<…>` may be absent. A blank stands for any blanks. A backslash takes the next character literally.
 * @module
 */

/** A compiled template. */
export interface Pattern {
  /** The names of its values, in order. */
  readonly names: readonly string[];
  /** Literal text that every match begins with; empty for a template that is searched for. */
  readonly start: string;
  /** Literal text that stands in every match: most lines are refused by it alone. */
  readonly literal: string;
  readonly expression: RegExp;
}

/** Values of one line, by name, as printed. */
export type Values = ReadonlyMap<string, string>;

/** A match: its values, where it begins, and where it ends. */
export interface Match {
  readonly values: Values;
  readonly at: number;
  readonly end: number;
}

/** No token goes on behind a number, and no line was cut within it. */
const NUMBER_END = '(?![\\w>…])';
const HEX = `(?:0x)?[0-9a-f]{1,16}${NUMBER_END}`;

const TOKENS: Readonly<Record<string, string>> = {
  '': HEX,
  d: `-?\\d{1,20}${NUMBER_END}`,
  s: '\\S{1,128}',
  halves: `(?:0x)?[0-9a-f]{8} [0-9a-f]{8}${NUMBER_END}`,
  pci: '(?:0x)?(?:[0-9a-f]{4,8}:)?(?:0x)?[0-9a-f]{1,2}:(?:0x)?[0-9a-f]{1,2}\\.(?:0x)?[0-7]',
  text: '.{0,200}?',
  rest: '.*',
  end: '\\s*$',
};

const PART = /\{(\w+)(?::([^}]*))?\}|\\(.)|( +)|([<>])|([^{}\\ <>]+)/g;

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function tokenSource(kind: string): string {
  return TOKENS[kind] ?? kind.split('|').map(escaped).join('|');
}

function sourceOf(template: string, names: string[]): string {
  return template.replace(PART, (_, name, kind, taken, blanks, option, literal) => {
    if (name !== undefined) {
      names.push(name);
      return `(${tokenSource(kind ?? '')})`;
    }
    if (blanks !== undefined) return '\\s+';
    if (option !== undefined) return option === '<' ? '(?:' : ')?';
    return escaped(taken ?? literal);
  });
}

/** A token that a searched template begins with begins at a blank: else it would be tried at each of its characters. */
function fromWordStart(source: string): string {
  return source.replace(/^((?:\(\?:)*)\(\\S/, '$1(?<!\\S)(\\S');
}

/** The longest literal word that no option encloses. */
function longestLiteral(template: string): string {
  let depth = 0;
  let longest = '';
  for (const [, name, , taken, , option, literal] of template.matchAll(PART)) {
    if (option !== undefined) depth += option === '<' ? 1 : -1;
    else if (name === undefined && taken === undefined && depth === 0 && (literal ?? '').length > longest.length) {
      longest = literal ?? '';
    }
  }
  return longest;
}

/** Compiles a template. `at` says where it may match: at the start of a message, or anywhere in a line. */
export function compileTemplate(template: string, at: 'start' | 'anywhere'): Pattern {
  const names: string[] = [];
  const source = at === 'start' ? sourceOf(template, names) : fromWordStart(sourceOf(template, names));
  const start = at === 'start' ? (/^[^{}\\ <>]*/.exec(template)?.[0] ?? '') : '';
  return {
    names,
    start,
    literal: longestLiteral(template),
    expression: new RegExp(source, at === 'start' ? 'iy' : 'ig'),
  };
}

/** Matches a pattern in a text, from an offset on. */
export function matchPattern(pattern: Pattern, text: string, from: number): Match | undefined {
  const { expression, names, start, literal } = pattern;
  if (start === '' ? !text.includes(literal, from) : !text.startsWith(start, from)) return undefined;
  expression.lastIndex = from;
  const match = expression.exec(text);
  if (match === null) return undefined;
  const values = new Map<string, string>();
  for (const [i, name] of names.entries()) {
    const value = match[i + 1];
    if (value !== undefined) values.set(name, value);
  }
  return { values, at: match.index, end: match.index + match[0].length };
}
