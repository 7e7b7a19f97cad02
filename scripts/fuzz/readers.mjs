// Every reader of the project as a function of bytes, each with what usually follows the reading.
import {
  checkAnswer,
  conformAnswer,
  decodeAnswer,
  diffAnswer,
  explainAnswer,
  genAnswer,
  queueAnswer,
  ReplayRun,
  readExplained,
  runCases,
} from '../../dist/answers/index.js';
import { parseCases } from '../../dist/conform/index.js';
import { fitProfile, readLatencyTable, readProfile } from '../../dist/cost/index.js';
import { judgeQueue } from '../../dist/device/index.js';
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
import { explainTable } from '../../dist/explain/index.js';
import { explainFault, faultJson, readFaultLog } from '../../dist/fault/index.js';
import { makeImage, readMapList, toAssembler, toC, toTree } from '../../dist/gen/index.js';
import { givenTables } from '../../dist/hardware/index.js';
import {
  bytesSource,
  createNames,
  createTraceReader,
  isStreamFormat,
  readTraceDat,
  recogniseTrace,
} from '../../dist/trace/index.js';
import { ANSWER_READERS } from './answer-readers.mjs';
import { DEVICE_READERS } from './devices.mjs';
import { show, showData } from './faces.mjs';
import { MACHINE_READERS } from './machine-readers.mjs';

const PIECE = 4096;
const MOST_PIECES = 4096;
const LIMIT = 1000;

function text(bytes) {
  return new TextDecoder().decode(bytes);
}

function replay(names) {
  return new ReplayRun({ names, clock: () => 0, path: 'one-walk', dispatch: 'direct', ranges: true, limit: LIMIT });
}

/** What the verbs do with a dump, one of them for each mutant. */
const DUMP_VERBS = [
  (dump, decoding) => decodeAnswer({ dump, decoding, limit: LIMIT }),
  (dump, decoding) => {
    const report = checkDecoding(dump.reader, decoding, { ram: dump.registers?.ram ?? [] });
    return checkAnswer({ dump, decoding, report, limit: LIMIT });
  },
  (dump, decoding) => {
    const changes = diffDecodings(decoding, decoding);
    return diffAnswer({ dumps: [dump, dump], decodings: [decoding, decoding], changes, limit: LIMIT });
  },
  (dump) => {
    const { iommu, named } = dump.registers ?? { iommu: 'none' };
    return queueAnswer(named === undefined ? undefined : judgeQueue(dump.reader, iommu, named), iommu);
  },
];

function decode(dump, length) {
  const given = dump.registers === undefined && dump.geometry !== undefined;
  const decoding = given ? decodeGiven(dump, givenTables(dump.geometry), 'from dump') : decodeDump(dump);
  show(DUMP_VERBS[length % DUMP_VERBS.length](dump, decoding), Math.floor(length / DUMP_VERBS.length));
}

function* pieces(bytes) {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

async function explain(bytes) {
  show(explainAnswer([await readExplained({ source: 'input', chunks: pieces(bytes) })]), bytes.length);
}

async function readDump(bytes, registers) {
  const dump = await openDump(memorySource(bytes), registers === undefined ? {} : { registers });
  let pieces = 0;
  for (const _ of writeSnapshot({ pages: dumpPages(dump) })) if (++pieces > MOST_PIECES) break;
  if (dump.registers !== undefined || dump.geometry !== undefined) decode(dump, bytes.length);
}

const FORMATS = ['arm-64-lpae-s1', 'arm-v7s', 'arm-32-lpae-s1', 'arm-64-lpae-s2', 'apple-dart2'];
const GEN_FORMS = [toTree, toC, toAssembler];

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
    show(into.answer([reader.stats]), bytes.length);
  },
  'trace.dat': async (bytes) => {
    const names = createNames();
    const into = replay(names);
    const stats = await readTraceDat(bytesSource(bytes), (event) => into.event(event), names);
    show(into.answer([stats]), bytes.length);
  },
  'function graph': explain,
  'latency table': async (bytes) => {
    await explain(bytes);
    const { analyses } = explainTable(readLatencyTable(text(bytes), 'table'));
    fitProfile(analyses, { name: 'machine', kind: 'hardware' }, 'table');
  },
  'timing text': explain,
  profile: (bytes) => void readProfile(text(bytes), 'profile'),
  'fault log': (bytes) => {
    const { incidents } = readFaultLog(text(bytes));
    for (const fault of incidents.slice(0, 100)) showData(faultJson(explainFault(fault, undefined, undefined)));
  },
  dump: (bytes) => readDump(bytes),
  'dump beside registers': (bytes, side) => readDump(bytes, parseRegisters(text(side))),
  registers: async (bytes, side) => {
    const registers = parseRegisters(text(bytes));
    decode(await openDump(memorySource(side), { registers }), bytes.length);
  },
  vectors: async (bytes) => {
    show(conformAnswer(await runCases([...parseCases('vectors', text(bytes))].slice(0, 20))), bytes.length);
  },
  'map list': (bytes) => {
    const lines = readMapList(text(bytes), 'list');
    const image = makeImage(lines, 'list', { format: FORMATS[bytes.length % FORMATS.length] }, 0x80000000);
    show(genAnswer({ image, mappings: lines.length }), bytes.length);
    GEN_FORMS[bytes.length % GEN_FORMS.length](image);
  },
  ...ANSWER_READERS,
  ...MACHINE_READERS,
  ...DEVICE_READERS,
};
