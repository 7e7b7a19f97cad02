import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkedPath, type MemoryFile, MemoryFiles } from '../../src/machine/files/files.ts';
import { isTar, TAR_LIMITS, TarReader, writeTar } from '../../src/machine/files/tar.ts';

const text = (words: string): MemoryFile => ({ bytes: new TextEncoder().encode(words) });

function read(archive: Uint8Array, piece = archive.length, limits = TAR_LIMITS): TarReader {
  const reader = new TarReader('a.tar', () => true, limits);
  for (let at = 0; at < archive.length; at += piece) reader.push(archive.subarray(at, at + piece));
  reader.end();
  return reader;
}

/** The archive with another path in its first header, checksum corrected. */
function renamed(archive: Uint8Array, path: string): Uint8Array {
  const copy = archive.slice();
  copy.fill(0, 0, 100);
  copy.set(new TextEncoder().encode(path), 0);
  copy.fill(0x20, 148, 156);
  const sum = copy.subarray(0, 512).reduce((all, byte) => all + byte, 0);
  copy.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  return copy;
}

describe('archives', () => {
  test('what is written is read again, cut anywhere, long names too', () => {
    const path = fc.stringMatching(/^[a-z]{1,90}(\/[a-z0-9]{1,90}){0,2}$/);
    const file = fc.oneof(
      fc.uint8Array({ maxLength: 1500 }).map((bytes): MemoryFile => ({ bytes })),
      fc.stringMatching(/^[a-z./]{1,150}$/).map((link): MemoryFile => ({ link })),
    );
    fc.assert(
      fc.property(
        fc.dictionary(path, file, { minKeys: 1, maxKeys: 5 }),
        fc.integer({ min: 1, max: 700 }),
        (made, piece) => {
          const files = new Map(Object.entries(made));
          expect(new Map(read(writeTar(files), piece).files)).toEqual(files);
        },
      ),
    );
  });

  test.each(['/etc/passwd', '../x', 'a/../../x'])('an entry at %s is refused', (path) => {
    expect(() => read(renamed(writeTar(new Map([['a', text('x')]])), path))).toThrow(
      /expected paths below its root.*MALFORMED/,
    );
  });

  test('a torn archive, a damaged header, an empty file are refused', () => {
    const archive = writeTar(new Map([['a', text('x'.repeat(1000))]]));
    expect(() => read(archive.subarray(0, 800))).toThrow(/TRUNCATED/);
    expect(() => read(Uint8Array.from(archive, (byte, i) => (i === 3 ? byte ^ 0xff : byte)))).toThrow(/MALFORMED/);
    expect(() => read(new Uint8Array())).toThrow(/TRUNCATED/);
    expect(isTar(archive)).toBe(true);
    expect(isTar(new TextEncoder().encode('x'.repeat(600)))).toBe(false);
  });

  test('an archive beyond the limits is refused, a file beyond them left out', () => {
    const archive = writeTar(new Map([['a', text('x'.repeat(5000))]]));
    expect(() => read(archive, 512, { ...TAR_LIMITS, archive: 4000 })).toThrow(/TOO_LARGE/);
    expect(() => read(archive, 512, { ...TAR_LIMITS, kept: 4000 })).toThrow(/TOO_LARGE/);
    const many = writeTar(new Map(Array.from({ length: 20 }, (_, i) => [`f${i}`, text('')])));
    expect(() => read(many, 512, { ...TAR_LIMITS, entries: 10 })).toThrow(/TOO_LARGE/);
    const reader = read(archive, 512, { ...TAR_LIMITS, file: 4000 });
    expect([reader.files.size, reader.tooLong]).toEqual([0, ['a']]);
  });
});

describe('archives of other programs', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'iommu-tar-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test.each(['gnu', 'pax', 'ustar'])('tar --format=%s', (format) => {
    const path = `sos-made/${'d'.repeat(60)}/${'f'.repeat(format === 'ustar' ? 60 : 120)}`;
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), 'inside');
    const { stdout, status } = spawnSync('tar', [`--format=${format}`, '-c', 'sos-made'], { cwd: folder });
    expect(status).toBe(0);
    expect(new TextDecoder().decode((read(stdout).files.get(path) as { bytes: Uint8Array }).bytes)).toBe('inside');
  });
});

