import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import {
  bytesSource,
  createNames,
  createTraceReader,
  DomainTracker,
  Pairing,
  readTraceDat,
  recogniseTrace,
  type StreamFormat,
  skippedCount,
} from '../../src/trace/index.ts';
import { datFile, mapRecord, page, sgRecord } from './dat-builder.ts';
import { CAPTURES, load, read } from './helpers.ts';

const FORMATS: readonly StreamFormat[] = ['ftrace', 'trace-cmd-report', 'perf-script'];
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const sample = load(`${CAPTURES}arm64-smmuv3-612-mod/trace_mod.txt`);

/** Reads a damaged trace.dat: how many events, or the code of the error. */
async function attempt(bytes: Uint8Array): Promise<number | string> {
  try {
    return (await readTraceDat(bytesSource(bytes), () => undefined)).events;
  } catch (error) {
    if (error instanceof InputError) return error.code;
    throw error;
  }
}

describe('text that is damaged', () => {
  it('cut off at any byte: the lines before the cut are read, the rest is counted', () => {
    const whole = read(sample, 'ftrace');
    for (let end = 0; end <= sample.length; end++) {
      const { events, stats } = read(sample.subarray(0, end), 'ftrace');
      expect(events).toEqual(whole.events.slice(0, events.length));
      const partial = end > 0 && sample[end - 1] !== 0x0a;
      expect(skippedCount(stats)).toBe(partial ? 1 : 0);
    }
  });

  it('random bytes: nothing thrown, reasons and text bounded, the same through any cuts', () => {
    const bytes = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(bytes, fc.constantFrom(...FORMATS), fc.integer({ min: 1, max: 9 }), (input, format, chunk) => {
        const whole = read(input, format);
        expect(read(input, format, chunk)).toEqual(whole);
        expect(whole.stats.skipped.length).toBeLessThanOrEqual(64);
      }),
    );
  });

  it('any single byte of a line changed: never an event with a value that is no number', () => {
    const line =
      new TextDecoder()
        .decode(sample)
        .split('\n')
        .findLast((row) => row.includes(' map: ')) ?? '';
    fc.assert(
      fc.property(fc.nat({ max: line.length - 1 }), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const bytes = text(`${line}\n`);
        bytes[at] = byte;
        const reader = createTraceReader('ftrace', (event) => {
          const sum = event.time + event.cpu + event.pid + event.iova + event.pa + event.size + event.unmapped;
          expect(Number.isFinite(sum)).toBe(true);
        });
        reader.push(bytes);
        reader.end();
      }),
      { numRuns: 500 },
    );
  });

  it('a line without end is counted once and not kept', () => {
    const names = createNames();
    const reader = createTraceReader('ftrace', () => undefined, names);
    const block = new Uint8Array(1 << 20).fill(0x41);
    for (let count = 0; count < 16; count++) reader.push(block);
    reader.push(text('\n'));
    reader.end();
    expect(reader.stats.skipped.map(({ reason, count }) => [reason, count])).toEqual([['line longer than 64 KiB', 1]]);
  });

  it('a list without its lengths is not read, whatever list stood before it', () => {
    const head = '   dd-1 [000] ..... 1.000000: dma_map_sg: 0000:00:01.0 dir=TO_DEVICE';
    const whole = `${head} dma_addrs={0x1000,0x9000} sizes={0x100,0x200} phys_addrs={0x5000} attrs=\n`;
    const cut = [
      whole.replace('sizes={0x100,0x200} ', ''),
      whole.replace('sizes', 'dma_addrs'),
      whole.replace('sizes={', 'dma_addrs={0x1} sizes={'),
      whole.replace('sizes={0x100,0x200}', 'sizes={0x100}'),
    ];
    for (const line of cut) {
      const { events, stats } = read(text(whole + line + whole), 'ftrace');
      expect([events.length, skippedCount(stats)], line).toEqual([2, 1]);
    }
  });

  it('many different reasons and names: bounded', () => {
    const names = createNames();
    const reader = createTraceReader('ftrace', () => undefined, names);
    const lines = Array.from({ length: 70_000 }, (_, at) => `   t${at}-1 [000] ..... 1.000000: event${at}: x\n`);
    reader.push(text(lines.join('')));
    expect(reader.stats.skipped.length).toBeLessThanOrEqual(64);
    expect(skippedCount(reader.stats)).toBe(70_000);
    expect(names.tasks.size).toBeLessThanOrEqual(65_537);
  });

  it('absurd sizes do not make the tracker work or grow in proportion', () => {
    const names = createNames();
    const pairing = new Pairing(names);
    const tracker = new DomainTracker((call) => pairing.call(call), names);
    const reader = createTraceReader('ftrace', (event) => tracker.event(event), names);
    const huge = '18446744073709547520';
    const bodies = [
      `map: IOMMU: iova=0x0 paddr=0x0 size=${huge}`,
      `unmap: IOMMU: iova=0x1000 size=${huge} unmapped_size=${huge}`,
      'map: IOMMU: iova=0xffffffffffffffff paddr=0xffffffffffffffff size=1',
      'map: IOMMU: iova=0x0 paddr=0x0 size=0',
    ];
    reader.push(text(bodies.map((body, at) => `   t-1 [000] ..... ${at}.000000: ${body}\n`).join('')));
    reader.end();
    tracker.finish();
    expect(tracker.counts).toMatchObject({ lines: 3, unmaps: 1, empty: 1 });
    expect(pairing.report(tracker).maps).toBe(2);
  });
});

