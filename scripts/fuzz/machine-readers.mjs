// Readers of a machine's files and of a recorded command stream.
import { doctorAnswer, groupsAnswer, streamAnswer } from '../../dist/answers/index.js';
import { StreamJudge } from '../../dist/device/index.js';
import {
  MachineNames,
  MemoryFiles,
  parseGroups,
  parseIomem,
  parsePciList,
  readFirmwareTable,
  readMachine,
  TarReader,
  tablesOfAcpidump,
} from '../../dist/machine/index.js';
import { show, showData } from './faces.mjs';

const PIECE = 4096;
const SIGNATURE_BYTES = 4;
const text = (bytes) => new TextDecoder().decode(bytes);

function readTable(bytes) {
  showData(readFirmwareTable(String.fromCharCode(...bytes.subarray(0, SIGNATURE_BYTES)), bytes));
}

function machine(bytes) {
  const tar = new TarReader('machine.tar', () => true);
  for (let at = 0; at < bytes.length; at += PIECE) tar.push(bytes.subarray(at, at + PIECE));
  tar.end();
  const files = new MemoryFiles('machine.tar', tar.files, new Map(tar.tooLong.map((name) => [name, 'too long'])));
  const read = readMachine(files);
  show(bytes.length % 2 === 0 ? doctorAnswer({ machine: read }) : groupsAnswer(read), bytes.length >> 1);
}

/** Each with what usually follows the reading. */
export const MACHINE_READERS = {
  'firmware table': readTable,
  acpidump: (bytes) => {
    for (const table of tablesOfAcpidump(text(bytes)).values()) readTable(table);
  },
  machine,
  'machine texts': (bytes) => {
    const all = text(bytes);
    parsePciList(all);
    parseIomem(all);
    parseGroups(all);
    new MachineNames({ pci: all, groups: all });
  },
  'command stream': (bytes) => {
    const judge = new StreamJudge('commands');
    for (const line of text(bytes).split('\n')) judge.line(line);
    show(streamAnswer(judge.finish()), bytes.length);
  },
};
