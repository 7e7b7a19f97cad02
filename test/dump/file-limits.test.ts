/** Fields of dump files, each at and beyond its limits: ELF cores (System V ABI), makedumpfile's kdump and flattened files. */
import { describe, expect, test } from 'vitest';
import { base64Length, decodeBase64 } from '../../src/dump/base64.ts';
import { FileBitmap } from '../../src/dump/bitmap.ts';
import { crc32 } from '../../src/dump/crc32.ts';
import { lines } from '../../src/dump/lines.ts';
import { NoteCounter } from '../../src/dump/notes.ts';
import { openDump } from '../../src/dump/open.ts';
import { memorySource } from '../../src/dump/source.ts';
import { InputError } from '../../src/errors.ts';
import { elfCore, flattened, kdumpFile, pattern } from './builders.ts';

type Edit = (view: DataView) => void;

function edited(file: Uint8Array, edit: Edit): Uint8Array {
  const copy = Uint8Array.from(file);
  edit(new DataView(copy.buffer));
  return copy;
}

async function refusal(file: Uint8Array): Promise<string> {
  try {
    await openDump(memorySource(file));
    return 'opened';
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.code;
  }
}

async function notesOf(file: Uint8Array): Promise<Record<string, number>> {
  const dump = await openDump(memorySource(file));
  return Object.fromEntries(dump.notes.map(({ code, count }) => [code, count]));
}

describe('base64', () => {
  test('of every length is what another decoder makes of it', () => {
    for (let length = 0; length < 70; length++) {
      const bytes = pattern(length, length + 1);
      const text = Buffer.from(bytes).toString('base64');
      expect([base64Length(text), decodeBase64(text)]).toEqual([length, bytes]);
      const bare = text.replaceAll('=', '');
      expect([base64Length(bare), decodeBase64(bare)]).toEqual([length, bytes]);
    }
  });

  test('has 64 characters; any other, and a single one left over, is refused', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const taken = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(
      (character) => decodeBase64(`AA${character}A`) !== undefined,
    );
    expect(taken).toEqual([...alphabet].toSorted());
    expect([...alphabet].map((character) => decodeBase64(`AA${character}A`)?.[1])).toEqual(
      [...alphabet].map((_, value) => value >> 2),
    );
    expect([decodeBase64('A'), decodeBase64('AAAAA'), decodeBase64('A===')]).toEqual([undefined, undefined, undefined]);
  });
});

test('CRC-32 of the check value, and of bytes with the highest bit', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array(0))).toBe(0);
  expect(crc32(new Uint8Array(32).fill(0xff))).toBe(0xff6cab0b);
});

describe('a bitmap in a file', () => {
  /** Bits from `start` on, in runs. */
  function plain(bytes: Uint8Array, bits: number): { set: number[]; runs: { start: number; bytes: number }[] } {
    const set = Array.from({ length: bits }, (_, bit) => bit).filter(
      (bit) => ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1,
    );
    const runs: { start: number; bytes: number }[] = [];
    for (const bit of set) {
      const last = runs.at(-1);
      if (last !== undefined && last.start + last.bytes === bit) last.bytes++;
      else runs.push({ start: bit, bytes: 1 });
    }
    return { set, runs };
  }

  test.each([1, 7, 8, 9, 32767, 32768, 32769, 65536 * 33 + 3])('of %d bits', (bits) => {
    const bytes = pattern(Math.ceil(bits / 8) + 4096, bits).map((byte, i) =>
      i % 64 === 0 ? byte : i % 3 === 0 ? 0xff : 0,
    );
    const file = new Uint8Array(100 + bytes.length);
    file.set(bytes, 100);
    const bitmap = new FileBitmap(memorySource(file), 100, bits);
    const { set, runs } = plain(bytes, bits);
    expect([bitmap.count, bitmap.coarse]).toEqual([set.length, runs.length > 32768]);
    if (!bitmap.coarse) expect(bitmap.runs()).toEqual(runs);
    const member = new Set(set);
    for (const bit of [-1, 0, 1, 7, 8, bits >> 1, 32767, 32768, 32769, bits - 1, bits, bits + 1]) {
      expect([bit, bitmap.has(bit)]).toEqual([bit, member.has(bit) && bit < bits]);
      if (bit >= 0) expect([bit, bitmap.rank(bit)]).toEqual([bit, set.filter((each) => each < bit).length]);
    }
  });

  test('keeps 32,768 runs apart, and joins more of them over gaps', () => {
    const alternate = (runs: number): FileBitmap =>
      new FileBitmap(memorySource(new Uint8Array(runs / 4 + 1).fill(0x55)), 0, 2 * runs);
    const exact = alternate(32768);
    expect([exact.count, exact.coarse, exact.runs().length]).toEqual([32768, false, 32768]);
    const joined = alternate(32772);
    expect([joined.count, joined.coarse, joined.runs()]).toEqual([32772, true, [{ start: 0, bytes: 65543 }]]);
  });
});

