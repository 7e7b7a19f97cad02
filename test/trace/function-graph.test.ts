import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  FunctionGraphReader,
  type GraphCall,
  type GraphRoot,
  type GraphStats,
} from '../../src/trace/function-graph.ts';
import { parseGraphLine } from '../../src/trace/graph-line.ts';

const CAPTURES = new URL('../captures/', import.meta.url);

interface Reading {
  readonly calls: GraphCall[];
  readonly roots: GraphRoot[];
  readonly stats: GraphStats;
}

function read(bytes: Uint8Array, chunk = bytes.length): Reading {
  const calls: GraphCall[] = [];
  const roots: GraphRoot[] = [];
  const reader = new FunctionGraphReader({ call: (call) => calls.push(call), root: (root) => roots.push(root) });
  for (let at = 0; at < bytes.length; at += Math.max(1, chunk))
    reader.push(bytes.subarray(at, at + Math.max(1, chunk)));
  return { calls, roots, stats: reader.end() };
}

const readText = (text: string): Reading => read(new TextEncoder().encode(text));

const NESTED = `# tracer: function_graph
#
   1.000000 |   0)     dd-289     |               |  iommu_dma_map_page() {
   1.000001 |   0)     dd-289     |   1.000 us    |    alloc_iova_fast();
   1.000002 |   0)     dd-289     |               |    iommu_map() {
   1.000003 |   0)     dd-289     |               |      /* map: IOMMU: iova=0x1000 - 0x2000 paddr=0x3000 size=4096 */
   1.000004 |   0)     dd-289     | + 12.500 us   |    } /* iommu_map */
   1.000005 |   0)     dd-289     | ! 120.000 us  |  } /* iommu_dma_map_page */
`;

test('self time is the duration without direct children', () => {
  const { calls, roots } = readText(NESTED);
  expect(calls.map((call) => [call.name, call.selfNs, call.children])).toEqual([
    ['alloc_iova_fast', 1000, 0],
    ['iommu_map', 12500, 0],
    ['iommu_dma_map_page', 106500, 2],
  ]);
  expect(roots).toMatchObject([
    { kind: 'map', task: 'dd', pid: 289, bytes: 4096, events: 1, durationNs: 120000, calls: 3 },
  ]);
});

test('nesting goes by entries and exits, not by indentation', () => {
  const flat = NESTED.replaceAll(/\| {2,}(\w|\})/g, '|$1');
  expect(readText(flat).calls.map((call) => call.selfNs)).toEqual(readText(NESTED).calls.map((call) => call.selfNs));
});

test('lines of two processors may be printed in any order', () => {
  const { roots } = readText(`
   1.0 |   0)     aa-1     |               |  iommu_dma_map_page() {
 ------------------------------------------
 1)     bb-2      =>    <idle>-0
 ------------------------------------------
   1.0 |   1)    <idle>-0    |               |  iommu_dma_unmap_page() {
   1.0 |   0)    <idle>-0    |               |  iommu_dma_unmap_sg() {
   1.0 |   1)    <idle>-0    |   2.000 us    |  } /* iommu_dma_unmap_page */
   1.0 |   1)     aa-1     |   5.000 us    |  } /* iommu_dma_map_page */
   1.0 |   0)    <idle>-0    |   3.000 us    |  } /* iommu_dma_unmap_sg */
`);
  expect(roots.map((root) => [root.name, root.durationNs])).toEqual([
    ['iommu_dma_unmap_page', 2000],
    ['iommu_dma_map_page', 5000],
    ['iommu_dma_unmap_sg', 3000],
  ]);
});

test('an unmap inside a map is an interrupt: its own root, taken off all around it', () => {
  const { roots, calls, stats } = readText(`
   1.0 |   0)  dd-9  |               |  iommu_dma_map_sg() {
   1.0 |   0)  dd-9  |               |    iommu_map_sg() {
   1.0 |   0)  dd-9  |               |    iommu_dma_unmap_sg() {
   1.0 |   0)  dd-9  |               |      iommu_unmap_fast() {
   1.0 |   0)  dd-9  |               |        /* unmap: IOMMU: iova=0x1000 - 0x9000 size=32768 unmapped_size=32768 */
   1.0 |   0)  dd-9  |   3.000 us    |      } /* iommu_unmap_fast */
   1.0 |   0)  dd-9  |   7.000 us    |    } /* iommu_dma_unmap_sg */
   1.0 |   0)  dd-9  |   20.000 us   |    } /* iommu_map_sg */
   1.0 |   0)  dd-9  |   30.000 us   |  } /* iommu_dma_map_sg */
`);
  expect(stats.interrupts).toBe(1);
  expect(roots).toMatchObject([
    { name: 'iommu_dma_unmap_sg', interrupt: true, durationNs: 7000, bytes: 32768 },
    { name: 'iommu_dma_map_sg', interrupt: false, durationNs: 23000, interrupts: 1, bytes: 0 },
  ]);
  expect(calls.map((call) => [call.name, call.selfNs])).toEqual([
    ['iommu_unmap_fast', 3000],
    ['iommu_dma_unmap_sg', 4000],
    ['iommu_map_sg', 13000],
    ['iommu_dma_map_sg', 10000],
  ]);
});

