/**
 * Lines of the arm-smmu driver: context faults and global faults of SMMUv1 and SMMUv2.
 * @module
 */
import { type BitField, decodeBits, hasFlag } from './bit-fields.ts';
import { createRecord, type FaultKind, type FaultReader, type FaultRecord, type LogLine, parseHex } from './record.ts';

/** SMMU_CBn_FSR (Arm IHI 0062, 17.3 "Context bank registers"). */
const FSR: readonly BitField[] = [
  { name: 'TF', at: 1, meaning: 'translation fault: no valid entry for the address' },
  { name: 'AFF', at: 2, meaning: 'access flag fault: the access flag of the leaf is clear' },
  { name: 'PF', at: 3, meaning: 'permission fault: the leaf does not permit the access' },
  { name: 'EF', at: 4, meaning: 'external fault: a read of the tables failed on the bus' },
  { name: 'TLBMCF', at: 5, meaning: 'TLB match conflict: two entries of the TLB match' },
  { name: 'TLBLKF', at: 6, meaning: 'TLB lock fault' },
  { name: 'ASF', at: 7, meaning: 'address size fault: an output address is larger than configured' },
  { name: 'UUT', at: 8, meaning: 'unsupported upstream transaction' },
  {
    name: 'FORMAT',
    at: 9,
    bits: 2,
    meaning: { 0: 'AArch32 short descriptors', 1: 'AArch32 long descriptors', 2: 'AArch64', 3: 'reserved' },
    always: true,
  },
  { name: 'SS', at: 30, meaning: 'the transaction is stalled' },
  { name: 'MULTI', at: 31, meaning: 'more faults came before this one was cleared' },
];

/** SMMU_CBn_FSYNR0 (IHI 0062, 17.3). */
const FSYNR0: readonly BitField[] = [
  { name: 'PLVL', at: 0, bits: 2, meaning: { 0: 'level 0', 1: 'level 1', 2: 'level 2', 3: 'level 3' }, always: true },
  { name: 'WNR', at: 4, meaning: { 0: 'a read', 1: 'a write' }, always: true },
  { name: 'PNU', at: 5, meaning: { 0: 'unprivileged', 1: 'privileged' }, always: true },
  { name: 'IND', at: 6, meaning: { 0: 'data', 1: 'instruction' }, always: true },
  { name: 'NSSTATE', at: 7, meaning: 'from the non-secure state' },
  { name: 'NSATTR', at: 8, meaning: 'the transaction is non-secure' },
  { name: 'ITF', at: 9, meaning: 'a fault of ATS or of an invalidation' },
  { name: 'PTWF', at: 10, meaning: 'the fault came on a read of the tables' },
  { name: 'AFR', at: 11, meaning: 'recorded asynchronously' },
  { name: 'S1CBNDX', at: 16, bits: 8, meaning: 'context bank of stage 1' },
];

/** SMMU_sGFSR (IHI 0062, 10.6 "Global fault status"). */
const GFSR: readonly BitField[] = [
  { name: 'ICF', at: 0, meaning: 'invalid context fault' },
  { name: 'USF', at: 1, meaning: 'unidentified stream fault: no stream match register knows the stream' },
  { name: 'SMCF', at: 2, meaning: 'stream match conflict fault: more than one matches' },
  { name: 'UCBF', at: 3, meaning: 'unimplemented context bank fault' },
  { name: 'UCIF', at: 4, meaning: 'unimplemented context interrupt fault' },
  { name: 'CAF', at: 5, meaning: 'configuration access fault' },
  { name: 'EF', at: 6, meaning: 'external fault' },
  { name: 'PF', at: 7, meaning: 'permission fault' },
  { name: 'UUT', at: 8, meaning: 'unsupported upstream transaction' },
  { name: 'MULTI', at: 31, meaning: 'more faults came before this one was cleared' },
];

const KINDS: readonly (readonly [string, FaultKind])[] = [
  ['TF', 'translation'],
  ['PF', 'permission'],
  ['AFF', 'access-flag'],
  ['ASF', 'address-size'],
  ['EF', 'external-abort'],
  ['TLBMCF', 'tlb'],
  ['TLBLKF', 'tlb'],
  ['UUT', 'request'],
];

