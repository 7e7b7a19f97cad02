// Known lines with each of their bytes changed in turn, numbers of all lengths, gaps of all lengths: what the kernel of trace text, its
// plain twin and the general reader make of them, and which lines need the general reader.
import { describe, expect, it } from 'vitest';
import { agreed, BODIES, bytesOf, DMA_MAP, HEAD, HEADS, MAP, TWICE, UNMAP } from './known-lines.ts';

const LINES = BODIES.map((body) => HEAD + body);

/** Each line behind known ones, after all that is to be known. */
function agreedLines(lines: readonly string[], known: readonly string[] = [HEAD + MAP]): ReturnType<typeof agreed> {
  return agreed(bytesOf(...TWICE, ...lines.flatMap((line) => [...known, line])));
}

/** A text with its character at `at` replaced. */
function replaced(text: string, at: number, by: string): string {
  return text.slice(0, at) + by + text.slice(at + 1);
}

/** Places of the first and the last digit of each number. */
function digitPlaces(line: string): number[] {
  const numbers = [...line.matchAll(/(?<![a-z_])(0x)?[0-9a-f]{3,}(?![a-z])/g)];
  return numbers.flatMap(({ index, 0: text, 1: prefix = '' }) => {
    return [index + prefix.length, index + text.length - 1];
  });
}

const hex16 = (value: bigint): string => BigInt.asUintN(64, value).toString(16).padStart(16, '0');

/** A map and an unmap of a size that is printed as `size`. */
function rangeLines(iova: bigint, bytes: bigint, pa: bigint, size: string, unmapped: string): string[] {
  const range = `IOMMU: iova=0x${hex16(iova)} - 0x${hex16(iova + bytes)}`;
  return [
    `${HEAD}map: ${range} paddr=0x${hex16(pa)} size=${size}`,
    `${HEAD}unmap: ${range} size=${size} unmapped_size=${unmapped}`,
  ];
}

describe('a known line', () => {
  it.each(LINES)('with one byte changed: %s', (line) => {
    const bytes = Array.from(line, (_, at) => at);
    const flipped = (at: number, bit: number): string => String.fromCharCode(line.charCodeAt(at) ^ bit);
    agreedLines(
      bytes.flatMap((at) => [1, 0x20, 0x40].map((bit) => replaced(line, at, flipped(at, bit)))),
      [line, line],
    );
    agreedLines(
      bytes.flatMap((at) => [replaced(line, at, ''), replaced(line, at, `${line[at]}${line[at]}`)]),
      [line, line],
    );
    agreedLines(bytes.map((at) => line.slice(0, at)));
  });

  it.each(LINES)('with each printed character in its numbers: %s', (line) => {
    const others = Array.from({ length: 96 }, (_, code) => String.fromCharCode(0x20 + code));
    for (const at of digitPlaces(line))
      agreedLines(
        others.map((by) => replaced(line, at, by)),
        [line, line],
      );
  });

  it('whose lists have different lengths, or one list twice', () => {
    const changes = [
      ['sizes={0x2000,0x1000}', 'sizes={0x2000}'],
      ['sizes={0x2000}', 'sizes={0x2000,0x1000}'],
      [' sizes={', ' dma_addrs={'],
      [' phys_addrs={', ' sizes={'],
      ['dma_addrs={0xffe00000,', 'dma_addrs={'],
    ] as const;
    for (const line of LINES)
      agreedLines(
        changes.map(([from, to]) => line.replace(from, to)),
        [line, line],
      );
  });

  it.each([' x', '  ', 'x', '\r\r', '\0', ',', '|'])('with %j behind it', (tail) => {
    agreedLines(LINES.map((line) => line + tail));
  });

  it('needs the general reader once, with a carriage return behind it or not, whatever head it has', () => {
    for (const head of HEADS.slice(0, -1)) {
      const system = head.slice(head.lastIndexOf(' ') + 1, -1);
      const used = BODIES.slice(0, -1).filter((body) => system === '' || body.startsWith('dma') === (system === 'dma'));
      const { inColumns } = agreed(bytesOf(...used.flatMap((body) => Array(3).fill(head + body)), HEAD));
      // one line of each dma body makes its start known, and the first line of all its head
      const starts = used.filter((body) => body.startsWith('dma')).length;
      const first = used[0]?.startsWith('dma') ? 0 : 1;
      expect([head, inColumns]).toEqual([head, 3 * used.length - starts - first]);
      const returns = used.flatMap((body) => [head + body, `${head + body}\r`]);
      expect(agreed(bytesOf(...returns)).inColumns).toBe(2 * used.length - starts - first);
    }
  });
});