test('a negative self time is clipped, counted and listed', () => {
  const { calls, stats } = readText(`
 0)  dd-9  |               |  iommu_map() {
 0)  dd-9  |   9.000 us    |    __iommu_map();
 0)  dd-9  |   5.000 us    |  } /* iommu_map */
`);
  expect(calls.at(-1)?.selfNs).toBe(0);
  expect(stats.negativeListed).toEqual([{ line: 4, name: 'iommu_map', selfNs: -4000 }]);
  expect(stats.negativeSelf).toBe(1);
});

test('without a task column the switch lines tell the task', () => {
  const { roots } = readText(`
 0)               |  iommu_dma_map_page() {
 ------------------------------------------
 0)     aa-1      =>     bb-2
 ------------------------------------------

 0)               |  iommu_dma_unmap_page() {
 0)   4.000 us    |  }
 ------------------------------------------
 0)     bb-2      =>     aa-1
 ------------------------------------------

 0)   6.000 us    |  } /* iommu_dma_map_page */
`);
  expect(roots[0]).toMatchObject({ name: 'iommu_dma_unmap_page', pid: 2, task: 'bb', durationNs: 4000 });
});

test('arguments, return values, modules and flag columns are passed over', () => {
  const { calls } = readText(`
 1.5 |   0)  nvme-1-x-77  |  d..1. |               |  iommu_map(domain=0xff, iova=1 { 2) {
 1.5 |   0)  nvme-1-x-77  |  d..1. |   1.000 us    |    nvme_map [nvme](); /* = 0x0 */
 1.5 |   0)  nvme-1-x-77  |  d..1. |   2.000 us    |  } /* iommu_map = 0x0 */
`);
  expect(calls.map((call) => [call.name, call.selfNs, call.root.task])).toEqual([
    ['nvme_map', 1000, 'nvme-1-x'],
    ['iommu_map', 1000, 'nvme-1-x'],
  ]);
});

describe('broken input', () => {
  test('an exit without an entry, an entry without an exit and lost events are counted', () => {
    const { stats, roots } = readText(`
 0)  dd-9  |   9.000 us    |  } /* __iommu_map */
 0)  dd-9  |               |  iommu_map() {
CPU:0 [LOST 12 EVENTS]
 0)  dd-9  |               |  iommu_unmap() {
`);
    expect(stats).toMatchObject({ unmatchedExits: 1, unfinished: 2, lostMarks: 1, unread: 0 });
    expect(roots).toEqual([]);
  });

  test('truncated at any byte, it gives the calls that had ended', () => {
    const bytes = new TextEncoder().encode(NESTED);
    const whole = read(bytes).calls.map((call) => call.name);
    for (let end = 0; end <= bytes.length; end += 1) {
      const { calls, stats } = read(bytes.subarray(0, end));
      expect(whole.slice(0, calls.length)).toEqual(calls.map((call) => call.name));
      expect(stats.bytes).toBe(end);
    }
  });

  test('random bytes never throw, and every line is counted', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(...NESTED.split('\n')),
      fc.constantFrom('0) |', '9) a-0 | 1.0 us | }', ' 1)   a-1   =>   b-2'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.integer({ min: 1, max: 97 }), (pieces, chunk) => {
        const bytes = new TextEncoder().encode(pieces.join('\n'));
        const { stats, calls } = read(bytes, chunk);
        expect(stats.lines).toBeLessThanOrEqual(bytes.length + 1);
        for (const call of calls) expect(call.selfNs).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 300 },
    );
  });

  test('entries without end and tasks without number use bounded memory', () => {
    const deep = ' 0)  dd-9  |               |  iommu_map() {\n'.repeat(5000);
    expect(readText(deep).stats.unfinished).toBe(5000);
    const wide = Array.from({ length: 9000 }, (_, pid) => ` 0)  t-${pid + 1}  |               |  iommu_map() {`).join(
      '\n',
    );
    expect(readText(wide).stats.unfinished).toBe(9000);
  });
});

test('the one-pass form of a line and the general one agree on every line of the captures', () => {
  for (const name of readdirSync(CAPTURES).filter((one) => /-blk/.test(one))) {
    const text = gunzipSync(readFileSync(new URL(`${name}/trace_fgraph.txt.gz`, CAPTURES))).toString();
    // A tab in front is blank to both, but only the general form takes it.
    for (const line of text.split('\n')) expect(parseGraphLine(line)).toEqual(parseGraphLine(`\t${line}`));
  }
});

describe.each(readdirSync(CAPTURES).filter((name) => /-blk/.test(name)))('capture %s', (name) => {
  const bytes = gunzipSync(readFileSync(new URL(`${name}/trace_fgraph.txt.gz`, CAPTURES)));
  const whole = read(bytes);

  test('every line is understood, and every call ends', () => {
    expect(whole.stats).toMatchObject({ unread: 0, unmatchedExits: 0, unfinished: 0, lostMarks: 0 });
  });

  test('self times add up to the duration of each outermost call', () => {
    const sums = new Map<GraphRoot, number>();
    for (const call of whole.calls) sums.set(call.root, (sums.get(call.root) ?? 0) + call.selfNs);
    const clipped = whole.stats.negativeListed.reduce((sum, one) => sum - one.selfNs, 0);
    const difference = whole.roots.reduce((sum, root) => sum + (sums.get(root) ?? 0) - root.durationNs, 0);
    expect(difference).toBe(clipped);
  });

  test('chunks of any size read the same', () => {
    const pieces = read(bytes, 4097);
    expect(pieces.stats).toEqual(whole.stats);
    expect(pieces.calls.map((call) => call.selfNs)).toEqual(whole.calls.map((call) => call.selfNs));
  });
});
