// What is mutated: samples that ship with the tests, and files that once did harm. Long ones are cut.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { fitProfile, readLatencyTable } from '../../dist/cost/index.js';
import { explainTable } from '../../dist/explain/index.js';
import { QUEUE_WORDS } from './answer-readers.mjs';
import { deviceCorpus } from './devices.mjs';
import { ACPIDUMP, MACHINE, TABLES } from './machines.mjs';

const TEST = new URL('../../test/', import.meta.url);
const TEXT = 12_288;
const BINARY = 49_152;
/** A trace.dat has its options at its end: it is read whole or not at all. */
const WHOLE = 1 << 20;

function read(path, limit) {
  const bytes = readFileSync(new URL(path, TEST));
  const plain = path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
  return new Uint8Array(plain.subarray(0, limit));
}

/** The first whole lines of a text that fit. */
function lines(path, limit = TEXT) {
  const bytes = read(path, limit);
  const end = bytes.lastIndexOf(10);
  return bytes.length < limit || end < 0 ? bytes : bytes.slice(0, end + 1);
}

/** The file with one processor where it has 64 that share their data, so that mutants get behind its refusal. */
function oneProcessor(bytes) {
  const at = bytes.findIndex(
    (byte, i) => byte === 64 && bytes[i + 4] === 0 && bytes[i + 1] + bytes[i + 2] + bytes[i + 3] === 0,
  );
  const out = bytes.slice();
  if (at >= 0) out[at] = 1;
  return out;
}

function names(folder, ending) {
  const all = readdirSync(fileURLToPath(new URL(folder, TEST))).sort();
  return all.filter((name) => name.endsWith(ending)).map((name) => `${folder}${name}`);
}

function captures(file, make) {
  return names('captures/', '')
    .filter((folder) => /-(blk|vfio|mod)/.test(folder))
    .flatMap((folder) => {
      try {
        return [make(`${folder}/${file}`, folder)];
      } catch {
        return [];
      }
    });
}

function beside(path, folder) {
  return { bytes: lines(path, BINARY), side: read(`${folder}/regs-live-io.json`, BINARY), beside: folder };
}

/** Faults of a capture, beside a snapshot: one that is not of the capture will do. */
function faultsBeside(path, folder) {
  return { bytes: lines(path, BINARY), side: read('hostile/decode-json-8-domains.snapshot', BINARY), beside: folder };
}

function profile() {
  const table = readLatencyTable('op,pages,us\nmap,1,1\nmap,16,3.1\nmap,256,40.5\nmap,4096,800\n', 'table');
  const fitted = fitProfile(explainTable(table).analyses, { name: 'machine', kind: 'hardware' }, 'table');
  return new TextEncoder().encode(JSON.stringify(fitted));
}

const only = (bytes) => ({ bytes });

/** A stream with an event of each kind. */
const STREAM = [
  { unit: 'arm-smmu-v3', registers: { IDR3: '0x404' } },
  { event: 'device', stream: 3, domain: 0, space: 5 },
  { event: 'change', domain: 0, space: 5, iova: '0x1000', bytes: 4096, before: 'leaf', after: 'invalid', level: 3 },
  { event: 'config', stream: 3, before: { domain: 0, space: 5 }, after: { domain: 0, space: 6 } },
  { event: 'command', words: ['0x0005000000000012', '0x1001'] },
  { event: 'access', domain: 0, space: 5, iova: '0x1000', bytes: 4096, from: 'tlb', output: '0x9000' },
  { event: 'command', words: ['0x46', 0] },
  { event: 'done', domain: 0, space: 5, iova: '0x1000', bytes: 4096 },
  { event: 'freed', table: '0x9000' },
]
  .map((line) => `${JSON.stringify(line)}\n`)
  .join('');

/** The least answer of a replay that another can be compared with. */
const ANSWER = JSON.stringify({
  schema: 'iommu.replay',
  version: 1,
  data: { engine: { path: 'one-walk', maps: 4, unmaps: 3, storesPerPage: 1.5 }, totals: { events: 9, bytes: 4096 } },
});

