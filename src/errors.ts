/**
 * The named errors. Every refusal carries a stable code, the argument it is about, the values in hex and,
 * where Linux has one, the kernel's errno.
 * @module
 */

/** Linux errno values that the IOMMU mapping calls return (uapi/asm-generic/errno-base.h, errno.h). */
export const ERRNO = {
  EIO: -5,
  ENOMEM: -12,
  EBUSY: -16,
  EEXIST: -17,
  ENODEV: -19,
  EINVAL: -22,
  ERANGE: -34,
  EOVERFLOW: -75,
  EOPNOTSUPP: -95,
} as const;

/** Name of a Linux errno that a refusal corresponds to. */
export type ErrnoName = keyof typeof ERRNO;

/** Stable codes of refusals by the engine: argument errors, state errors and limits. */
export const ENGINE_CODES = {
  UNALIGNED: 'EINVAL',
  EMPTY: 'EINVAL',
  OUT_OF_RANGE: 'ERANGE',
  UNSAFE_NUMBER: 'EINVAL',
  NOT_A_NUMBER: 'EINVAL',
  BAD_PROTECTION: 'EINVAL',
  BAD_QUIRK: 'EINVAL',
  BAD_GEOMETRY: 'EINVAL',
  UNSUPPORTED_GEOMETRY: 'EOPNOTSUPP',
  BAD_OPTION: 'EINVAL',
  UNKNOWN_FORMAT: 'EINVAL',
  OVERLAP: 'EEXIST',
  NOT_MAPPED: 'EINVAL',
  PARTIAL_BLOCK: 'EINVAL',
  NO_MEMORY: 'ENOMEM',
  MEMORY_LIMIT: 'ENOMEM',
  BAD_FREE: 'EINVAL',
  SECOND_WRITER: 'EBUSY',
  FREED: 'ENODEV',
  UNSUPPORTED: 'EINVAL',
  DEVICE: 'EIO',
} as const;

/** Stable code of an engine refusal. */
export type EngineCode = keyof typeof ENGINE_CODES;

/** Values that belong to a refusal, by name; addresses and sizes as `0x…` text. */
export type ErrorFields = Readonly<Record<string, string | number>>;

/**
 * A refusal by the engine. `code` is stable, `argument` names what was wrong, `fields` hold the values, and
 * `errno`/`errnoName` say what Linux would have returned.
 */
export class IommuError extends Error {
  override readonly name = 'IommuError';
  /** Stable code, a key of {@link ENGINE_CODES}. */
  readonly code: EngineCode;
  /** Name of the argument or thing that the refusal is about. */
  readonly argument: string;
  /** The values involved, addresses as hex text. */
  readonly fields: ErrorFields;
  /** Name of the Linux errno. */
  readonly errnoName: ErrnoName;
  /** Value of the Linux errno, negative. */
  readonly errno: number;

  constructor(code: EngineCode, argument: string, message: string, fields: ErrorFields = {}) {
    const errnoName: ErrnoName = ENGINE_CODES[code];
    super(`${argument}: ${message} (${code}, -${errnoName})`);
    this.code = code;
    this.argument = argument;
    this.fields = fields;
    this.errnoName = errnoName;
    this.errno = ERRNO[errnoName];
  }
}

/** Stable codes of unusable input: files, traces, dumps, tables of numbers. */
export type InputCode =
  | 'UNREADABLE'
  | 'UNWRITABLE'
  | 'NOT_RECOGNISED'
  | 'TRUNCATED'
  | 'MALFORMED'
  | 'TOO_LARGE'
  | 'MISSING_COLUMN'
  | 'MISSING_VALUE'
  | 'NO_EVENTS'
  | 'DIFFERENT_BOOTS'
  | 'UNSUPPORTED_INPUT';

/** Input (a file, a trace, a dump, a vector) that cannot be used, with where and why. */
export class InputError extends Error {
  override readonly name = 'InputError';
  /** Stable code. */
  readonly code: InputCode;
  /** File, stream or part of it that is at fault. */
  readonly source: string;
  /** Values that belong to the refusal: line, offset, expected, got. */
  readonly fields: ErrorFields;

  constructor(code: InputCode, source: string, message: string, fields: ErrorFields = {}) {
    super(`${source}: ${message} (${code})`);
    this.code = code;
    this.source = source;
    this.fields = fields;
  }
}

/** The refusal of gzip data that ends early. */
export function cutShort(name: string): InputError {
  return new InputError('TRUNCATED', name, 'expected the end of its gzip data, got the end of the file: it is cut');
}

/**
 * The refusal of an input without a byte, which is said before anything else of it.
 * @param expected what should be in it
 */
export function emptyInput(code: InputCode, source: string, expected: string): InputError {
  const what = source === '-' ? 'standard input is empty' : 'the file is empty';
  return new InputError(code, source, `${what}: expected ${expected}`);
}

/** The refusal of a folder or an archive whose files that are read, `count` of them, have no byte. */
export function emptyFiles(source: string, count: number): InputError {
  const what = count === 1 ? 'the only file in it that is read is' : `all ${count} files in it that are read are`;
  return new InputError('NOT_RECOGNISED', source, `${what} empty: expected one with something in it, got none`);
}

/** A text in at most `most` characters, the last of them `…` where it was cut. */
export function cutTo(text: string, most: number): string {
  const letters = [...text];
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : text;
}

/** Text of any value, as errors show it: never throws, and never runs what the value brings with it. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, LONGEST_SHOWN)}'`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'symbol') return 'a symbol';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'bigint' ? `0x${value.toString(16)}` : String(value);
}

const LONGEST_SHOWN = 100;

/**
 * Reads what a caller passed, whose getters and traps may throw.
 * @throws IommuError `BAD_OPTION` for all that is thrown on the way and is not a named error already.
 */
export function reading<T>(argument: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof IommuError || cause instanceof InputError) throw cause;
    const why = cause instanceof Error ? cause.message : shown(cause);
    throw new IommuError('BAD_OPTION', argument, `expected a value that can be read, got an error: ${why}`);
  }
}

/** @throws IommuError `BAD_OPTION` for anything but an object with options. */
export function checkOptions(argument: string, options: unknown): void {
  if (typeof options === 'object' && options !== null) return;
  throw new IommuError('BAD_OPTION', argument, `expected an object, got ${shown(options)}`);
}

/** @throws IommuError `BAD_OPTION` for an argument that is not a text. */
export function checkText(argument: string, value: unknown): void {
  if (typeof value === 'string') return;
  throw new IommuError('BAD_OPTION', argument, `expected a text, got ${shown(value)}`);
}

/** @throws IommuError `BAD_OPTION` for an argument that is not a `Uint8Array`; a proxy of one has no bytes. */
export function checkBytes(argument: string, value: unknown): void {
  if (ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]') return;
  throw new IommuError('BAD_OPTION', argument, `expected a Uint8Array, got ${shown(value)}`);
}
