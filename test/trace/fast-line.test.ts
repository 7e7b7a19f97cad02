import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CAPTURES, load, read } from './helpers.ts';

const FILES = [
  ['ftrace', 'arm64-smmuv3-612-blk-s2/trace.txt'],
  ['ftrace', 'x86-vtdfl-73-blk/trace.txt'],
  ['trace-cmd-report', 'x86-amdvi-612-blk/trace-cmd-report.txt'],
] as const;
const LINES = 60;
/** Lines near the end of a chunk are left to the general reader: this keeps the others away from it. */
const TAIL = `# ${'x'.repeat(1000)}\n`;
/** Chunks this small are left to the general reader in full. */
const SMALL = 64;

describe('lines read in one pass', () => {
  it.each(FILES)('%s %s: the same events as the general reader, line by line', (format, path) => {
    const bytes = load(`${CAPTURES}${path}`);
    expect(read(bytes, format)).toEqual(read(bytes, format, SMALL));
  });

  it.each(FILES)('%s %s: the same with bytes changed, dropped or repeated', (format, path) => {
    const lines = new TextDecoder()
      .decode(load(`${CAPTURES}${path}`))
      .split('\n')
      .slice(11, 11 + LINES);
    const text = `${lines.join('\n')}\n${TAIL}`;
    const clean = new TextEncoder().encode(text);
    const byte = fc.oneof(fc.constantFrom(0x20, 0x0a, 0x30, 0x2e, 0x3a, 0x5b, 0x5d, 0x2d, 0x66), fc.nat({ max: 255 }));
    const change = fc.tuple(fc.nat({ max: clean.length - TAIL.length - 1 }), byte, fc.constantFrom(0, 1, 2));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 40 }), (changes) => {
        const bytes = [...clean];
        for (const [at, value, gap] of changes) bytes.splice(at, gap, value);
        const damaged = Uint8Array.from(bytes);
        expect(read(damaged, format)).toEqual(read(damaged, format, SMALL));
      }),
      { numRuns: 300 },
    );
  });
});
