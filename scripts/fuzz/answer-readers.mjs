// Readers that follow another one: a document that was printed before, an address in a dump's tables, a fault beside a dump,
// and words of queues.
import { compareAnswer, walkAnswer } from '../../dist/answers/index.js';
import { memorySource, openDump, parseRegisters, walkAddress } from '../../dist/dump/index.js';
import { explainFault, FaultTables, faultJson, readFaultLog } from '../../dist/fault/index.js';
import {
  AMD_COMMANDS,
  decodeEvent,
  EVENT_BYTES,
  RISCV_COMMANDS,
  SMMU_V3_COMMANDS,
  scopeText,
  VIRTIO_REQUESTS,
  VTD_DESCRIPTORS,
  VTD_WIDE_DESCRIPTORS,
} from '../../dist/hardware/index.js';
import { show, showData } from './faces.mjs';

const text = (bytes) => new TextDecoder().decode(bytes);
const DECODERS = [
  SMMU_V3_COMMANDS,
  VTD_DESCRIPTORS,
  VTD_WIDE_DESCRIPTORS,
  AMD_COMMANDS,
  RISCV_COMMANDS,
  VIRTIO_REQUESTS,
];
/** The widest command, and how many of one input are decoded. */
const WORDS = 16;
const MOST = 256;
const LIMITS = { substreamBits: 8, streamBits: 16 };
const ACCESSES = ['read', 'write', 'execute'];
const MOST_INCIDENTS = 20;

function document(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function words(bytes) {
  const whole = bytes.slice(0, bytes.length - (bytes.length % 4));
  const all = new Uint32Array(whole.buffer);
  for (let at = 0, i = 0; at < all.length && i < MOST; at += 4, i++) {
    const command = new Uint32Array(WORDS);
    command.set(all.subarray(at, at + WORDS));
    for (const decoder of DECODERS) {
      const { scope, ...rest } = decoder.decode(command);
      showData({ ...rest, scope: scopeText(scope), offences: decoder.offences(command, LIMITS) });
    }
    showData(decodeEvent(command.subarray(0, EVENT_BYTES / 4)));
  }
}

async function walk(bytes, registers) {
  const dump = await openDump(memorySource(bytes), { registers });
  const iova = BigInt(bytes.length) << 12n;
  const access = ACCESSES[bytes.length % ACCESSES.length];
  const walks = walkAddress(dump, iova, { access: { kind: access, privileged: bytes.length % 2 === 0 } });
  show(walkAnswer({ dump, iommu: registers.iommu, iova, access, walks, bypassing: [] }), bytes.length);
}

/** Each with what usually follows the reading. */
export const ANSWER_READERS = {
  'queue words': words,
  'two answers': (bytes) => {
    const [a, b] = text(bytes).split('\n').map(document);
    show(compareAnswer({ name: 'a', document: a }, { name: 'b', document: b }), bytes.length);
  },
  'address beside registers': (bytes, side) => walk(bytes, parseRegisters(text(side))),
  'fault log beside a dump': async (bytes, side) => {
    const tables = new FaultTables(await openDump(memorySource(side)));
    for (const fault of readFaultLog(text(bytes)).incidents.slice(0, MOST_INCIDENTS)) {
      showData(faultJson(explainFault(fault, tables, undefined)));
    }
  },
};

/** Queue words as a seed: one command of each unit, and an event. */
export const QUEUE_WORDS = Uint8Array.of(
  ...[0x12, 0, 0, 0, 0, 0, 5, 0, 1, 0x10, 0, 0, 0, 0, 0, 0],
  ...[0x22, 0, 5, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0],
  ...[1, 0, 5, 0, 0, 0, 0, 0x30, 1, 0x10, 0, 0, 0, 0, 0, 0],
  ...[0x81, 4, 0, 0, 2, 0x30, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0],
  ...[0x10, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
  ...[0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
);
