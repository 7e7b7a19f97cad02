/**
 * Bytes of a log into lines: UTF-8 or UTF-16, with or without a byte order mark, lines that quoted-printable mail broke
 * joined, lines without end cut.
 * @module
 */
import { QUOTES } from './clean.ts';

/** Longest line that is looked at. */
export const LONGEST_LINE = 4096;
/** Bytes that the encoding is guessed from. */
const SAMPLE = 4096;
/** Lines of quoted-printable mail are at most 76 characters (RFC 2045, 6.7), more where names were replaced. */
const LONGEST_MAIL_LINE = 80;

/** Share of zero bytes at odd or even places above which text is taken for UTF-16. */
const MOSTLY = 0.7;

/** What the bytes of a log are. */
export interface Encoding {
  readonly name: 'utf-8' | 'utf-16le' | 'utf-16be';
  /** True where control characters say that it is no text. */
  readonly binary: boolean;
}

function zeros(bytes: Uint8Array, from: number): number {
  let count = 0;
  for (let i = from; i < bytes.length; i += 2) if (bytes[i] === 0) count++;
  return count / Math.max(1, Math.ceil((bytes.length - from) / 2));
}

function isControl(byte: number): boolean {
  return byte < 32 && byte !== 9 && byte !== 10 && byte !== 13 && byte !== 27;
}

/** Guesses the encoding from the first bytes. */
export function guessEncoding(bytes: Uint8Array): Encoding {
  const sample = bytes.subarray(0, SAMPLE);
  if (sample[0] === 0xff && sample[1] === 0xfe) return { name: 'utf-16le', binary: false };
  if (sample[0] === 0xfe && sample[1] === 0xff) return { name: 'utf-16be', binary: false };
  const [even, odd] = [zeros(sample, 0), zeros(sample, 1)];
  if (odd > MOSTLY && even < 1 - MOSTLY) return { name: 'utf-16le', binary: false };
  if (even > MOSTLY && odd < 1 - MOSTLY) return { name: 'utf-16be', binary: false };
  const controls = sample.reduce((count, byte) => count + (isControl(byte) ? 1 : 0), 0);
  return { name: 'utf-8', binary: controls > sample.length / 16 };
}

/** Where lines go: the text without its end, and its number from 1. */
export type LineSink = (text: string, number: number) => void;

/** The rest of a broken line without the mail quoting that the first part has too. */
function unquoted(line: string, broken: string): string {
  const quotes = broken === '' ? '' : (QUOTES.exec(broken)?.[0] ?? '');
  return quotes !== '' && line.startsWith(quotes) ? line.slice(quotes.length) : line;
}

/** A field name and its `=` at the end of a line, with the value on the next: a terminal's break, not that of mail. */
const FIELD = /(?:^|[\s,([])[A-Za-z]\w{0,40}=$/;

function joined(broken: string, line: string): string {
  return broken === '' ? line : broken.slice(0, -1) + unquoted(line, broken);
}

/** True where a line that ends in `=` was broken by a terminal: the value of a field is what follows. */
function isBeforeValue(broken: string, line: string): boolean {
  return FIELD.test(broken) && /^\d/.test(unquoted(line, broken));
}

/** Cuts bytes into lines. */
export class LineReader {
  /** Bytes and lines read, whether any is not blank, and lines of which only the beginning was looked at. */
  readonly counts: { bytes: number; lines: number; text: number; tooLong: number } = {
    bytes: 0,
    lines: 0,
    text: 0,
    tooLong: 0,
  };
  encoding: Encoding | undefined;
  readonly #sink: LineSink;
  #decoder = new TextDecoder();
  #json = false;
  #rest = '';
  /** True if the last character was a carriage return whose line feed may follow. */
  #return = false;
  #overlong = false;
  #broken = '';
  #first = 0;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  /** Takes the next bytes, cut anywhere. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.encoding === undefined) this.#start(bytes);
    this.counts.bytes += bytes.length;
    this.#text(this.#decoder.decode(bytes, { stream: true }));
  }

  /** Says that there are no more bytes. */
  end(): void {
    this.#text(this.#decoder.decode());
    if (this.#rest !== '' || this.#overlong) this.#line(this.#rest);
    this.#rest = '';
    if (this.#broken !== '') this.#give(this.#broken.slice(0, -1));
  }

  #start(bytes: Uint8Array): void {
    this.encoding = guessEncoding(bytes);
    this.#decoder = new TextDecoder(this.encoding.name);
    const first = new TextDecoder(this.encoding.name).decode(bytes.subarray(0, 64), { stream: true });
    this.#json = /^\s*\{\s*"dmesg"/.test(first);
  }

  #text(text: string): void {
    // dmesg --json may write all its records in one line
    const ended = this.#lineEnds(text);
    const piece = this.#json ? ended.replace(/\},[ \t]*\{/g, '},\n{') : ended;
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
    if (this.#rest.length <= 2 * LONGEST_LINE) return;
    this.#overlong = true;
    this.#rest = this.#rest.slice(0, LONGEST_LINE);
  }

  /** Serial consoles end lines in two carriage returns and a line feed, in the two reversed, or in a carriage return alone. */
  #lineEnds(text: string): string {
    if (!text.includes('\r') && !this.#return) return text;
    const whole = this.#return ? `\r${text}` : text;
    this.#return = whole.endsWith('\r');
    const body = this.#return ? whole.slice(0, -1) : whole;
    return body
      .replace(/\r{1,8}\n/g, '\n')
      .replace(/\n\r/g, '\n')
      .replace(/\r/g, '\n');
  }

  #line(text: string): void {
    this.counts.lines++;
    if (this.counts.text === 0 && text.trim() !== '') this.counts.text++;
    const isLong = this.#overlong || text.length > LONGEST_LINE;
    this.#overlong = false;
    if (isLong) this.counts.tooLong++;
    const line = isLong ? `${text.slice(0, LONGEST_LINE)}…` : text;
    if (this.#broken !== '' && isBeforeValue(this.#broken, line)) this.#give(this.#broken);
    const whole = joined(this.#broken, line).trimEnd();
    if (this.#broken === '') this.#first = this.counts.lines;
    if (this.#isBroken(line) && whole.length <= LONGEST_LINE) this.#broken = whole;
    else this.#give(this.#broken === '' ? line : whole.slice(0, LONGEST_LINE));
  }

  /** A soft line break of quoted-printable: the line ends in `=`. */
  #isBroken(line: string): boolean {
    if (line.length > LONGEST_MAIL_LINE || line.length < 2) return false;
    const end = line.endsWith('\r') ? line.length - 2 : line.length - 1;
    return line.charCodeAt(end) === 0x3d && line.charCodeAt(end - 1) !== 0x3d;
  }

  #give(text: string): void {
    this.#broken = '';
    this.#sink(text, this.#first);
  }
}
