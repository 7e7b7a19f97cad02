/**
 * Bytes of a log into lines: UTF-8 or UTF-16, with or without a byte order mark, lines that quoted-printable mail broke
 * joined, lines without end cut.
 * @module
 */

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
    const piece = this.#json ? text.replaceAll('},{', '},\n{') : text;
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
    if (this.#rest.length <= 2 * LONGEST_LINE) return;
    this.#overlong = true;
    this.#rest = this.#rest.slice(0, LONGEST_LINE);
  }

  #line(text: string): void {
    this.counts.lines++;
    if (this.counts.text === 0 && text.trim() !== '') this.counts.text++;
    const isLong = this.#overlong || text.length > LONGEST_LINE;
    this.#overlong = false;
    if (isLong) this.counts.tooLong++;
    const line = isLong ? `${text.slice(0, LONGEST_LINE)}…` : text;
    const whole = this.#broken.slice(0, -1) + line.trimEnd();
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
