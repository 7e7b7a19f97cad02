/**
 * AMD's debugfs files: `devtbl` (device table entries) and the registers of `mmio`. None of them prints page tables.
 * @module
 */
import type { NoteCounter } from '../notes.ts';
import type { RegisterFile } from '../types.ts';
import { addressOf, type TextPages } from './text-pages.ts';

const ENTRY =
  /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])((?:\s+(?:0x)?[0-9a-f]{1,16}){4})(?:\s+(iommu\d+))?$/i;
const REGISTER = /^Offset: ?0x([0-9a-f]{1,8}),? Value: ?0x([0-9a-f]{1,16})$/i;
const HEADER = /^DeviceId\s+QWORD\[3\]/i;
const OTHERS =
  /^(?:CMD Buffer Head Offset:|IRT\[|DeviceId [0-9a-f]{4}:|No or Invalid input provided|Please provide|\d{1,4}:(?: [0-9a-f]{8}){4}$)/i;

// 48882 3.4: offsets of MMIO registers
const NAMES: ReadonlyMap<number, string> = new Map([
  [0x00, 'DEV_TAB_BASE'],
  [0x08, 'CMD_BUF_BASE'],
  [0x10, 'EVENT_LOG_BASE'],
  [0x18, 'CONTROL'],
  [0x20, 'EXCL_BASE'],
  [0x28, 'EXCL_LIMIT'],
  [0x30, 'EXT_FEATURES'],
  [0x2000, 'CMD_HEAD'],
  [0x2008, 'CMD_TAIL'],
  [0x2010, 'EVT_HEAD'],
  [0x2018, 'EVT_TAIL'],
  [0x2020, 'STATUS'],
]);
const ENTRY_BYTES = 32;
/** DEV_TAB_BASE.Size of a table for every requester id: 512 pages. */
const WHOLE_TABLE = 0x1ffn;
/** Digits of a value of `mmio`; those of `capability` have eight. */
const MMIO_DIGITS = 16;

interface Entry {
  readonly stream: number;
  /** Least significant first. */
  readonly words: readonly bigint[];
}

/** True for a line with which one of the files starts. */
export function startsAmdText(line: string): boolean {
  return [HEADER, REGISTER].some((start) => start.test(line));
}

/** Takes line after line. */
export class AmdText {
  readonly #notes: NoteCounter;
  readonly #entries = new Map<number, Entry>();
  readonly #segments = new Map<number, number>();
  readonly #registers = new Map<number, bigint | undefined>();
  #inTable = false;
  #seen = false;

  constructor(notes: NoteCounter) {
    this.#notes = notes;
  }

  /** True if a line of these files was read. */
  get seen(): boolean {
    return this.#seen;
  }

  /** Takes a line without blanks around it; false if it is of none of the files. */
  take(line: string): boolean {
    const taken = this.#register(line) || this.#entry(line) || this.#head(line);
    if (taken) this.#seen = true;
    return taken;
  }

  #head(line: string): boolean {
    if (HEADER.test(line)) {
      this.#inTable = true;
      return true;
    }
    if (!OTHERS.test(line)) return false;
    this.#notes.add('files-not-used', 'lines of other files of this directory, which hold no tables of devices');
    return true;
  }

  #register(line: string): boolean {
    const match = REGISTER.exec(line);
    if (match === null) return false;
    const [, offset = '0', digits = '0'] = match;
    if (digits.length !== MMIO_DIGITS) {
      this.#notes.add('files-not-used', 'lines of other files of this directory, which hold no tables of devices');
      return true;
    }
    const [at, value] = [Number.parseInt(offset, 16), BigInt(`0x${digits}`)];
    if (this.#registers.has(at) && this.#registers.get(at) !== value) {
      this.#notes.add('registers-twice', 'registers with two values, of two IOMMUs or two times, left out');
      this.#registers.set(at, undefined);
    } else this.#registers.set(at, value);
    return true;
  }

  #entry(line: string): boolean {
    const match = this.#inTable ? ENTRY.exec(line) : null;
    if (match === null) return false;
    const [, segment = '0', bus = '0', slot = '0', fn = '0', words = ''] = match;
    const stream = Number.parseInt(bus, 16) * 256 + (Number.parseInt(slot, 16) % 32) * 8 + Number(fn);
    const of = Number.parseInt(segment, 16);
    if ((this.#segments.get(stream) ?? of) !== of) {
      this.#notes.add('requesters-twice', 'entries of requesters that another segment has too, left out');
      return true;
    }
    this.#segments.set(stream, of);
    const values = words
      .trim()
      .split(/\s+/)
      .map((word) => BigInt(`0x${word.replace(/^0x/i, '')}`));
    this.#entries.set(stream, { stream, words: values.reverse() });
    return true;
  }

  /** Enters the device table entries into pages and gives the registers. */
  files(pages: TextPages): { readonly registers: RegisterFile; readonly someDevices: boolean } {
    const named = new Map<string, bigint>();
    const words = new Map<number, number>();
    for (const [at, value] of this.#registers) {
      if (value === undefined) continue;
      words.set(at, Number(value & 0xffff_ffffn));
      words.set(at + 4, Number(value >> 32n));
      const name = NAMES.get(at);
      if (name !== undefined) named.set(name, value);
    }
    if (this.#entries.size > 0) this.#enter(pages, named);
    const registers = { iommu: 'amd-vi', mmioBase: undefined, named, words, ram: [] };
    return { registers, someDevices: true };
  }

  #enter(pages: TextPages, named: Map<string, bigint>): void {
    for (const { words } of this.#entries.values()) for (const word of words) pages.mention(addressOf(word));
    this.#notes.add('some-devices', 'the text lists some devices; nothing is known of others');
    let base = named.get('DEV_TAB_BASE');
    if (base === undefined) {
      base = pages.allocate() | WHOLE_TABLE;
      named.set('DEV_TAB_BASE', base);
      this.#notes.add(
        'device-table-made',
        'device table entries put into a table whose address the text does not hold',
        this.#entries.size,
      );
    }
    for (const { stream, words } of this.#entries.values()) {
      for (const [i, word] of words.entries()) {
        pages.set64(addressOf(base ?? 0n) + BigInt(ENTRY_BYTES * stream + 8 * i), word);
      }
    }
  }
}
