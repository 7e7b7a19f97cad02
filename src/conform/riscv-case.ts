/**
 * Translation requests of the RISC-V IOMMU reference model through the independent reader: answer, fault record and
 * memory writes. What the specification leaves open, or where the model departs from it, stands in `docs/judges.md`.
 * @module
 */
import type { PhysicalReader } from '../bus.ts';
import { type RiscvFeatures, riscvFeatures } from '../hardware/riscv/capabilities.ts';
import { faultRecord, nextRecord } from '../hardware/riscv/fault-queue.ts';
import { type RiscvOutcome, type RiscvRequest, translateRequest } from '../hardware/riscv/process.ts';
import { compareValue, type Difference, type Value } from './compare.ts';
import type { VectorResult } from './run.ts';
import {
  type Check,
  either,
  isBoolean,
  isHex,
  isNumber,
  isText,
  listOf,
  orNull,
  recordOf,
  type Shape,
  shaped,
  tuple,
  wrongIn,
} from './shape.ts';

/** A recorded request, with what the model answered. */
interface RiscvCase {
  readonly id: string;
  readonly regs: Readonly<Record<string, string>>;
  readonly impl: Readonly<Record<string, unknown>>;
  readonly req: {
    readonly did: string;
    readonly pid: string | null;
    readonly at: 'untranslated' | 'ats' | 'translated';
    readonly op: 'read' | 'write';
    readonly iova: string;
    readonly exec: number;
    readonly priv: number;
    readonly no_write: number;
    readonly debug?: boolean;
  };
  readonly mem: readonly (readonly [string, string])[];
  readonly bad?: readonly (readonly [string, number, string])[];
  readonly ans: Readonly<Record<string, Value>> & { readonly status: string };
  readonly faults?: readonly Readonly<Record<string, string | number>>[];
  readonly writes?: readonly (readonly [string, string, string, string])[];
}

const HEX_BYTES = /^[0-9a-f]{0,8192}$/i;
const isBytes: Check = (value) => typeof value === 'string' && value.length % 2 === 0 && HEX_BYTES.test(value);
const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && words.includes(value);

const REQUEST: Shape = {
  needs: {
    did: isHex,
    pid: orNull(isHex),
    at: oneOf('untranslated', 'ats', 'translated'),
    op: oneOf('read', 'write'),
    iova: isHex,
    exec: isNumber,
    priv: isNumber,
    no_write: isNumber,
  },
  may: { debug: isBoolean },
};

const CASE: Shape = {
  needs: {
    id: isText,
    regs: recordOf(isHex),
    req: shaped(REQUEST),
    mem: listOf(tuple(isHex, isBytes)),
    ans: shaped({ needs: { status: isText }, may: { mrif: tuple(isHex, isNumber) } }),
  },
  may: {
    impl: shaped({ needs: {} }),
    bad: listOf(tuple(isHex, isNumber, oneOf('access', 'corrupt'))),
    faults: listOf(recordOf(either(isHex, isNumber))),
    writes: listOf(tuple(isText, isHex, isBytes, isBytes)),
  },
};

/** The first key of a case that is missing or wrong. */
export function wrongRiscvKey(value: unknown): string | undefined {
  return wrongIn(value, CASE);
}

/** Memory of a case: the bytes that the model read; the rest is unknown, and some accesses fail. */
class CaseMemory implements PhysicalReader {
  /** The first address that was asked for and is not recorded: the model took another path. */
  beyond: number | undefined;
  readonly #bytes: Map<number, number> = new Map();
  readonly #bad: RiscvCase['bad'];

  constructor({ mem, bad }: RiscvCase) {
    this.#bad = bad;
    for (const [address, text] of mem) {
      for (let i = 0; i < text.length / 2; i++) {
        this.#bytes.set(Number(address) + i, Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
      }
    }
  }

  read32(address: number): number | undefined {
    const value = this.#read(address, 4);
    return value === undefined ? undefined : Number(value);
  }

