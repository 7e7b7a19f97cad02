/**
 * The process to translate an IOVA, with its answers, faults and memory updates (RISC-V IOMMU 1.0, 3.3).
 * @module
 */
import type { PhysicalReader } from '../../bus.ts';
import type { RiscvFeatures } from './capabilities.ts';
import { CAUSE, isReported, type RiscvStatus, statusOf } from './causes.ts';
import {
  deviceTooWide,
  fault,
  field,
  isFault,
  type LocatedContext,
  locateDevice,
  locateProcess,
  modeOf,
  pageOf,
  processTooWide,
  type RequestFault,
  TC,
  tc,
} from './directory.ts';
import { RequestMemory, type TableUpdate } from './memory.ts';
import { type MsiTarget, translateMsi } from './msi.ts';
import {
  accessFaultOf,
  type RiscvAccess,
  type StageAccess,
  type StageLeaf,
  type StageTables,
  StageWalk,
} from './stage.ts';

/** A request as the IO bridge hands it over. */
export interface RiscvRequest {
  readonly device: number;
  /** Process id, where the request has one. */
  readonly process?: number;
  /** Supervisor privilege; counts with a process id only. */
  readonly privileged?: boolean;
  readonly type: 'untranslated' | 'translated' | 'ats';
  readonly access: RiscvAccess;
  readonly iova: bigint;
  /** Of an ATS request: execute permission is asked for, and write permission is not. */
  readonly wantsExecute?: boolean;
  readonly noWrite?: boolean;
  /** Made through the debug interface (tr_req_ctl), which refuses interrupt files in memory (chapter 7). */
  readonly debug?: boolean;
}

/** A translation. */
export interface RiscvTranslation {
  readonly address: bigint;
  /** Bytes for which it holds; 0 where no table bounds it. */
  readonly size: bigint;
  readonly pbmt: number;
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
  /** D is set in every leaf: a write needs no update, and none is left that only software could make. */
  readonly dirty: boolean;
  readonly global: boolean;
  readonly msi?: MsiTarget;
  /** The leaf of the stage that the request entered, where it has tables. */
  readonly leaf?: StageLeaf;
}

/** What a request becomes. */
export interface RiscvOutcome {
  readonly status: RiscvStatus;
  readonly translation?: RiscvTranslation;
  /** The fault at which the process stopped, recorded or not. */
  readonly fault?: RequestFault;
  /** The fault belongs into the fault queue. */
  readonly reported: boolean;
  /** Page table entries in which A and D were set, in order. */
  readonly updates: readonly TableUpdate[];
}

const MODE = { off: 0, bare: 1 } as const;
const MODE_BITS: Readonly<Record<number, 39 | 48 | 57>> = { 8: 39, 9: 48, 10: 57 };

const EVERYTHING = { read: true, write: true, execute: true, dirty: true, global: false, pbmt: 0 } as const;

/** What is known of the stages of one request. */
export interface Stages {
  /** Doublewords of the device context. */
  readonly device: readonly bigint[];
  readonly first: StageTables | undefined;
  readonly second: StageWalk | undefined;
  /** PC.ta.SUM. */
  readonly sum: boolean;
  /** The process context, where there is one. */
  readonly process?: LocatedContext;
}

/** One request on its way. */
class RequestProcess {
  readonly memory: RequestMemory;
  /** DC.tc.DTF, once the device context is located. */
  dtf = false;
  readonly #features: RiscvFeatures;
  readonly #request: RiscvRequest;

  constructor(reader: PhysicalReader, features: RiscvFeatures, request: RiscvRequest) {
    this.memory = new RequestMemory(reader, features.physicalBits);
    this.#features = features;
    this.#request = request;
  }

  run(): RiscvTranslation | RequestFault {
    const { type, iova } = this.#request;
    const { mode } = this.#features;
    const wantsAts = type !== 'untranslated';
    if (mode === MODE.off || mode > 4) return fault(CAUSE.allDisallowed);
    if (mode === MODE.bare) return wantsAts ? fault(CAUSE.typeDisallowed) : { ...EVERYTHING, address: iova, size: 0n };
    const located = this.locateDevice();
    if (isFault(located)) return located;
    const { words } = located;
    if (type !== 'translated') return this.#throughStages(located);
    if (!tc(words, TC.T2GPA)) return { ...EVERYTHING, address: iova, size: 0n };
    return this.#behindFirst(
      { device: words, first: undefined, second: this.#second(words), sum: false },
      iova,
      undefined,
    );
  }

