/** Geometries of a few pages: every sequence of few calls, by every path, against the interval map. */
import { describe, expect, test } from 'vitest';
import { Domain, PATHS, type Path } from '../../src/core/index.ts';
import { IommuError } from '../../src/errors.ts';
import { type Entry, type Format, type Geometry, PLAIN_GEOMETRY } from '../../src/formats/index.ts';
import type { Call } from '../../src/testing/histories.ts';
import { IntervalMap } from '../../src/testing/interval-map.ts';
import { isAllowed, leavesOf, perform, record } from '../../src/testing/rules/histories.ts';

// A refusal is looked at by its code alone, and traces of many thousands take long
Error.stackTraceLimit = 0;

const PAGE = 4096;
const TABLE = { tableBytes: 1024, allocBytes: 4096 };

/** Two levels, of two entries and of four: eight pages of 4K, two blocks of 16K. An entry is an address, bit 0, and bit 1 in a leaf. */
const TINY: Geometry = {
  ...PLAIN_GEOMETRY,
  format: 'tiny',
  ias: 15,
  oas: 40,
  coherent: true,
  pageSizes: PAGE + 4 * PAGE,
  pageShift: 12,
  levels: [
    { level: 1, shift: 14, entries: 2, runEntries: 2, ...TABLE, tableMask: 3, tableValue: 1 },
    { level: 0, shift: 12, entries: 4, runEntries: 4, ...TABLE, tableMask: 0, tableValue: 1 },
  ],
  entryBytes: 8,
  leafFieldLo: 0xfffff000,
  leafFieldHi: 0xff,
  tableField: 0xfffff000,
  tableFieldShift: 0,
  tableLimit: 2 ** 40,
  outputBits: 40,
  outputBreak: 2 ** 40,
  addressShift: 0,
  slots: (depth, size) => ((depth === 0 && size === 4 * PAGE) || (depth === 1 && size === PAGE) ? 1 : 0),
  leaf(_depth, _slots, _prot, out) {
    out.lo = 3;
    out.hi = 0;
  },
  addAddress(paLo, paHi, _depth, out) {
    out.lo |= paLo;
    out.hi |= paHi;
  },
  address: (lo, hi) => ((lo & 0xfffff000) >>> 0) + (hi & 0xff) * 2 ** 32,
  table(physical, out: Entry) {
    out.lo = ((physical % 2 ** 32) >>> 0) | 1;
    out.hi = Math.floor(physical / 2 ** 32);
  },
  pieces(_lo, _hi, _from, _to, _slots, out) {
    out.lo = 3;
    out.hi = 0;
  },
  granted: (prot) => prot,
  registers: () => ({}),
};

const REQUEST = { ias: 15, oas: 40, pageSizes: PAGE, quirks: 0, coherent: true, cpuPageSize: 4096 };

const TINY_FORMAT: Format = {
  id: 'tiny',
  title: 'eight pages',
  source: 'this test',
  granules: [PAGE],
  inputs: '15',
  outputs: '40',
  quirks: [],
  configurations: [],
  request: () => REQUEST,
  configure: () => TINY,
};

/** Every range of eight pages: two maps (one whose blocks line up, one by a list whose pages do not), two unmaps. */
function everyCall(): Call[] {
  const calls: Call[] = [];
  for (let from = 0; from < 8; from++) {
    for (let end = from + 1; end <= 8; end++) {
      const offset = from * PAGE;
      const bytes = (end - from) * PAGE;
      calls.push(
        { kind: 'map', offset, bytes, pa: 2 ** 32 + offset },
        { kind: 'mapSg', offset, bytes, list: [{ address: 2 ** 32 - PAGE, length: bytes }] },
        { kind: 'unmap', offset, bytes, skip: false },
        { kind: 'unmap', offset, bytes, skip: true },
      );
    }
  }
  return calls;
}

const CALLS = everyCall();
const MAPS = CALLS.filter(({ kind }) => kind === 'map');
const LISTS = CALLS.filter(({ kind }) => kind === 'mapSg');
const UNMAPS = CALLS.filter((call) => call.kind === 'unmap' && call.skip);
const ALL: Call = { kind: 'unmap', offset: 0, bytes: 8 * PAGE, skip: true };

function outcome(domain: Domain, call: Call): number | string {
  try {
    return perform(domain, call).bytes;
  } catch (error) {
    if (error instanceof IommuError) return error.code;
    throw error;
  }
}

function wanted(oracle: IntervalMap, call: Call): number | string {
  if (!isAllowed(oracle, call)) return call.kind === 'unmap' ? 'NOT_MAPPED' : 'OVERLAP';
  const before = oracle.size;
  record(oracle, call);
  return Math.abs(Number(oracle.size - before));
}

function text(intervals: IntervalMap): string {
  return intervals
    .merged()
    .map(({ start, end, pa }) => `${start}-${end}:${pa}`)
    .join(' ');
}

/** Performs a sequence from an empty domain and leaves it empty. */
function holds(domain: Domain, sequence: readonly Call[]): void {
  const oracle = new IntervalMap();
  for (const call of sequence) {
    const expected = wanted(oracle, call);
    const found = outcome(domain, call);
    if (found !== expected) expect.fail(`${JSON.stringify(sequence)}: expected ${expected}, got ${found}`);
  }
  const left = text(leavesOf(domain));
  if (left !== text(oracle)) expect.fail(`${JSON.stringify(sequence)}: expected ${text(oracle)}, got ${left}`);
  outcome(domain, ALL);
}

function* pairs(): Generator<Call[]> {
  for (const first of CALLS) for (const second of CALLS) yield [first, second];
}

/** Pairs whose first call does something. */
function* pairsFromEmpty(): Generator<Call[]> {
  for (const first of [...MAPS, ...LISTS]) for (const second of CALLS) yield [first, second];
}

function* triples(): Generator<Call[]> {
  for (const first of MAPS) for (const second of UNMAPS) for (const third of LISTS) yield [first, second, third];
}

function enumerate(format: string | Format, path: Path, sequences: Iterable<Call[]>, ias?: number): number {
  const domain = new Domain({ format, path, ...(ias === undefined ? {} : { ias }) });
  const { liveTables } = domain.memory;
  let count = 0;
  for (const sequence of sequences) {
    holds(domain, sequence);
    count++;
  }
  expect(domain.leaves()).toEqual([]);
  domain.free();
  expect([domain.memory.liveTables, liveTables > 0]).toEqual([0, true]);
  return count;
}

/** A format of each family that takes fifteen bits of input: eight pages of 4K. */
const SMALL = ['arm-64-lpae-s1', 'arm-mali-lpae', 'apple-dart', 'amd-v1'];

describe.each(PATHS)('eight pages over %s', (path) => {
  test('two levels with blocks: every pair of calls', () => {
    expect(enumerate(TINY_FORMAT, path, pairs())).toBe(144 * 144);
  });

  test('two levels with blocks: every map, every unmap, every list', () => {
    expect(enumerate(TINY_FORMAT, path, triples())).toBe(36 * 36 * 36);
  });

  test.each(SMALL)('%s: every map or list, and any call', (id) => {
    expect(enumerate(id, path, pairsFromEmpty(), 15)).toBe(72 * 144);
  });
});
