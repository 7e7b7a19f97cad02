import { expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { graphFunctions } from '../../src/record/functions.ts';
import { restoring } from '../../src/record/settings.ts';
import { checkTracing, type RecordOptions, Tracing } from '../../src/record/tracing.ts';
import { AT_REST, FakeTracefs } from './tracefs.ts';

const EVENTS: RecordOptions = { graph: false, bufferKb: 16384, force: false };
const GRAPH: RecordOptions = { ...EVENTS, graph: true };

/** Files by what they mean: notes of the kernel that a write cannot bring back are equal to what it brings. */
function meaning(tracefs: FakeTracefs): Record<string, string> {
  const entries = [...tracefs.files].filter(([path]) => path !== 'trace');
  return Object.fromEntries(entries.map(([path, text]) => [path, restoring(path, text)]));
}

test('while it runs, events, clock and buffers are set; afterwards everything is as it was', () => {
  for (const options of [EVENTS, GRAPH]) {
    const tracefs = new FakeTracefs();
    const before = meaning(tracefs);
    const tracing = new Tracing(tracefs);
    tracing.prepare(options);
    tracing.start();
    expect(tracefs.read('tracing_on')).toBe('1\n');
    expect(tracefs.read('buffer_size_kb')).toBe('16384\n');
    expect(tracefs.read('trace_clock')).toContain('[global]');
    for (const event of ['iommu/map', 'iommu/unmap', 'dma/dma_map_sg'])
      expect(tracefs.read(`events/${event}/enable`)).toBe('1\n');
    expect(tracefs.read('events/sched/sched_switch/enable')).toBe('0\n');
    expect(tracefs.read('current_tracer')).toBe(options.graph ? 'function_graph\n' : 'nop\n');
    tracing.stop();
    expect(tracefs.read('tracing_on')).toBe('0\n');
    expect(tracing.restore()).toEqual([]);
    expect(meaning(tracefs)).toEqual(before);
  }
});

test('settings change while tracing is off, and the buffers are emptied before', () => {
  const tracefs = new FakeTracefs();
  const tracing = new Tracing(tracefs);
  tracing.prepare(GRAPH);
  tracing.start();
  const { writes } = tracefs;
  expect(writes[0]).toBe('tracing_on=0');
  expect(writes.indexOf('trace=')).toBeGreaterThan(0);
  expect(writes.indexOf('tracing_on=1')).toBeGreaterThan(writes.indexOf('events/dma/dma_map_sg/enable=1'));
  expect(writes.at(-1)).toBe('trace_marker=iommu record: begin');
});

test('a function graph is recorded below the mapping calls only, of functions that this kernel has', () => {
  const tracefs = new FakeTracefs();
  const { functions } = new Tracing(tracefs).prepare(GRAPH);
  expect(functions).toEqual([
    'iommu_dma_map_sg',
    'iommu_dma_unmap_sg',
    '__iommu_map',
    'arm_smmu_map_pages',
    '__arm_lpae_map',
    '__alloc_pages',
  ]);
  expect(tracefs.read('set_graph_function')).toBe('iommu_dma_map_sg\niommu_dma_unmap_sg\n');
  expect(tracefs.read('options/funcgraph-proc')).toBe('1\n');
});

test('settings that others had made come back: filters, pids, clock, sizes of single processors', () => {
  const tracefs = new FakeTracefs({
    set_ftrace_filter: 'vfs_read\nkfree [mod]\nschedule:traceon:unlimited\n',
    set_event_pid: '17\n18\n',
    trace_clock: 'local global [mono]\n',
    buffer_size_kb: 'X\n',
    'per_cpu/cpu0/buffer_size_kb': '100\n',
    'per_cpu/cpu1/buffer_size_kb': '200\n',
    tracing_on: '0\n',
  });
  const tracing = new Tracing(tracefs);
  tracing.prepare(GRAPH);
  tracing.start();
  expect(tracefs.read('per_cpu/cpu1/buffer_size_kb')).toBe('16384\n');
  expect(tracefs.read('set_event_pid')).toBe('no pid\n');
  expect(tracing.restore()).toEqual([]);
  expect(tracefs.read('set_ftrace_filter')).toBe('vfs_read\nkfree\n');
  expect(tracefs.read('set_event_pid')).toBe('17\n18\n');
  expect(tracefs.read('trace_clock')).toContain('[mono]');
  expect(tracefs.read('per_cpu/cpu0/buffer_size_kb')).toBe('100\n');
  expect(tracefs.read('per_cpu/cpu1/buffer_size_kb')).toBe('200\n');
  expect(tracefs.read('tracing_on')).toBe('0\n');
});

test('an unexpanded buffer comes back at the size that it would have grown to', () => {
  const tracefs = new FakeTracefs();
  const tracing = new Tracing(tracefs);
  tracing.prepare(EVENTS);
  tracing.restore();
  expect(tracefs.read('buffer_size_kb')).toBe('1408\n');
});

test('a setting that the kernel refuses leaves everything as it was', () => {
  for (const path of ['buffer_size_kb', 'current_tracer', 'events/iommu/unmap/enable', 'set_graph_function']) {
    const tracefs = new FakeTracefs();
    const before = meaning(tracefs);
    const tracing = new Tracing(tracefs);
    tracefs.broken.add(path);
    expect(() => tracing.prepare(GRAPH)).toThrow(/busy/);
    tracefs.broken.clear();
    expect(tracing.restore()).toEqual([]);
    expect(meaning(tracefs)).toEqual(before);
  }
});

test('one setting that cannot be put back is named and does not keep the others from it', () => {
  const tracefs = new FakeTracefs();
  const tracing = new Tracing(tracefs);
  tracing.prepare(EVENTS);
  tracing.start();
  tracefs.broken.add('trace_clock');
  expect(tracing.restore()).toEqual([expect.stringMatching(/^trace_clock could not be set back to 'local'/)]);
  expect(tracefs.read('buffer_size_kb')).toBe('1408\n');
  expect(tracefs.read('events/iommu/map/enable')).toBe('0\n');
});

test('it refuses without tracefs, rights, events or the tracer, and where tracing is in use', () => {
  const refusal = (changes: Readonly<Record<string, string | null>>, options = EVENTS, readOnly = false): string => {
    try {
      checkTracing(new FakeTracefs(changes, readOnly), options);
      return '';
    } catch (error) {
      return error instanceof InputError ? error.message : String(error);
    }
  };
  const noIommu = Object.fromEntries(
    Object.keys(AT_REST)
      .filter((path) => path.startsWith('events/iommu'))
      .map((path) => [path, null]),
  );
  expect(refusal({})).toBe('');
  expect(refusal({ tracing_on: null })).toContain('no tracefs');
  expect(refusal({}, EVENTS, true)).toContain('no right to trace');
  expect(refusal(noIommu)).toContain('no iommu events');
  expect(refusal({ available_tracers: 'nop\n' }, GRAPH)).toContain('no function_graph tracer');
  expect(refusal({ available_tracers: 'nop\n' })).toBe('');
  expect(refusal({ available_filter_functions: 'kfree\n' }, GRAPH)).toContain('no function of the mapping stack');
  expect(refusal({ current_tracer: 'function\n' })).toContain('current_tracer is function');
  expect(refusal({ 'events/enable': 'X\n' })).toContain('events are enabled already');
  expect(refusal({ 'events/enable': 'X\n' }, { ...EVENTS, force: true })).toBe('');
});

test('filters of functions are left alone where no functions are traced', () => {
  const tracefs = new FakeTracefs({ set_ftrace_pid: '5\n' });
  new Tracing(tracefs).prepare(EVENTS);
  expect(tracefs.read('set_ftrace_pid')).toBe('5\n');
  new Tracing(tracefs).prepare(GRAPH);
  expect(tracefs.read('set_ftrace_pid')).toBe('no pid\n');
});

test('losses are summed over the processors', () => {
  expect(new Tracing(new FakeTracefs()).losses()).toEqual({ overrun: 3, dropped: 1 });
});

test('a kernel without dma events records iommu events alone', () => {
  const tracefs = new FakeTracefs({ 'events/dma/dma_map_sg/enable': null, 'events/dma/dma_map_sg/format': null });
  expect(new Tracing(tracefs).prepare(EVENTS).events).toEqual(['iommu:map', 'iommu:unmap']);
});

test('module names and other functions do not disturb the choice of functions', () => {
  expect(graphFunctions('iommu_dma_map_page\nmy_iommu_dma_map_page\niommu_dma_map_page_x\n')).toEqual({
    roots: ['iommu_dma_map_page'],
    all: ['iommu_dma_map_page'],
  });
});