  /** The device context, if the request may use it. */
  locateDevice(): LocatedContext | RequestFault {
    const { device } = this.#request;
    if (deviceTooWide(this.#features, device)) return fault(CAUSE.typeDisallowed);
    const located = locateDevice(this.memory, this.#features, device);
    if (isFault(located)) return located;
    this.dtf = tc(located.words, TC.DTF);
    return this.#isDisallowed(located.words) ? fault(CAUSE.typeDisallowed, located.address) : located;
  }

  #isDisallowed(words: readonly bigint[]): boolean {
    const { type, process } = this.#request;
    if (type !== 'untranslated' && !tc(words, TC.EN_ATS)) return true;
    if (process === undefined) return false;
    return !tc(words, TC.PDTV) || processTooWide(modeOf(words[3] ?? 0n), process);
  }

  #throughStages(located: LocatedContext): RiscvTranslation | RequestFault {
    const stages = this.stagesOf(located);
    return isFault(stages) ? stages : this.#throughFirst(stages);
  }

  /** The stages that a device context, or the process context behind it, asks for. */
  stagesOf({ words }: LocatedContext): Stages | RequestFault {
    const stages = { device: words, first: undefined, second: this.#second(words), sum: false };
    if (!tc(words, TC.PDTV)) return { ...stages, first: this.#first(words, words[3] ?? 0n) };
    const process = this.#request.process ?? (tc(words, TC.DPE) ? 0 : undefined);
    if (process === undefined || modeOf(words[3] ?? 0n) === 0) return stages;
    const physical = (guest: bigint) => this.#implicit(stages, guest, false);
    const located = locateProcess(this.memory, this.#features, words, process, physical);
    if (isFault(located)) return located;
    const [ta = 0n, fsc = 0n] = located.words;
    const [ens, sum] = [field([ta], 0, 1, 1) === 1n, field([ta], 0, 2, 1) === 1n];
    if (this.#privileged() && !ens) return fault(CAUSE.typeDisallowed, located.address);
    return { ...stages, first: this.#first(words, fsc), sum, process: located };
  }

  #privileged(): boolean {
    return this.#request.process !== undefined && this.#request.privileged === true;
  }

  #first(device: readonly bigint[], pointer: bigint): StageTables | undefined {
    const mode = modeOf(pointer);
    if (mode === 0) return undefined;
    const bits = tc(device, TC.SXL) ? 32 : (MODE_BITS[mode] ?? 39);
    return {
      bits,
      stage: 1,
      root: pageOf(pointer, 0),
      bigEndian: tc(device, TC.SBE),
      hardwareAd: tc(device, TC.SADE),
      ...this.#entryRules(),
    };
  }

  #second(device: readonly bigint[]): StageWalk | undefined {
    const pointer = device[1] ?? 0n;
    const mode = modeOf(pointer);
    if (mode === 0) return undefined;
    const bits = this.#features.gxl ? 32 : (MODE_BITS[mode] ?? 39);
    const { bigEndian } = this.#features;
    const shared = { bits, root: pageOf(pointer, 0), bigEndian, hardwareAd: tc(device, TC.GADE) } as const;
    return new StageWalk(this.memory, { ...shared, stage: 2, ...this.#entryRules() });
  }

  #entryRules(): { svpbmt: boolean; svrsw60t59b: boolean } {
    return { svpbmt: this.#features.svpbmt, svrsw60t59b: this.#features.svrsw60t59b };
  }

  #access(needs: RiscvAccess, implicit: 0n | 1n | 3n, mayWrite: StageAccess['mayWrite'], sum: boolean): StageAccess {
    const privileged = this.#privileged();
    return { original: this.#request.access, needs, implicit, mayWrite, privileged, sum };
  }

  /** Whether the request may dirty pages that it does not write to: an ATS request that asks for write permission. */
  #mayWrite(): 'never' | 'always' {
    return this.#request.type === 'ats' && this.#request.noWrite !== true ? 'always' : 'never';
  }

  /** Where a structure of the first stage lies: the second stage translates it as an implicit access. */
  #implicit({ device, second, first }: Stages, guest: bigint, writes: boolean): bigint | RequestFault {
    if (second === undefined) return guest;
    const mayWrite = first?.hardwareAd === true ? 'with-a' : 'never';
    const access = this.#access(writes ? 'write' : 'read', writes ? 3n : 1n, mayWrite, false);
    const leaf = this.#walkSecond(second, guest, access, device);
    return isFault(leaf) ? leaf : leaf.address;
  }

  #walkSecond(
    second: StageWalk,
    guest: bigint,
    access: StageAccess,
    device: readonly bigint[],
  ): StageLeaf | RequestFault {
    const itself = (address: bigint) => address;
    if (tc(device, TC.SXL) && guest >> 34n !== 0n) return second.refuse(guest, access);
    return second.translate(guest, access, itself, itself);
  }

  #throughFirst(stages: Stages): RiscvTranslation | RequestFault {
    const { iova, access } = this.#request;
    if (stages.first === undefined) return this.#behindFirst(stages, iova, undefined);
    const walk = new StageWalk(this.memory, stages.first);
    const leaf = walk.translate(
      iova,
      this.#access(access, 0n, this.#mayWrite(), stages.sum),
      (guest) => this.#implicit(stages, guest, false),
      (guest) => this.#implicit(stages, guest, true),
    );
    return isFault(leaf) ? leaf : this.#behindFirst(stages, leaf.address, leaf);
  }

  #behindFirst(stages: Stages, guest: bigint, first: StageLeaf | undefined): RiscvTranslation | RequestFault {
    const { device, second } = stages;
    const { access, type } = this.#request;
    const executes = access === 'execute' && type !== 'ats';
    const msi = translateMsi(this.memory, this.#features, device, guest, executes);
    if (msi !== undefined) {
      if (isFault(msi)) return msi;
      if (this.#request.debug === true && msi.mode === 'mrif') return fault(CAUSE.typeDisallowed, msi.at);
      return { ...EVERYTHING, execute: false, address: msi.address, size: 4096n, msi, ...leafOf(first) };
    }
    const needs = this.#access(access, 0n, this.#mayWrite(), false);
    const leaf = second === undefined ? undefined : this.#walkSecond(second, guest, needs, device);
    if (leaf !== undefined && isFault(leaf)) return leaf;
    const last = leaf ?? first;
    if (last !== undefined && !this.memory.reaches(last.address)) return fault(accessFaultOf(access), last.at);
    if (leaf === undefined) return translationOf(guest, first, undefined);
    const toGuest = type === 'ats' && tc(device, TC.T2GPA);
    return translationOf(toGuest ? guest : leaf.address, first, leaf);
  }
}

function leafOf(leaf: StageLeaf | undefined): { leaf?: StageLeaf } {
  return leaf === undefined ? {} : { leaf };
}

function smallest([first = 0n, second = first]: readonly bigint[]): bigint {
  return first < second ? first : second;
}

/** What both stages allow; the smaller of their leaves bounds it. */
function translationOf(address: bigint, first: StageLeaf | undefined, second: StageLeaf | undefined): RiscvTranslation {
  const stages = [first, second].filter((each) => each !== undefined);
  const sizes = stages.map(({ size }) => size);
  return {
    address,
    size: smallest(sizes),
    pbmt: first !== undefined && first.pbmt !== 0 ? first.pbmt : (second?.pbmt ?? 0),
    read: stages.every(({ read }) => read),
    write: stages.every(({ write }) => write),
    execute: stages.every(({ execute }) => execute),
    dirty: stages.every(({ dirty }) => dirty),
    global: first?.global ?? false,
    ...leafOf(first ?? second),
  };
}

/** What a request becomes, with empty caches. */
export function translateRequest(reader: PhysicalReader, features: RiscvFeatures, request: RiscvRequest): RiscvOutcome {
  const process = new RequestProcess(reader, features, request);
  const result = process.run();
  const { updates } = process.memory;
  if (!isFault(result)) return { status: 'success', translation: result, reported: false, updates };
  const ats = request.type === 'ats';
  const reported = isReported(result.cause, ats, process.dtf);
  return { status: statusOf(result.cause, ats), fault: result, reported, updates };
}

/** The contexts that an untranslated request of a device, and of one of its processes, would use. */
export function locateContexts(
  reader: PhysicalReader,
  features: RiscvFeatures,
  device: number,
  process: number | undefined,
): { readonly device: LocatedContext; readonly stages: Stages | RequestFault } | RequestFault {
  const shared = { device, type: 'untranslated', access: 'read', iova: 0n } as const;
  const request = new RequestProcess(reader, features, { ...shared, ...(process === undefined ? {} : { process }) });
  const located = request.locateDevice();
  return isFault(located) ? located : { device: located, stages: request.stagesOf(located) };
}