  read64(address: number): bigint | undefined {
    return this.#read(address, 8);
  }

  corrupted(address: number, bytes: number): boolean {
    return this.badness(address, bytes) === 'corrupt';
  }

  /** How an access fails that the case makes fail. */
  badness(address: number, bytes: number): string | undefined {
    const hit = this.#bad?.find(([at, length]) => address < Number(at) + length && address + bytes > Number(at));
    return hit?.[2];
  }

  #read(address: number, bytes: number): bigint | undefined {
    if (this.badness(address, bytes) !== undefined) return undefined;
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) {
      const byte = this.#bytes.get(address + i);
      if (byte === undefined) {
        this.beyond ??= address;
        return undefined;
      }
      value = (value << 8n) | BigInt(byte);
    }
    return value;
  }
}

/** Execute Requested is a field of the PASID prefix: a translated request, which PCIe alone has, carries it only there. */
function accessOf({ op, exec, at, pid }: RiscvCase['req']): RiscvRequest['access'] {
  const executes = exec === 1 && at !== 'ats' && (at === 'untranslated' || pid !== null);
  return op === 'read' && executes ? 'execute' : op;
}

function requestOf({ req }: RiscvCase): RiscvRequest {
  return {
    device: Number(req.did),
    ...(req.pid === null ? {} : { process: Number(req.pid) }),
    privileged: req.priv === 1,
    type: req.at,
    access: accessOf(req),
    iova: BigInt(req.iova),
    wantsExecute: req.exec === 1,
    noWrite: req.no_write === 1,
    debug: req.debug === true,
  };
}

function featuresOf({ impl = {} }: RiscvCase, registers: ReadonlyMap<string, bigint>): RiscvFeatures {
  const mask = typeof impl['qosid_mask'] === 'string' ? Number(impl['qosid_mask']) : 0xfff0fff;
  return riscvFeatures(registers, {
    gxlWritable: impl['gxl_writeable'] === 1,
    beWritable: impl['fctl_be_writeable'] === 1,
    rcidMask: mask % 0x1000,
    mcidMask: Math.floor(mask / 0x10000) % 0x1000,
  });
}

/**
 * Permissions of a successful ATS request (3.6): a page fault has none; W needs D, which hardware has set where it may; X
 * needs R and is granted where asked for.
 */
function atsAnswer(request: RiscvRequest, { translation }: RiscvOutcome): Readonly<Record<string, Value>> {
  const withProcess = request.process !== undefined;
  const shared = { priv: withProcess && request.privileged === true ? 1 : 0, n: 0, ama: 0, cxl_io: 0 };
  if (translation === undefined) return { ...shared, r: 0, w: 0, x: 0, u: 0, global: 0 };
  const { read, write, dirty, execute, global, msi } = translation;
  return {
    ...shared,
    r: read ? 1 : 0,
    w: write && dirty && request.noWrite !== true ? 1 : 0,
    x: read && execute && request.wantsExecute === true ? 1 : 0,
    u: msi?.mode === 'mrif' ? 1 : 0,
    global: withProcess && global && msi === undefined ? 1 : 0,
  };
}

function answerOf(request: RiscvRequest, outcome: RiscvOutcome): Readonly<Record<string, Value>> {
  const { status, translation, fault } = outcome;
  const ats = request.type === 'ats' && status === 'success' ? atsAnswer(request, outcome) : {};
  const failed = fault === undefined ? {} : { cause: fault.cause, iotval2: fault.iotval2 };
  if (translation === undefined) return { status, ...failed, ...ats };
  const { address, pbmt, msi } = translation;
  const target = msi === undefined ? {} : { msi: msi.mode, ...(msi.mrif === undefined ? {} : { mrif: msi.mrif }) };
  return { status, pa: address, pbmt, ...target, ...ats };
}

const ACCESS_FAULTS: ReadonlySet<number> = new Set([1, 5, 7]);
const PDT_ACCESS_FAULT = 265;