/** Inputs by reader; `side` is the file beside a dump or registers, `beside` the folder that both are of. */
export const CORPUS = {
  trace: [
    ...captures('trace.txt.gz', (path) => only(lines(path))),
    ...captures('trace_vfio.txt', (path) => only(lines(path))),
    ...captures('trace-cmd-report.txt', (path) => only(lines(path))),
    ...['perf-script/', 'trace/', 'trace-cmd-report/', 'trace_pipe/'].flatMap((kind) =>
      names(`trace/samples/${kind}`, '.txt').map((path) => only(lines(path))),
    ),
    ...['hostile/trace-hostile.txt', 'hostile/mem-map-64g.txt'].map((path) => only(lines(path))),
  ],
  'trace.dat': [
    only(read('captures/arm64-smmuv3-61-blk/trace.dat', WHOLE)),
    ...names('hostile/', '.dat').flatMap((path) => [only(read(path, BINARY)), only(oneProcessor(read(path, BINARY)))]),
  ],
  'function graph': [
    ...captures('trace_fgraph.txt.gz', (path) => only(lines(path))),
    only(lines('hostile/fg-spaces.txt.gz')),
  ],
  'latency table': [
    ...names('hostile/', '.csv').map((path) => only(lines(path))),
    ...names('../data/latency/', '.csv').map((path) => only(lines(path, 4096))),
  ],
  'timing text': names('explain/posted/', '').map((path) => only(lines(path))),
  profile: [only(profile())],
  'fault log': [
    ...captures('dmesg_faults.txt', (path) => only(lines(path))),
    ...names('captures/fault-lines/', '.txt').map((path) => only(lines(path))),
    ...names('hostile/', '.txt')
      .filter((path) => path.includes('/fault-'))
      .map((path) => only(lines(path))),
  ],
  dump: [
    ...names('hostile/', '.snapshot').map((path) => only(read(path, BINARY))),
    ...names('hostile/', '.kdump').map((path) => only(read(path, BINARY))),
    ...names('dump/fixtures/', '.gz').map((path) => only(read(path, BINARY))),
    only(new Uint8Array(readFileSync(new URL('hostile/gz-bad-crc-tables-live-io.jsonl.gz', TEST)))),
  ],
  'dump beside registers': captures('tables-live-io.jsonl.gz', beside),
  registers: captures('regs-live-io.json', (path, folder) => ({
    bytes: read(path, BINARY),
    side: lines(`${folder}/tables-live-io.jsonl.gz`, BINARY),
    beside: folder,
  })),
  vectors: [
    ...names('vectors/', '.jsonl.gz').map((path) => only(lines(path, 8192))),
    ...names('hostile/', '.jsonl').map((path) => only(lines(path))),
  ],
  'map list': [
    only(lines('hostile/gen-oom-64g.csv')),
    only(new TextEncoder().encode('{"iova":"0x1000","pa":"0x2000","size":"4K","prot":"rw"}\n')),
  ],
  'firmware table': TABLES.map(only),
  acpidump: [only(ACPIDUMP)],
  machine: [only(MACHINE)],
  'machine texts': [
    ...captures('pci.txt', (path) => only(lines(path, 4096))),
    ...captures('iomem.txt', (path) => only(lines(path, 4096))),
    ...captures('iommu_groups.txt', (path) => only(lines(path, 4096))),
  ],
  'queue words': [only(QUEUE_WORDS)],
  'two answers': [only(new TextEncoder().encode(`${ANSWER}\n${ANSWER}\n`))],
  'address beside registers': captures('tables-live-io.jsonl.gz', beside),
  'fault log beside a dump': captures('dmesg_faults.txt', faultsBeside),
  'command stream': [only(new TextEncoder().encode(STREAM))],
  ...deviceCorpus(),
};
