/**
 * A raw line of a log into clean text: colours, mail quoting, quoted-printable, HTML, the journal's JSON and the escapes of
 * /dev/kmsg undone. The prefixes of dmesg and syslog stay: drivers' heads are found behind any of them.
 * @module
 */
import type { LogLine } from './log-line.ts';

/** ECMA-48 colour sequences; the escape character may be shown as text, or be lost. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
const COLOURS = /(?:\u001b|\^\[|\\033|\\x1b|\\e|\\u001b)\[[0-9;]{0,20}[mK]|\[[0-9;]{1,20}m/g;
/** Mail quoting in front of a line. */
export const QUOTES: RegExp = /^(?:[ \t]*[>|]){1,40}[ \t]?/;
const ENTITIES: Readonly<Record<string, string>> = {
  '&gt;': '>',
  '&lt;': '<',
  '&amp;': '&',
  '&quot;': '"',
  '&nbsp;': ' ',
};

function entity(name: string): string {
  const code = /^&#(x?)([0-9a-f]+);$/i.exec(name);
  if (code === null) return ENTITIES[name.toLowerCase()] ?? name;
  return String.fromCharCode(Number.parseInt(code[2] ?? '', code[1] === '' ? 10 : 16));
}
const INVISIBLE = /\u200b|\u200c|\u200d|\ufeff/g;

/** A prefix of its own: a time, a level, a host, a hypervisor. */
const STAMP =
  /^\s*(?:<\d{1,3}>|\(XEN\)|\d{1,3},\d+,\d+,|\[\s*\d+\.\d|\[[A-Z][a-z]{2}[ \d]|\[\s*\+\d|\[pid:|[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d|\d{9,11}\.\d+ |kern +:|kernel: )/;

/** `[   12.345678]`, as dmesg prints it, with or without the difference to the line before. */
const DMESG_TIME = /\[ *(\d{1,9}\.\d{3,9})(?: *<[^>\]]{1,20}>)? *\]/;
/** ftrace text: `[001] .....    12.345678: event:`. */
const TRACE_TIME = /\s(\d{1,9}\.\d{6,9}): \w/;
/** /dev/kmsg and netconsole: `priority,sequence,microseconds,flags;`. */
const KMSG = /^\s*\d{1,3},\d{1,20},(\d{1,18}),[^;]{0,64};/;

/** The kernel's time stamp of a line. */
function secondsOf(text: string): number | undefined {
  const match = DMESG_TIME.exec(text) ?? TRACE_TIME.exec(text);
  if (match !== null) return Number(match[1]);
  const kmsg = KMSG.exec(text);
  return kmsg === null ? undefined : Number(kmsg[1]) / 1e6;
}

/** Bytes written as `=XX` (RFC 2045, 6.7). A value such as `cb=20` is left alone unless the line has `=3D` for its `=`. */
function unquotePrintable(text: string): string {
  if (!text.includes('=')) return text;
  const every = text.includes('=3D');
  const bytes = every ? /((?:=[0-9A-F]{2})+)/g : /(?<![\w.])((?:=(?:09|20|[C-F][0-9A-F]|[89AB][0-9A-F]))+)/g;
  return text.replace(bytes, (_, run: string) => {
    const values = run.split('=').slice(1);
    return new TextDecoder().decode(Uint8Array.from(values, (value) => Number.parseInt(value, 16)));
  });
}

function withoutEscapes(text: string): string {
  const kmsg = KMSG.test(text)
    ? text.replace(/\\x([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    : text;
  const html = kmsg.includes('&') ? kmsg.replace(/&(?:gt|lt|amp|quot|nbsp|#\d{1,5}|#x[0-9a-f]{1,4});/gi, entity) : kmsg;
  return html
    .replace(INVISIBLE, '')
    .replace(/\u00a0/g, ' ')
    .replace(/[\u201c\u201d]/g, '"')
    .replace(/[\u2018\u2019]/g, "'");
}

interface Entry {
  readonly text: string;
  readonly seconds?: number | undefined;
  readonly device?: string | undefined;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const bytes = value.filter((byte): byte is number => typeof byte === 'number');
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Where programs that keep logs put the line: the journal, dmesg; Docker, Loki, Elastic and others. */
const MESSAGE_KEYS = ['MESSAGE', 'msg', 'message', 'log', 'line'];

/** An entry of `journalctl -o json`, or a record of `dmesg --json` in one line. */
function jsonEntry(text: string): Entry | undefined {
  const body = /\{.*\}/.exec(text)?.[0];
  const object = body === undefined ? undefined : parseObject(body.replace(/^\{\s*"dmesg"\s*:\s*\[/, ''));
  const message = textOf(MESSAGE_KEYS.map((key) => object?.[key]).find((value) => value !== undefined));
  if (object === undefined || message === undefined) return undefined;
  const micros = Number(object['_SOURCE_MONOTONIC_TIMESTAMP'] ?? Number.NaN) / 1e6;
  const seconds = Number(object['time'] ?? micros);
  const device = textOf(object['_KERNEL_DEVICE']);
  const pci = device?.startsWith('+pci:') === true ? device.slice(5) : undefined;
  return { text: message, seconds: Number.isNaN(seconds) ? undefined : seconds, device: pci };
}

/** `"msg": "…"` of dmesg, or `"MESSAGE" : "…"` of `journalctl -o json-pretty`, on a line of its own. */
function jsonMessage(text: string): string | undefined {
  const quoted = /^\s*"(?:msg|MESSAGE)"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  return quoted === undefined ? undefined : textOf(parseObject(`{"msg":${quoted}}`)?.['msg']);
}

/** `journalctl -o json-sse`: Server-Sent Events. */
const EVENT_STREAM = 'data: {';

/** True for a line that may be JSON of the journal or of dmesg. */
function isJson(text: string): boolean {
  const first = text.trimStart().charCodeAt(0);
  return first === 0x7b || first === 0x22 || text.startsWith(EVENT_STREAM);
}

function entriesOf(text: string): Entry[] {
  const entry = isJson(text) ? (jsonEntry(text) ?? { text: jsonMessage(text) ?? text }) : { text };
  const parts = entry.text.split(/\n|\\n|<br ?\/?>/).filter((part, i) => i === 0 || part !== '');
  return parts.map((part) => ({ ...entry, text: part }));
}

/** True for a line with a prefix of its own. */
export function isStamped(text: string): boolean {
  return STAMP.test(text);
}

/** A raw line as clean lines: one, or those that one entry of the journal holds. `until` is the number of its last part. */
export function cleanLine(raw: string, number: number, until: number = number): LogLine[] {
  return entriesOf(raw).map(({ text, seconds, device }, i) => {
    const plain = unquotePrintable(text).replace(COLOURS, '').replace(QUOTES, '');
    const clean = withoutEscapes(plain).trimEnd();
    return {
      text: clean,
      number,
      until,
      seconds: seconds ?? secondsOf(clean),
      stamped: STAMP.test(clean) || (seconds !== undefined && i === 0),
      cut: /[>…]$/.test(clean),
      ...(device === undefined ? {} : { device }),
    };
  });
}