describe('lines of a text', () => {
  const found = (text: string, notes = new NoteCounter()) => [
    ...lines(memorySource(new TextEncoder().encode(text)), notes),
  ];

  test('have their text, place, length and number', () => {
    expect(found('a\n\nbcd')).toEqual([
      { text: 'a', offset: 0, bytes: 1, number: 1 },
      { text: '', offset: 2, bytes: 0, number: 2 },
      { text: 'bcd', offset: 3, bytes: 3, number: 3 },
    ]);
    expect(found('')).toEqual([]);
    expect(found('x\n')).toHaveLength(1);
  });

  test('longer than a piece of 256 KiB are whole; those above 16 MiB are left out and counted', () => {
    for (const length of [2 ** 18 - 1, 2 ** 18, 2 ** 18 + 1, 2 ** 19]) {
      const [first, second] = found(`${'x'.repeat(length)}\nend`);
      expect([first?.text.length, first?.bytes, second]).toEqual([
        length,
        length,
        { text: 'end', offset: length + 1, bytes: 3, number: 2 },
      ]);
    }
    const notes = new NoteCounter();
    const long = 'y'.repeat(2 ** 24);
    expect(found(`${long}\n${long}z\nend`, notes).map(({ number, bytes }) => [number, bytes])).toEqual([
      [1, 2 ** 24],
      [3, 3],
    ]);
    expect(notes.list()).toMatchObject([{ code: 'lines-too-long', count: 1 }]);
  });
});

const RUNS = [
  { start: 0x1000, bytes: pattern(4096, 1) },
  { start: 0x8000, bytes: pattern(8192, 2) },
];

describe.each([
  [64, true],
  [32, false],
] as const)('an ELF core of %d bits', (_, wide) => {
  const file = elfCore(RUNS, wide);
  const [headBytes, phBytes] = wide ? [64, 56] : [52, 32];
  const at = wide
    ? { shoff: 40, phentsize: 54, phnum: 56, offset: 8, paddr: 24, filesz: 32, memsz: 40 }
    : { shoff: 32, phentsize: 42, phnum: 44, offset: 4, paddr: 12, filesz: 16, memsz: 20 };
  const put = (view: DataView, offset: number, value: number): void =>
    wide ? view.setBigUint64(offset, BigInt(value), true) : view.setUint32(offset, value, true);
  const second = headBytes + phBytes;

  test.each<readonly [string, Edit, string]>([
    ['class 0', (view) => view.setUint8(4, 0), 'MALFORMED'],
    ['class 3', (view) => view.setUint8(4, 3), 'MALFORMED'],
    ['big endian', (view) => view.setUint8(5, 2), 'UNSUPPORTED_INPUT'],
    ['small program headers', (view) => view.setUint16(at.phentsize, phBytes - 1, true), 'MALFORMED'],
    ['more headers than the file has', (view) => view.setUint16(at.phnum, 60000, true), 'TRUNCATED'],
    ['as it is', () => {}, 'opened'],
  ])('%s', async (_name, edit, code) => {
    expect(await refusal(edited(file, edit))).toBe(code);
  });

  test.each([[2], [2 ** 20], [2 ** 20 + 1]])('%d headers, the count in section 0', async (count) => {
    const longer = new Uint8Array(file.length + 64);
    longer.set(file);
    const view = new DataView(longer.buffer);
    view.setUint16(at.phnum, 0xffff, true);
    put(view, at.shoff, file.length);
    view.setUint32(file.length + (wide ? 44 : 28), count, true);
    expect(await refusal(longer)).toBe(count === 2 ? 'opened' : count === 2 ** 20 ? 'TRUNCATED' : 'MALFORMED');
  });

  test.each<readonly [string, Edit, Record<string, number>, number]>([
    ['as it is', () => {}, {}, 3],
    ['a segment that is not loaded', (view) => view.setUint32(second, 4, true), {}, 1],
    ['memory that is not in the file', (view) => put(view, second + at.memsz, 8193), { 'segment-not-in-file': 1 }, 3],
    ['no bytes in the file', (view) => put(view, second + at.filesz, 0), { 'segment-not-in-file': 1 }, 1],
    ['an end beyond the file', (view) => put(view, second + at.offset, file.length - 4096), { 'segment-cut': 1 }, 2],
    ['a start beyond the file', (view) => put(view, second + at.offset, file.length), { 'segment-cut': 1 }, 1],
    ['the address of another', (view) => put(view, second + at.paddr, 0x1000), { 'segment-overlap': 1 }, 2],
  ])('%s', async (_name, edit, notes, pages) => {
    const bytes = edited(file, edit);
    expect(await notesOf(bytes)).toEqual(notes);
    const dump = await openDump(memorySource(bytes));
    expect([0x1000, 0x2000, 0x8000, 0x9000].filter((page) => dump.page(page) !== undefined)).toHaveLength(pages);
  });
});

