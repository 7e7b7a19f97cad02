// Every reader of the project as a function of bytes, each with what usually follows the reading.
import { readMapList } from '../../dist/cli/gen/map-list.js';
import { parseCases } from '../../dist/conform/index.js';
import { fitProfile, readLatencyTable, readProfile } from '../../dist/cost/index.js';
import { bareDriver } from '../../dist/drivers/index.js';
import {
  checkDecoding,
  decodeDump,
  decodeGiven,
  diffDecodings,
  dumpPages,
  memorySource,
  openDump,
  parseRegisters,
  writeSnapshot,
} from '../../dist/dump/index.js';
import { explainTable, MeasuredLayers, machineOf } from '../../dist/explain/index.js';
import { explainFault, faultJson, readFaultLog } from '../../dist/fault/index.js';
import { givenTables } from '../../dist/hardware/index.js';
import { Replay } from '../../dist/replay/index.js';
import {
  bytesSource,
  createNames,
  createTraceReader,
  FunctionGraphReader,
  isStreamFormat,
  readTraceDat,
  recogniseTrace,
} from '../../dist/trace/index.js';

const PIECE = 4096;
const MOST_PIECES = 4096;

function text(bytes) {
  return new TextDecoder().decode(bytes);
}

function replay(names) {
  const row = { path: 'one-walk', dispatch: 'direct', format: 'arm-64-lpae-s1', granule: 4096 };
  const rows = [{ ...row, iova: 'keep', physical: 'keep', tlb: 'strict' }];
  return new Replay({ names, rows, driver: () => bareDriver(), clock: () => 0 });
}

/** What the verbs do with a dump, one of them for each mutant. */
const DUMP_VERBS = [
  (_, decoding) => decoding.domains.map(({ ranges }) => ranges.map(({ iova }) => iova, 100)),
  (dump, decoding) => checkDecoding(dump.reader, decoding, { ram: dump.registers?.ram ?? [] }),
  (_, decoding) => diffDecodings(decoding, decoding),
];

function decode(dump, length) {
  const given = dump.registers === undefined && dump.geometry !== undefined;
  const decoding = given ? decodeGiven(dump, givenTables(dump.geometry), 'from dump') : decodeDump(dump);
  DUMP_VERBS[length % DUMP_VERBS.length](dump, decoding);
}

async function readDump(bytes, registers) {
  const dump = await openDump(memorySource(bytes), registers === undefined ? {} : { registers });
  let pieces = 0;
  for (const _ of writeSnapshot({ pages: dumpPages(dump) })) if (++pieces > MOST_PIECES) break;
  if (dump.registers !== undefined || dump.geometry !== undefined) decode(dump, bytes.length);
}

/** Readers by name; each may throw an InputError or IommuError and nothing else. `side` is the file beside a dump. */
export const READERS = {
  trace: (bytes) => {
    const names = createNames();
    const into = replay(names);
    const format = recogniseTrace(bytes);
    if (!isStreamFormat(format)) return;
    const reader = createTraceReader(format, (event) => into.event(event), names);
    for (let at = 0; at < bytes.length; at += PIECE) reader.push(bytes.subarray(at, at + PIECE));
    reader.end();
    into.finish();
  },
  'trace.dat': async (bytes) => {
    const names = createNames();
    const into = replay(names);
    await readTraceDat(bytesSource(bytes), (event) => into.event(event), names);
    into.finish();
  },
  'function graph': (bytes) => {
    const layers = new MeasuredLayers();
    const reader = new FunctionGraphReader(layers);
    reader.push(bytes);
    layers.answer('trace', reader.end(), machineOf(null, null), null);
  },
  'latency table': (bytes) => {
    const { analyses } = explainTable(readLatencyTable(text(bytes), 'table'));
    fitProfile(analyses, { name: 'machine', kind: 'hardware' }, 'table');
  },
  profile: (bytes) => void readProfile(text(bytes), 'profile'),
  'fault log': (bytes) => {
    const { incidents } = readFaultLog(text(bytes));
    for (const fault of incidents.slice(0, 100)) faultJson(explainFault(fault, undefined, undefined));
  },
  dump: (bytes) => readDump(bytes),
  'dump beside registers': (bytes, side) => readDump(bytes, parseRegisters(text(side))),
  registers: async (bytes, side) => {
    const registers = parseRegisters(text(bytes));
    decode(await openDump(memorySource(side), { registers }), bytes.length);
  },
  vectors: (bytes) => {
    for (const one of [...parseCases('vectors', text(bytes))].slice(0, 20)) one.run();
  },
  'map list': (bytes) => void readMapList(text(bytes), 'list'),
};