describe('formats that are not recognised', () => {
  const refuse = (bytes: Uint8Array): unknown => {
    try {
      return recogniseTrace(bytes);
    } catch (error) {
      return error instanceof InputError ? `${error.code}: ${error.message}` : error;
    }
  };

  it('says what was seen', () => {
    expect(refuse(new Uint8Array(0))).toContain('NOT_RECOGNISED: trace: the file is empty');
    expect(refuse(text('hello\n'))).toContain("got a file whose first line is 'hello'");
    expect(refuse(Uint8Array.of(0x1f, 0x8b, 8))).toContain('gzip');
    expect(refuse(text('PERFILE2'))).toContain('perf script');
    expect(refuse(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 1, 0))).toContain('7f 45 4c 46 01 00');
  });

  it('knows function_graph, which another reader takes', () => {
    expect(recogniseTrace(load(`${CAPTURES}arm64-smmuv3-61-blk/trace_fgraph.txt`))).toBe('function_graph');
  });

  it('random bytes: a format or NOT_RECOGNISED', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(typeof refuse(bytes)).toBe('string');
      }),
    );
  });
});

describe('trace.dat that is damaged', () => {
  const pages = [
    page(0n, [{ record: mapRecord(0x1000), delta: 1 }]),
    page(9n, [{ record: sgRecord('nvme0', [0x1000], 0, 4096), delta: 1 }]),
  ];

  it.each(['none', 'zlib'] as const)(
    'cut off at every byte (%s): a named error or fewer events',
    async (compression) => {
      const file = datFile([pages], compression);
      const step = compression === 'none' ? 13 : 1;
      for (let end = 0; end < file.length; end += step) {
        const result = await attempt(file.subarray(0, end));
        if (typeof result === 'number') expect(result).toBeLessThanOrEqual(2);
        else expect(['NOT_RECOGNISED', 'TRUNCATED', 'MALFORMED']).toContain(result);
      }
    },
  );

  it.each(['none', 'zlib'] as const)('any byte changed (%s): a named error or events, in bounded time', async (how) => {
    const file = datFile([pages], how);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: file.length - 1 }), fc.integer({ min: 0, max: 255 }), async (at, byte) => {
        const damaged = file.slice();
        damaged[at] = byte;
        expect(await attempt(damaged)).toBeDefined();
      }),
      { numRuns: 1500 },
    );
  });

  it('a real file with bytes changed: the same', async () => {
    const file = load(`${CAPTURES}arm64-smmuv3-61-blk/trace.dat`);
    const flips = fc.array(fc.tuple(fc.nat({ max: file.length - 1 }), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(flips, async (changes) => {
        const damaged = file.slice();
        for (const [at, byte] of changes) damaged[at] = byte;
        expect(await attempt(damaged)).toBeDefined();
      }),
      { numRuns: 100 },
    );
  });

  it('refuses a chunk that claims gigabytes before it allocates anything', async () => {
    const file = datFile([pages], 'zlib');
    const claim = file.slice();
    const at = 53; // unpacked size of the first section: header 33, section header 16, packed size 4
    new DataView(claim.buffer).setUint32(at, 0xfffff000, true);
    expect(await attempt(claim)).toBe('TOO_LARGE');
  });

  it('names compressions that it does not have', async () => {
    const file = datFile([pages], 'zlib');
    file.set(text('lzma'), 18);
    await expect(readTraceDat(bytesSource(file), () => undefined)).rejects.toThrow(
      "expected compression zstd, zlib or none, got 'lzma'",
    );
  });
});