describe('numbers of known lines', () => {
  it('have any number of digits', () => {
    for (const digit of ['1', '9', 'f', '0']) {
      const texts = Array.from({ length: 19 }, (_, length) => digit.repeat(length));
      const [first, second] = ['dma_addr=fffbf000', 'phys_addr=7aa88000'];
      agreedLines(
        texts.flatMap((text) => [
          HEAD + DMA_MAP.replace(first, `dma_addr=${text}`),
          HEAD + DMA_MAP.replace(second, `phys_addr=${text}`),
          HEAD + DMA_MAP.replace('size=4096', `size=${text}`),
          ...LINES.filter((line) => line.includes('_addrs={')).flatMap((line) => [
            line.replace('phys_addrs={0x6d7c000', `phys_addrs={0x${text}`),
            line.replace('sizes={0x2000', `sizes={0x${text}`),
            line.replace(' dma_addrs={0xffe00000', ` dma_addrs={0x${text}`),
          ]),
        ]),
      );
    }
  });

  it('agree with each other in a range, or its line is left to the general reader', () => {
    const sizes = Array.from({ length: 18 }, (_, length) => '1'.repeat(length));
    const lines = sizes.flatMap((size) => [
      ...rangeLines(0n, BigInt(size || 0), 0x1000n, size, '4096'),
      ...rangeLines(0n, BigInt(size || 0) + 1n, 0x1000n, size, '4096'),
      ...rangeLines(0x1000n, 0x1000n, 0x1000n, '4096', size),
    ]);
    agreedLines(lines);
  });

  it('are exact below 2^53, and left to the general reader from there on', () => {
    const edges = [
      2n ** 52n,
      2n ** 53n - 0x2000n,
      2n ** 53n - 0x1000n,
      2n ** 53n + 1n,
      2n ** 53n,
      2n ** 60n,
      2n ** 63n,
      2n ** 64n - 0x1000n,
    ];
    const lines = edges.flatMap((edge) => [
      ...rangeLines(edge, 0x1000n, 0x1000n, '4096', '4096'),
      ...rangeLines(0x1000n, 0x1000n, edge, '4096', '4096'),
      HEAD + DMA_MAP.replace('fffbf000', edge.toString(16)),
      HEAD + DMA_MAP.replace('7aa88000', edge.toString(16)),
      ...LINES.map((line) => line.replace('0x6d7c000', `0x${edge.toString(16)}`)),
    ]);
    agreedLines(lines);
  });

  it('of a time have one to nine digits of seconds, and six or nine decimals', () => {
    const seconds = Array.from({ length: 11 }, (_, length) => '123456789012'.slice(0, length));
    const decimals = Array.from({ length: 12 }, (_, length) => '987654321098'.slice(0, length));
    const times = seconds.flatMap((whole) => decimals.map((part) => `${whole}.${part}:`));
    const others = [
      '9.206370;',
      '9,206370:',
      '9.206370 :',
      '9.206370',
      '.206370:',
      '9.20637a:',
      '9.206370123;',
      '12345678x206370:',
    ];
    const { inColumns } = agreedLines([...times, ...others].map((time) => `${HEAD.replace('9.206370:', time)}${MAP}`));
    // eight lengths of seconds and two of decimals, and all lines of maps between them
    const known = agreed(bytesOf(...TWICE)).inColumns;
    expect(inColumns).toBe(known + 16 + times.length + others.length);
  });
});