/**
 * The outcome under the model's name for one fault: where the second stage cannot read its entry for an address of the
 * process directory, the specification's is the access fault of the second stage (3.3.2, step 2; docs/judges.md).
 */
function asModelNames(recorded: RiscvCase, outcome: RiscvOutcome): RiscvOutcome {
  const { fault } = outcome;
  if (recorded.ans['cause'] !== PDT_ACCESS_FAULT || fault === undefined || !ACCESS_FAULTS.has(fault.cause))
    return outcome;
  return { ...outcome, fault: { ...fault, cause: PDT_ACCESS_FAULT } };
}

/** Keys of an answer that are the model's encoding or its choice. */
const NOT_COMPARED: ReadonlySet<string> = new Set(['ppn', 's', 'size']);

/** Whether the model tested W of the leaf before it set D, and so denied a write that it prepared (docs/judges.md). */
function deniesPreparedWrite({ req, writes = [] }: RiscvCase): boolean {
  return req.at === 'ats' && req.no_write === 0 && writes.some(([kind]) => kind === 'ad');
}

function compareAnswer(recorded: RiscvCase, got: Readonly<Record<string, Value>>): Difference | undefined {
  const keys = new Set([...Object.keys(recorded.ans), ...Object.keys(got)]);
  for (const key of keys) {
    if (NOT_COMPARED.has(key)) continue;
    if (key === 'w' && deniesPreparedWrite(recorded) && recorded.ans[key] === 0) continue;
    const found = compareValue(`ans.${key}`, recorded.ans[key], got[key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Cause of a record that an interrupt message could not be written: it belongs to no request. */
const MESSAGE_FAULT = 273;

function compareRecords(
  recorded: RiscvCase,
  registers: ReadonlyMap<string, bigint>,
  memory: CaseMemory,
  record: object | undefined,
): Difference | undefined {
  const at = nextRecord(registers);
  const dropped = at === undefined || memory.badness(Number(at), 32) !== undefined;
  const got = record === undefined || dropped ? [] : [record as Value];
  const wanted = (recorded.faults ?? [])
    .filter(({ cause }) => cause !== MESSAGE_FAULT)
    .map(({ at: _, ...rest }) => rest);
  return compareValue('faults', wanted, got);
}

function littleEndian(text: string): bigint {
  let value = 0n;
  for (let i = text.length - 2; i >= 0; i -= 2)
    value = (value << 8n) | BigInt(Number.parseInt(text.slice(i, i + 2), 16));
  return value;
}

function compareWrites({ writes = [] }: RiscvCase, { updates }: RiscvOutcome): Difference | undefined {
  const wanted = writes
    .filter(([kind]) => kind === 'ad')
    .map(([, address, before, after]) => [BigInt(address), littleEndian(before), littleEndian(after)]);
  return compareValue(
    'writes',
    wanted,
    updates.map(({ address, before, after }) => [address, before, after]),
  );
}

function compareCase(recorded: RiscvCase): Difference | undefined {
  const registers = new Map(Object.entries(recorded.regs).map(([name, value]) => [name.toUpperCase(), BigInt(value)]));
  const memory = new CaseMemory(recorded);
  const request = requestOf(recorded);
  const outcome = asModelNames(recorded, translateRequest(memory, featuresOf(recorded, registers), request));
  if (memory.beyond !== undefined) {
    return { field: 'mem', expected: 'recorded memory', got: `a read at 0x${memory.beyond.toString(16)}` };
  }
  return (
    compareAnswer(recorded, answerOf(request, outcome)) ??
    compareRecords(recorded, registers, memory, faultRecord(request, outcome)) ??
    compareWrites(recorded, outcome)
  );
}

/** Runs one case, to its first difference. */
export function runRiscvCase(recorded: RiscvCase): VectorResult {
  try {
    const found = compareCase(recorded);
    return found === undefined ? 'passed' : { id: recorded.id, op: null, ...found };
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    return { id: recorded.id, op: null, field: 'call', expected: 'an answer', got };
  }
}
