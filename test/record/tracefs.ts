/**
 * Trees of files that stand for a kernel's: plain ones in a temporary folder, and one in memory that answers writes
 * as tracefs does.
 * @module
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Tree } from '../../src/record/tree.ts';

/** Files of a tracefs at rest: nothing is traced. */
export const AT_REST: Readonly<Record<string, string>> = {
  tracing_on: '1\n',
  current_tracer: 'nop\n',
  available_tracers: 'hwlat blk function_graph function nop\n',
  buffer_size_kb: '7 (expanded: 1408)\n',
  trace_clock: '[local] global counter uptime perf mono mono_raw boot\n',
  trace: '# tracer: nop\n#\n',
  trace_marker: '',
  set_event_pid: 'no pid\n',
  set_ftrace_filter: '#### all functions enabled ####\n',
  set_graph_function: '#### all functions enabled ####\n',
  available_filter_functions:
    'do_syscall_64\niommu_dma_map_sg\niommu_dma_unmap_sg\n__iommu_map\narm_smmu_map_pages [arm_smmu_v3]\n__arm_lpae_map\n__alloc_pages\nkfree\n',
  'options/funcgraph-abstime': '0\n',
  'options/funcgraph-proc': '0\n',
  'options/funcgraph-tail': '0\n',
  'options/funcgraph-cpu': '1\n',
  'events/enable': '0\n',
  'events/iommu/enable': '0\n',
  'events/iommu/map/enable': '0\n',
  'events/iommu/map/format': 'name: map\nID: 500\n',
  'events/iommu/unmap/enable': '0*\n',
  'events/iommu/unmap/format': 'name: unmap\nID: 501\n',
  'events/dma/dma_map_sg/enable': '0\n',
  'events/dma/dma_map_sg/format': 'name: dma_map_sg\nID: 510\n',
  'events/sched/sched_switch/enable': '0\n',
  'per_cpu/cpu0/stats': 'entries: 10\noverrun: 3\ncommit overrun: 0\ndropped events: 1\n',
  'per_cpu/cpu1/stats': 'entries: 10\noverrun: 0\ncommit overrun: 0\ndropped events: 0\n',
};

/** /proc and /sys of a machine with an SMMUv3. */
export const HARDWARE: Readonly<Record<string, string>> = {
  'proc/version': 'Linux version 6.12.107 (gcc 14.2.0) #1 SMP\n',
  'proc/sys/kernel/osrelease': '6.12.107\n',
  'proc/cmdline': 'root=/dev/sda1 iommu.strict=0\n',
  'proc/cpuinfo': 'processor\t: 0\nmodel name\t: Some Processor 9000\nflags\t\t: fpu vme sse2\n',
  'proc/self/smaps': '5581-5582 r--p 00000000 00:00 0\nSize: 4 kB\nKernelPageSize:        4 kB\n',
  'sys/class/iommu/smmu3.0x0000000009050000/x': '',
  'sys/kernel/iommu_groups/0/type': 'DMA-FQ\n',
  'sys/kernel/iommu_groups/1/type': 'DMA-FQ\n',
  'sys/kernel/iommu_groups/2/type': 'identity\n',
  'sys/class/dmi/id/sys_vendor': 'ACME\n',
  'sys/class/dmi/id/product_name': 'Server 1\n',
};

/** Makes a folder with files; remove it with {@link removeFolder}. */
export function makeFolder(...trees: readonly Readonly<Record<string, string>>[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'iommu-record-'));
  for (const files of trees) {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  }
  return folder;
}

/** Removes a folder. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** All files below a folder with their text; that of a trace, which may be huge, is left out. */
export function filesIn(folder: string, below = ''): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(join(folder, below))) {
    const path = below === '' ? name : `${below}/${name}`;
    if (statSync(join(folder, path)).isDirectory()) Object.assign(found, filesIn(folder, path));
    else if (path !== 'trace') found[path] = readFileSync(join(folder, path), 'utf8');
  }
  return found;
}

/** A tracefs in memory: refuses what the kernel refuses, shows settings as the kernel shows them, logs writes. */
export class FakeTracefs implements Tree {
  readonly root: string = 'fake';
  readonly files: Map<string, string>;
  readonly writes: string[] = [];
  /** Paths whose writes fail. */
  readonly broken: Set<string> = new Set();
  readonly readOnly: boolean;

  constructor(changes: Readonly<Record<string, string | null>> = {}, readOnly = false) {
    const files = Object.entries({ ...AT_REST, ...changes });
    this.files = new Map(files.filter((entry): entry is [string, string] => entry[1] !== null));
    this.readOnly = readOnly;
  }

  exists(path: string): boolean {
    return this.files.has(path) || this.list(path).length > 0;
  }

  writable(path: string): boolean {
    return this.files.has(path) && !this.readOnly;
  }

  list(path: string): string[] {
    const below = [...this.files.keys()].filter((name) => name.startsWith(`${path}/`));
    return [...new Set(below.map((name) => name.slice(path.length + 1).split('/')[0] ?? ''))].sort();
  }

  read(path: string): string {
    const text = this.files.get(path);
    if (text === undefined) throw new Error(`${path}: no such file`);
    return text;
  }

  write(path: string, text: string): void {
    const value = text.trim();
    if (this.broken.has(path)) throw new Error(`${path}: device or resource busy`);
    this.writes.push(`${path}=${value}`);
    this.files.set(path, this.#shown(path, value));
  }

  link(): null {
    return null;
  }

  #shown(path: string, value: string): string {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (name === 'trace_marker') return '';
    if (name === 'trace_clock') return this.#clock(value);
    if (name === 'current_tracer' && !this.read('available_tracers').split(/\s/).includes(value))
      throw new Error('invalid argument');
    if (name === 'buffer_size_kb' && !/^\d+$/.test(value)) throw new Error('invalid argument');
    if (name === 'enable' && !/^[01]$/.test(value)) throw new Error('invalid argument');
    if (/^set_(event|ftrace)_pid$/.test(name) && value === '') return 'no pid\n';
    if (/^set_(ftrace|graph)/.test(name) && value === '') return '#### all functions enabled ####\n';
    return `${value}\n`;
  }

  #clock(value: string): string {
    const clocks = this.read('trace_clock').replace(/[[\]]/g, '').trim().split(' ');
    if (!clocks.includes(value)) throw new Error('invalid argument');
    return `${clocks.map((clock) => (clock === value ? `[${clock}]` : clock)).join(' ')}\n`;
  }
}