test('an ELF segment at the top of what is addressed has no usable address', async () => {
  const at = 64 + 56 + 24;
  const file = elfCore(RUNS, true);
  const placed = (address: bigint) => edited(file, (view) => view.setBigUint64(at, address, true));
  expect(await notesOf(placed(2n ** 53n - 8192n - 1n))).toEqual({});
  expect(await notesOf(placed(2n ** 53n - 8192n))).toEqual({ 'segment-without-physical-address': 1 });
});

describe.each([
  ['64-bit', true, 428, 8],
  ['32-bit', false, 416, 4],
] as const)('a %s kdump', (_, wide, sizes, subLevel) => {
  const pages = new Map<number, Uint8Array | undefined>([
    [3, pattern(4096, 3)],
    [4, undefined],
    [9, pattern(4096, 9)],
  ]);
  const plan = { wide, dumpLevel: 31, flag: 0, pack: (page: Uint8Array) => page, pages };
  const file = kdumpFile(plan);
  const descriptors = 4 * 4096;

  test.each<readonly [string, Edit, string]>([
    ['as it is', () => {}, 'opened'],
    ['a block of 0', (view) => view.setUint32(sizes, 0, true), 'MALFORMED'],
    ['a block of 2048', (view) => view.setUint32(sizes, 2048, true), 'MALFORMED'],
    ['a block of 4097', (view) => view.setUint32(sizes, 4097, true), 'MALFORMED'],
    ['a block of 2 MiB', (view) => view.setUint32(sizes, 2 ** 21, true), 'MALFORMED'],
    ['bitmaps beyond the file', (view) => view.setUint32(sizes + 8, 0x1000, true), 'TRUNCATED'],
  ])('%s', async (_name, edit, code) => {
    expect(await refusal(edited(file, edit))).toBe(code);
  });

  test('an old signature is taken, another one is not', async () => {
    const signed = (text: string) =>
      edited(file, (view) => new Uint8Array(view.buffer).set(new TextEncoder().encode(text)));
    expect(await refusal(signed('DISKDUMP'))).toBe('opened');
    expect(await refusal(signed('KDUMP  X'))).not.toBe('opened');
  });

  async function held(bytes: Uint8Array): Promise<[number[], Record<string, number>]> {
    const dump = await openDump(memorySource(bytes));
    const found = Array.from({ length: 12 }, (__, pfn) => pfn).filter((pfn) => dump.page(pfn * 4096) !== undefined);
    return [found, Object.fromEntries(dump.notes.map(({ code, count }) => [code, count]))];
  }

  test.each<readonly [string, Edit, number[], Record<string, number>]>([
    ['as it is', () => {}, [3, 9], { 'pages-left-out': 1 }],
    ['level 1', (view) => view.setUint32(4096 + subLevel, 1, true), [3, 4, 9], {}],
    ['a size of 4095', (view) => view.setUint32(descriptors + 8, 4095, true), [9], { 'pages-unreadable': 1 }],
    ['a size of 2 blocks and 1', (view) => view.setUint32(descriptors + 8, 8193, true), [9], { 'pages-unreadable': 1 }],
    ['packed with nothing known', (view) => view.setUint32(descriptors + 12, 1, true), [9], { 'pages-unreadable': 1 }],
    ['an unused flag', (view) => view.setUint32(descriptors + 12, 0x8000, true), [3, 9], {}],
    [
      'an offset beyond the file',
      (view) => view.setBigUint64(descriptors, BigInt(file.length - 4095), true),
      [9],
      { 'pages-unreadable': 1 },
    ],
    [
      'a last page beyond the file',
      (view) => view.setBigUint64(descriptors + 24, BigInt(file.length - 4095), true),
      [3],
      { 'file-cut': 1, 'pages-unreadable': 1 },
    ],
  ])('%s', async (_name, edit, found, notes) => {
    const [pfns, got] = await held(edited(file, edit));
    expect([pfns, got]).toEqual([found, { ...(_name === 'level 1' ? {} : { 'pages-left-out': 1 }), ...notes }]);
  });

  test('one part of a split dump has its pages only, and says so', async () => {
    const part = kdumpFile({ ...plan, split: [0, 4] });
    const [first, notes] = await held(part);
    expect([first, notes['split-part']]).toEqual([[3], 1]);
    expect((await held(kdumpFile({ ...plan, split: [4, 10] })))[0]).toEqual([9]);
    expect((await held(kdumpFile({ ...plan, split: [0, 10] })))[1]['split-part']).toBe(undefined);
  });
});

