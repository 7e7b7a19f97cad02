import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { isPacked, progressText, readChunks, readFile, readWhole } from '../../src/cli/io.ts';
import { packingOf, soundGzip } from '../../src/cli/unpack.ts';
import { InputError } from '../../src/errors.ts';
import { runCli } from '../support/cli.ts';
import { DUMPS } from '../support/dumps.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'iommu-packed-'));
afterAll(() => rmSync(FOLDER, { recursive: true }));

const TEXT = 'op,pages,us\nmap,1,1\nmap,2,2\nmap,16,16\n';
/** {@link TEXT} as xz 5.4 and zstd 1.5 pack it. */
const XZ = Buffer.from(
  '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AAlACBdADecAYWhihbId24y4rPxZszrN8qVWbj0b6E4ukkR9OwAAM5mUGf1XoxqAAE8JilJeIEftvN9AQAAAAAEWVo=',
  'base64',
);
const ZSTD = Buffer.from('KLUv/SQmMQEAb3AscGFnZXMsdXMKbWFwLDEsMQptYXAsMiwyCm1hcCwxNiwxNgqj6B/Z', 'base64');
const PACKED = { gzip: gzipSync(TEXT), xz: XZ, zstd: ZSTD } as const;

function file(name: string, bytes: string | Uint8Array): string {
  const path = join(FOLDER, name);
  writeFileSync(path, bytes);
  return path;
}

async function textOf(path: string): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of readChunks(path)) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

test.each(Object.entries(PACKED))('%s is unpacked by its first bytes, whatever the name', async (name, bytes) => {
  expect(packingOf(bytes)).toBe(name);
  const path = file(`${name}.txt`, bytes);
  expect(isPacked(path)).toBe(true);
  expect(await textOf(path)).toBe(TEXT);
  expect(new TextDecoder().decode(await readWhole(path))).toBe(TEXT);
  expect((await runCli('explain', path, '--json')).status).toBe(0);
});

test('a plain file is read as it is, also one that is shorter than any mark', async () => {
  for (const text of ['', 'a', TEXT]) {
    const path = file('plain.gz', text);
    expect(isPacked(path)).toBe(false);
    expect(await textOf(path)).toBe(text);
  }
});

test.each(Object.entries(PACKED))(
  '%s that is cut or damaged is refused by the name of the file',
  async (name, bytes) => {
    const damaged = Uint8Array.from(bytes);
    damaged.fill(0x5a, 8);
    for (const [kind, part] of [
      ['cut', bytes.subarray(0, bytes.length - 12)],
      ['damaged', damaged],
    ] as const) {
      const path = file(`${kind}.${name}`, part);
      await expect(textOf(path)).rejects.toThrow(InputError);
      await expect(textOf(path)).rejects.toThrow(path);
    }
  },
);

test('gzip that is cut is said to be', async () => {
  const path = file('cut.txt.gz', gzipSync(TEXT.repeat(99)).subarray(0, 40));
  const words = 'expected the end of its gzip data, got the end of the file: it is cut (TRUNCATED)';
  await expect(textOf(path)).rejects.toThrow(words);
  expect(() => readFile(path)).toThrow(words);
});

test('what unpacks to more than the limit is refused, without unpacking all of it', async () => {
  const path = file('zeros.gz', gzipSync(new Uint8Array(1 << 24)));
  await expect(readWhole(path, 1 << 16)).rejects.toMatchObject({ code: 'TOO_LARGE' });
});

test('gzip is unpacked at once only where it is sound, whole and packed once', () => {
  const [one, two] = [gzipSync(TEXT), gzipSync('and more\n')];
  const unpack = (bytes: Uint8Array, limit = 1 << 16): string | undefined => {
    const plain = soundGzip(bytes, limit);
    return plain === undefined ? undefined : new TextDecoder().decode(plain);
  };
  expect(unpack(one)).toBe(TEXT);
  expect(unpack(Buffer.concat([one, two]))).toBe(`${TEXT}and more\n`);
  const damaged = Uint8Array.from(one);
  damaged[damaged.length - 8] = (damaged.at(-8) ?? 0) ^ 1;
  const others = [one.subarray(0, -3), damaged, Buffer.concat([one, Buffer.from('tail')]), gzipSync(one)];
  for (const bytes of [...others, Buffer.concat([one, Buffer.alloc(64)])]) expect(unpack(bytes)).toBeUndefined();
  expect(unpack(one, TEXT.length - 1)).toBeUndefined();
});

test('a dump packed with gzip answers as the plain one', async () => {
  const [tables = '', ...rest] = DUMPS[0]?.args ?? [];
  const bytes = readFileSync(tables);
  const packed = file('dump.bin', bytes[0] === 0x1f ? bytes : gzipSync(bytes));
  const plain = JSON.parse((await runCli('decode', tables, ...rest, '--json')).stdout);
  expect(JSON.parse((await runCli('decode', packed, ...rest, '--json')).stdout).domains).toEqual(plain.domains);
});

test('progress has the rate, and the share and the time left where the total is known', () => {
  expect(progressText('read', 'bytes', 2 ** 20, 2 ** 22, 2)).toBe('read: 1M of 4M (25 %), 512K/s, 6 s left');
  expect(progressText('conform', 'vectors', 1500, undefined, 3)).toBe('conform: 1,500 vectors, 500/s');
});