describe('a tree in memory', () => {
  const files = new MemoryFiles(
    'made',
    new Map<string, MemoryFile>([
      ['a/file', text('here')],
      ['b/to-a', { link: '../a' }],
      ['b/out', { link: '../../etc/passwd' }],
      ['b/abs', { link: '/etc/passwd' }],
      ['c/x', { link: 'y' }],
      ['c/y', { link: 'x' }],
    ]),
  );

  test('links are followed within it', () => {
    expect(files.read('b/to-a/file')).toEqual({ state: 'read', bytes: new TextEncoder().encode('here') });
    expect(files.list('b/to-a')).toEqual(['file']);
    expect(files.link('b/to-a')).toBe('../a');
  });

  test.each(['b/out', 'b/abs', 'c/x'])('%s leaves it, or leads in a circle: refused', (path) => {
    expect(files.read(path).state).toBe('refused');
  });

  test('a path of no file is missing', () => {
    expect(files.read('a/none')).toEqual({ state: 'missing' });
    expect(files.list('none')).toEqual([]);
  });
});

test('paths keep below the root', () => {
  expect(checkedPath('./a/./b', 'x')).toBe('a/b');
  expect(() => checkedPath('a/..', 'x')).toThrow(/MALFORMED/);
  expect(() => checkedPath('/a', 'x')).toThrow(/MALFORMED/);
});

describe('archives made to do harm', () => {
  /** The blocks of one entry: its header with another type, then its body. */
  function entry(path: string, type: string, body: Uint8Array): Uint8Array {
    const block = writeTar(new Map([[path, { bytes: body }]])).slice(0, -1024);
    block[156] = type.charCodeAt(0);
    return renamed(block, path);
  }

  function pax(...records: readonly string[]): Uint8Array {
    const lines = records.map((record) => {
      const length = record.length + 2;
      const digits = String(length + String(length + 2).length);
      return `${digits} ${record}\n`;
    });
    return entry('x', 'x', new TextEncoder().encode(lines.join('')));
  }

  const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
  const end = new Uint8Array(1024);

  test('a pax header gives path, link and size in digits only', () => {
    const body = new TextEncoder().encode('abc');
    const good = joined(pax('path=b', 'size=3', 'comment=x'), entry('a', '0', body), end);
    expect([...read(good).files.keys()]).toEqual(['b']);
    for (const size of ['0x3', '', '3e0', '-1']) {
      expect(() => read(joined(pax(`size=${size}`), entry('a', '0', body), end))).toThrow(/size of 'a'.*MALFORMED/);
    }
  });

  test('paths longer than Linux has are refused, and links that long are not followed', () => {
    expect(() => checkedPath('a/'.repeat(2049), 'a.tar')).toThrow(/at most 4096 characters.*MALFORMED/);
    const files = new MemoryFiles('a', new Map([['link', { link: 'x/'.repeat(400_000) }]]));
    expect(files.read('link')).toMatchObject({ state: 'refused' });
  });

  test('hard links and files that are too long count towards what is kept', () => {
    const limits = { ...TAR_LIMITS, kept: 10, file: 1 };
    const link = entry('a'.repeat(40), '1', new Uint8Array());
    expect(() => read(joined(link, end), 512, limits)).toThrow(/TOO_LARGE/);
    expect(() => read(writeTar(new Map([['a'.repeat(40), text('xyz')]])), 512, limits)).toThrow(/TOO_LARGE/);
  });

  test('a tree of more folders than any machine has is refused', () => {
    const deep = 'a/'.repeat(1000);
    const files = new Map(Array.from({ length: 530 }, (_, i) => [`${i}/${deep}x`, text('')]));
    expect(() => new MemoryFiles('a.tar', files)).toThrow(/at most 524288 folders.*TOO_LARGE/);
  });
});