describe('where a kdump says which pages a part has, by version of its header', () => {
  const pages = new Map([2, 3, 9].map((pfn) => [pfn, pattern(4096, pfn)] as const));
  const plan = { wide: true, dumpLevel: 0, flag: 0, pack: (page: Uint8Array) => page, pages, split: [3, 9] } as const;
  const file = kdumpFile(plan);
  const [VERSION, SUB] = [8, 4096];

  /** The pages found where the fields of versions before 6, and those from 6 on, have these numbers. */
  async function found(version: number, old: readonly [number, number], wide: readonly [number, number]) {
    const made = edited(file, (view) => {
      view.setUint32(VERSION, version, true);
      for (const [i, pfn] of old.entries()) view.setBigUint64(SUB + 16 + 8 * i, BigInt(pfn), true);
      for (const [i, pfn] of wide.entries()) view.setBigUint64(SUB + 80 + 8 * i, BigInt(pfn), true);
    });
    const dump = await openDump(memorySource(made));
    return [2, 3, 9].filter((pfn) => dump.page(pfn * 4096) !== undefined);
  }

  test.each([
    [2, [3]],
    [5, [3]],
    [6, []],
    [7, []],
  ] as const)('version %d: 16 bytes into the sub header before 6, 80 from then on', async (version, pfns) => {
    expect(await found(version, [3, 9], [0, 2])).toEqual(pfns);
    expect(await found(version, [0, 2], [3, 9])).toEqual(version < 6 ? [] : [3]);
  });

  test('the last page is that of 64 bits from version 6 on', async () => {
    const whole = kdumpFile({ wide: true, dumpLevel: 0, flag: 0, pack: (page: Uint8Array) => page, pages });
    for (const version of [5, 6]) {
      const cut = edited(whole, (view) => {
        view.setUint32(VERSION, version, true);
        view.setBigUint64(SUB + 96, 3n, true);
      });
      const dump = await openDump(memorySource(cut));
      expect([version, dump.page(9 * 4096) !== undefined]).toEqual([version, version < 6]);
    }
  });
});

describe('a flattened file', () => {
  const inner = elfCore(RUNS, true);
  const file = flattened(inner, [5000, 1, 4096]);

  test.each<readonly [string, Edit, string]>([
    ['as it is', () => {}, 'opened'],
    ['type 0', (view) => view.setBigInt64(16, 0n), 'UNSUPPORTED_INPUT'],
    ['type 2', (view) => view.setBigInt64(16, 2n), 'UNSUPPORTED_INPUT'],
    ['an offset of -2', (view) => view.setBigInt64(4096, -2n), 'MALFORMED'],
    ['an empty piece', (view) => view.setBigInt64(4104, 0n), 'MALFORMED'],
    ['a piece of -1 bytes', (view) => view.setBigInt64(4104, -1n), 'MALFORMED'],
    ['a piece that ends at 2^53', (view) => view.setBigInt64(4096, 2n ** 53n - view.getBigInt64(4104)), 'MALFORMED'],
    ['a piece far beyond the others', (view) => view.setBigInt64(4096, 2n ** 40n), 'MALFORMED'],
    ['a piece beyond the file', (view) => view.setBigInt64(4104, 2n ** 40n), 'TRUNCATED'],
  ])('%s', async (_name, edit, code) => {
    expect(await refusal(edited(file, edit))).toBe(code);
  });

  test('where pieces overlap, the later one counts; gaps are zeros', async () => {
    const piece = (offset: number, bytes: Uint8Array): Buffer => {
      const record = Buffer.alloc(16);
      record.writeBigInt64BE(BigInt(offset));
      record.writeBigInt64BE(BigInt(bytes.length), 8);
      return Buffer.concat([record, bytes]);
    };
    const all = Uint8Array.from(inner);
    const data = 64 + 2 * 56;
    all.fill(0xaa, data + 100, data + 300).fill(0xbb, data + 250, data + 400);
    const end = file.subarray(file.length - 16);
    const overlaid = Buffer.concat([
      file.subarray(0, file.length - 16),
      piece(data + 100, new Uint8Array(200).fill(0xaa)),
      piece(data + 250, new Uint8Array(150).fill(0xbb)),
      end,
    ]);
    const [plain, flat] = await Promise.all([all, overlaid].map((bytes) => openDump(memorySource(bytes))));
    for (const { start, bytes } of RUNS) {
      for (let page = start; page < start + bytes.length; page += 4096)
        expect(flat?.page(page)).toEqual(plain?.page(page));
    }
  });
});