const CONTEXT_FAULT = /arm-smmu (\S+): Unhandled context fault: (.*)$/;
const GLOBAL_HEAD = /arm-smmu (\S+): Unexpected global fault/;
const GLOBAL = /arm-smmu (\S+):\s+GFSR (0x[0-9a-f]+),? GFSYNR0 (0x[0-9a-f]+),? GFSYNR1 (0x[0-9a-f]+)/i;
const BLOCKED = /arm-smmu (\S+): Blocked unknown Stream ID (0x[0-9a-f]+)/i;
const DETAIL = /arm-smmu (\S+):\s+(FSR|FSYNR0)\s*=\s*([0-9a-f]+) \[/i;
const SOFT_WALK = /arm-smmu (\S+): soft iova-to-phys=(0x[0-9a-f]+)/i;
const SID = /SID=(0x[0-9a-f]+)/i;

function values(text: string): Map<string, string> {
  const pairs = text.split(',').map((part) => part.trim().split('='));
  return new Map(pairs.map(([name = '', value = '']) => [name, value]));
}

function applyFsr(record: FaultRecord, fsr: bigint): void {
  record.fields.push({ name: 'FSR', value: `0x${fsr.toString(16)}`, meaning: '' }, ...decodeBits(fsr, FSR));
  const found = KINDS.find(([flag]) => hasFlag(fsr, FSR, flag));
  if (found === undefined) return;
  record.name = found[0];
  record.kind = found[1];
  record.meaning = FSR.find((field) => field.name === found[0])?.meaning as string;
}

function applyFsynr0(record: FaultRecord, fsynr0: bigint): void {
  record.fields.push({ name: 'FSYNR0', value: `0x${fsynr0.toString(16)}`, meaning: '' }, ...decodeBits(fsynr0, FSYNR0));
  const wrote = hasFlag(fsynr0, FSYNR0, 'WNR');
  record.access = hasFlag(fsynr0, FSYNR0, 'IND') && !wrote ? 'execute' : wrote ? 'write' : 'read';
}

/** CBFRSYNRA: the stream id in bits 15:0 (IHI 0062, 10.6). */
function applyStream(record: FaultRecord, cbfrsynra: bigint): void {
  record.stream = Number(cbfrsynra & 0xffffn);
  record.fields.push({ name: 'CBFRSYNRA', value: `0x${cbfrsynra.toString(16)}`, meaning: 'stream of the transaction' });
}

/** Reads arm-smmu. Old kernels print neither FSR nor the stream; new ones repeat FSR and FSYNR0 in lines of their own. */
export class SmmuV2Lines implements FaultReader {
  readonly #last = new Map<string, FaultRecord>();

  take(line: LogLine): FaultRecord | boolean {
    const context = CONTEXT_FAULT.exec(line.text);
    if (context !== null) return this.#context(line, context[1] ?? '', values(context[2] ?? ''));
    const global = GLOBAL.exec(line.text);
    if (global !== null) return this.#global(line, global);
    const blocked = BLOCKED.exec(line.text);
    if (blocked !== null) return this.#blocked(line, blocked);
    return this.#detail(line.text) || GLOBAL_HEAD.test(line.text);
  }

  #context(line: LogLine, unit: string, pairs: ReadonlyMap<string, string>): FaultRecord {
    const record = createRecord('arm-smmu', line, 'unknown', 'context fault');
    record.unit = unit;
    record.iova = parseHex(pairs.get('iova'));
    const [fsr, fsynr, stream] = ['fsr', 'fsynr', 'cbfrsynra'].map((name) => parseHex(pairs.get(name)));
    if (fsr !== undefined) applyFsr(record, fsr);
    else record.notes.push('the line has no FSR: an old kernel, which does not say what kind of fault it was');
    if (fsynr !== undefined) applyFsynr0(record, fsynr);
    if (stream !== undefined) applyStream(record, stream);
    const bank = pairs.get('cb');
    if (bank !== undefined) record.fields.push({ name: 'cb', value: bank.trim(), meaning: 'context bank' });
    record.complete = record.iova !== undefined;
    this.#last.set(unit, record);
    return record;
  }

  #global(line: LogLine, match: RegExpExecArray): FaultRecord {
    const gfsr = parseHex(match[2]) ?? 0n;
    const record = createRecord('arm-smmu', line, 'configuration', 'global fault');
    record.unit = match[1];
    record.fields = [{ name: 'GFSR', value: `0x${gfsr.toString(16)}`, meaning: '' }, ...decodeBits(gfsr, GFSR)];
    const flag = record.fields[1];
    if (flag !== undefined) {
      record.name = flag.name;
      record.meaning = flag.meaning;
    }
    const stream = parseHex(match[4]);
    if (stream !== undefined) record.stream = Number(stream & 0xffffn);
    return record;
  }

  #blocked(line: LogLine, match: RegExpExecArray): FaultRecord {
    const record = createRecord('arm-smmu', line, 'configuration', 'USF');
    record.unit = match[1];
    record.stream = Number(parseHex(match[2]) ?? 0n);
    record.meaning = 'the driver blocks a stream that no stream match register knows';
    return record;
  }

  #detail(text: string): boolean {
    const detail = DETAIL.exec(text) ?? SOFT_WALK.exec(text);
    const record = this.#last.get(detail?.[1] ?? '');
    if (detail === null || record === undefined) return detail !== null;
    const stream = parseHex(SID.exec(text)?.[1]);
    if (stream !== undefined && record.stream === undefined) record.stream = Number(stream);
    const value = parseHex(detail[3]);
    if (value === undefined) {
      const found = parseHex(detail[2]) ?? 0n;
      record.notes.push(
        found === 0n
          ? "the driver's own walk of the tables found no mapping"
          : `the driver's own walk gave ${detail[2]}`,
      );
    } else if (!record.fields.some((field) => field.name === detail[2]?.toUpperCase())) {
      if (detail[2]?.toUpperCase() === 'FSR') applyFsr(record, value);
      else applyFsynr0(record, value);
    }
    return true;
  }
}