describe('the parts of a known head', () => {
  it('have any number of spaces between them', () => {
    const gaps = Array.from({ length: 40 }, (_, length) => ' '.repeat(length));
    const head = '              dd-239     [000]';
    const lines = gaps.flatMap((gap) =>
      [MAP, UNMAP, DMA_MAP].flatMap((body) => [
        `${head}${gap}d.s1. 19.206370: ${body}`,
        `${head} d.s1.${gap}19.206370: ${body}`,
        `${head} d.s1.${gap}19.206370123: ${body}`,
        `${head} 19.206370:${gap}${body}`,
        HEAD + body.replace('map: IOMMU', `map:${gap}IOMMU`),
      ]),
    );
    agreedLines(lines);
    const known = agreed(bytesOf(...TWICE)).inColumns;
    const apart = gaps
      .slice(1)
      .flatMap((gap) => [`${head}${gap}d.s1. 19.206370: ${MAP}`, `${head} d.s1.${gap}19.206370: ${MAP}`]);
    expect(agreed(bytesOf(...TWICE, ...apart)).inColumns).toBe(known + apart.length);
  });

  it('are flags of three to eight characters, whose third names the context', () => {
    const codes = Array.from({ length: 127 }, (_, code) => String.fromCharCode(code + 1));
    const thirds = codes.flatMap((flag) => [`d.${flag}1.`, `${flag}....`]);
    const lengths = Array.from({ length: 20 }, (_, length) => '.'.repeat(length));
    const lines = [...thirds, ...lengths].flatMap((flags) => [
      `              dd-239     [000] ${flags} 9.206370: ${MAP}`,
      `              dd-239     [000] ${flags}       9.206370: ${DMA_MAP}`,
    ]);
    agreedLines(lines);
    const eight = Array.from(
      { length: 6 },
      (_, more) => `              dd-239     [000] ...${'.'.repeat(more)} 9.206370: ${MAP}`,
    );
    expect(agreed(bytesOf(...TWICE, ...eight)).inColumns).toBe(agreed(bytesOf(...TWICE)).inColumns + eight.length);
  });

  it('are as long as an entry at most', () => {
    const tasks = Array.from({ length: 100 }, (_, length) => 'x'.repeat(length + 1));
    agreedLines(tasks.flatMap((task) => Array(2).fill(`${task}-239 [000] ..... 9.206370: ${MAP}`)));
    const devices = Array.from({ length: 60 }, (_, length) => `dev${'0'.repeat(length)}`);
    agreedLines(devices.flatMap((device) => Array(2).fill(HEAD + DMA_MAP.replace('0000:00:01.0', device))));
    agreedLines(tasks.flatMap((task) => Array(2).fill(`${HEAD}${task}: iotlb_inv dmar0: 0x400f2 0xffff8040 0x0 0x0`)));
  });

  it('stay known where two of them have the same place', () => {
    const bodies = Array.from({ length: 40 }, (_, n) => DMA_MAP.replace('0000:00:01.0', `0000:${10 + n}:00.0`));
    const round = bodies.map((body) => HEAD + body);
    const { inColumns } = agreed(bytesOf(HEAD + MAP, ...round, ...round, ...round));
    expect(inColumns).toBe(2 * round.length);
  });

  it('lead to lists of 4096 elements at most', () => {
    const list = Array(4097).fill('0x1000');
    const unmap = (count: number): string =>
      `${HEAD}dma_unmap_sg: 0000:00:01.0 dir=FROM_DEVICE phys_addrs={${list.slice(0, count).join(',')}} attrs=`;
    expect([1, 4095, 4096, 4097].map((count) => agreed(bytesOf(unmap(1), unmap(count))).inColumns)).toEqual([
      1, 1, 1, 0,
    ]);
  });
});
