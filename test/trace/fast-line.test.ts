// Common lines are read by a kernel, or its plain twin, into columns: the same events and statistics as from the general reader.
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNames } from '../../src/trace/events.ts';
import { isStreamFormat, recogniseTrace } from '../../src/trace/readers.ts';
import { TextReader } from '../../src/trace/text-reader.ts';
import { CAPTURES, load, type Read, SAMPLES } from './helpers.ts';
import { agreed, BODIES, bytesOf, DMA_MAP, HEAD, HEADS, MAP, TWICE, taken, UNMAP } from './known-lines.ts';

const FILES = [CAPTURES, SAMPLES].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /(trace|samples)[^/]*\.txt(\.gz)?$/.test(path) || folder === SAMPLES)
    .filter((path) => /\.txt(\.gz)?$/.test(path))
    .map((path) => `${folder}${path}`),
);
const TRACES = FILES.map((path) => ({ path: path.replace(/.*\/test\//, ''), bytes: load(path) })).filter(({ bytes }) =>
  isText(bytes),
);
function isText(bytes: Uint8Array): boolean {
  try {
    return isStreamFormat(recogniseTrace(bytes));
  } catch {
    return false;
  }
}

function textOf({ events, stats }: Read): string {
  return `${events.join('\n')}\n${JSON.stringify(stats)}`;
}

describe('lines read many at once', () => {
  it.each(TRACES)('$path: as the general reader reads them', ({ bytes }) => {
    agreed(bytes, 50_000);
  });

  it('are nearly all lines of the captures', () => {
    const large = TRACES.filter(({ path, bytes }) => path.endsWith('/trace.txt.gz') && bytes.length > 500_000);
    expect(large.length).toBeGreaterThan(5);
    for (const { path, bytes } of large) {
      for (const plain of [false, true]) {
        const { stats, inColumns } = taken([bytes], plain);
        expect(inColumns / stats.events, path).toBeGreaterThan(0.98);
      }
    }
  });

  it('come in all forms of heads and bodies, the second of each in columns', () => {
    for (const head of HEADS) {
      const system = head.slice(head.lastIndexOf(' ') + 1, -1);
      const bodies = BODIES.filter((body) => system === '' || body.startsWith('dma') === (system === 'dma'));
      const lines = bodies.flatMap((body) => [head + body, head + body, `${head + body}\r`]);
      const { stats, inColumns } = agreed(bytesOf(...lines));
      expect(stats.events).toBeGreaterThan(3);
      if (head !== HEADS.at(-1)) expect(inColumns, head).toBeGreaterThanOrEqual(stats.events / 2);
    }
  });

  it('may be cut anywhere', () => {
    const known = BODIES.map((body, index) => (HEADS[index % 4] ?? HEAD) + body);
    const bytes = bytesOf(...known, ...known, HEAD);
    const whole = textOf(taken([bytes], false));
    for (let at = bytes.length >> 1; at <= bytes.length; at++) {
      expect(textOf(taken([bytes.slice(0, at), bytes.slice(at)], at % 3 === 0))).toBe(whole);
    }
  }, 60_000);

  it('may have bytes changed, dropped or repeated', () => {
    const clean = bytesOf(...TWICE, ...HEADS.flatMap((head) => [head + MAP, head + UNMAP]));
    const byte = fc.oneof(
      fc.constantFrom(0x20, 0x0a, 0x0d, 0x00, 0x30, 0x39, 0x3a, 0x2e, 0x5b, 0x5d, 0x2d, 0x2c, 0x3d, 0x66, 0x67, 0x46),
      fc.nat({ max: 255 }),
    );
    const change = fc.tuple(fc.nat({ max: clean.length - 1 }), byte, fc.constantFrom(0, 1, 2));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 40 }), (changes) => {
        const bytes = [...clean];
        for (const [at, value, gap] of changes) bytes.splice(at, gap, value);
        agreed(Uint8Array.from([...clean, ...bytes, ...clean]));
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('end at their newline wherever it stands', () => {
    for (const line of BODIES.map((body) => HEAD + body)) {
      const cuts = Array.from({ length: line.length }, (_, at) => `${line.slice(0, at)}\n${line.slice(at)}`);
      agreed(bytesOf(line, line, ...cuts, line));
    }
  }, 60_000);

  it('may have numbers of any length and size', () => {
    const hex = fc.oneof(
      fc.constantFrom(
        '0',
        '1fffffffffffff',
        '20000000000000',
        '001fffffffffffff',
        'ffffffffffffffff',
        '0xffff',
        'FFFF',
        '',
      ),
      fc.bigInt({ min: 0n, max: 2n ** 66n }).map((value) => value.toString(16)),
    );
    const decimal = fc.oneof(
      fc.constantFrom('0', '4096', '999999999999999', '1000000000000000', '9007199254740993', '0x1000', '', '-1'),
      fc.bigInt({ min: 0n, max: 10n ** 21n }).map((value) => value.toString()),
    );
    const line = fc.record({
      time: decimal,
      iova: hex,
      pa: hex,
      size: decimal,
      unmapped: decimal,
      list: fc.array(hex),
    });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 20 }), (values) => {
        const lines = values.flatMap(({ time, iova, pa, size, unmapped, list }) => {
          const wide = iova.padStart(16, '0');
          const end = /^[0-9a-f]+$/.test(iova) && /^\d+$/.test(size) ? BigInt(`0x${iova}`) + BigInt(size) : 0n;
          const range = `IOMMU: iova=0x${wide} - 0x${(end % 2n ** 64n).toString(16).padStart(16, '0')}`;
          const items = list.map((item) => `0x${item}`).join(',');
          return [
            `              dd-239     [000] ..... ${time}.206370: map: ${range} paddr=0x${pa.padStart(16, '0')} size=${size}`,
            `              dd-239     [000] ..... ${time}.206370999: unmap: ${range} size=${size} unmapped_size=${unmapped}`,
            `${HEAD}dma_map_page: 0000:00:01.0 dir=FROM_DEVICE dma_addr=${iova} size=${size} phys_addr=${pa} attrs=`,
            `${HEAD}dma_unmap_phys: 0000:00:01.0 dir=TO_DEVICE dma_addr=${iova} size=${size} attrs=`,
            `${HEAD}dma_map_sg: 0000:00:01.0 dir=FROM_DEVICE nents=3/3 ents=2/2 dma_addrs={${items}} sizes={${items}} phys_addrs={0x${pa}} attrs=`,
            `${HEAD}dma_unmap_sg: 0000:00:01.0 dir=FROM_DEVICE phys_addrs={${items}} attrs=`,
          ];
        });
        agreed(bytesOf(...TWICE, ...lines));
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it('may begin in more ways than are remembered', () => {
    const lines = Array.from({ length: 12_000 }, (_, n) => {
      const head = `${`task-${n % 6000}-${n % 6000}`.padStart(20)} [${String(n % 64).padStart(3, '0')}] .....     9.206370: `;
      const device = `0000:${(n % 700).toString(16).padStart(4, '0')}.0`;
      return [
        head + (n % 2 ? MAP : UNMAP),
        HEAD + DMA_MAP.replace('0000:00:01.0', device),
        `${HEAD}event_${n % 100}: text of it`,
      ];
    });
    agreed(bytesOf(...lines.flat()));
  }, 60_000);

  it('may be as long as the window, or longer', () => {
    const long = (bytes: number): string => `${HEAD}qi_submit: ${'x'.repeat(bytes)}`;
    const list = Array.from({ length: 4097 }, (_, n) => `0x${(n * 4096).toString(16)}`);
    const sg = (elements: number): string =>
      `${HEAD}dma_unmap_sg: 0000:00:01.0 dir=FROM_DEVICE phys_addrs={${list.slice(0, elements).join(',')}} attrs=`;
    const lines = [40_000, 65_000, 65_536, 70_000].map(long);
    agreed(bytesOf(...TWICE, ...lines, ...TWICE, sg(4096), sg(4096), sg(4097), ...TWICE, ' '.repeat(70_000), ...TWICE));
  });

  it('are read from each chunk anew, though its memory is the same', () => {
    const first = bytesOf(...TWICE);
    const second = bytesOf(...TWICE.map((line) => line.replaceAll('4096', '4095').replaceAll('fffc0000', 'fffbffff')));
    const memory = first.slice();
    const names = createNames();
    const sizes: number[] = [];
    const reader = new TextReader('text', ({ size }) => sizes.push(size), names);
    reader.push(memory);
    memory.set(second);
    reader.push(memory);
    expect(sizes.filter((size) => size === 4096).length).toBe(8);
    expect(sizes.filter((size) => size === 4095).length).toBe(8);
  });
});
