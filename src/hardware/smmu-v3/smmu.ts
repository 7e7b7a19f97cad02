/**
 * An SMMUv3 as its registers and memory describe it: the contexts of all streams, and what an access becomes, with the
 * event record that it leaves (Arm IHI 0070).
 * @module
 */
import type { Address } from '../../address.ts';
import type { PhysicalReader } from '../../bus.ts';
import type { Registers, StructureReader } from '../bits.ts';
import {
  addMissing,
  bypassLeaf,
  type ContextList,
  contextFault,
  type DeviceContext,
  type IommuModel,
  LISTING_LIMITS,
  type MissingPart,
  type StateNote,
  type Structure,
  walkerOf,
} from '../iommu.ts';
import { IntermediateReader } from '../walk/nested.ts';
import { type Access, type Fault, type Leaf, READ, type Reason } from '../walk/types.ts';
import { Walker } from '../walk/walker.ts';
import { cdFields, cdStage1, decodeCd } from './cd.ts';
import { type Context, type FaultRules, faultAnswer, type SmmuV3Answer } from './fault-answer.ts';
import { illegalCd, illegalStage1, illegalStage2, illegalSte, substreamsOf } from './illegal.ts';
import { type SmmuV3Setup, smmuV3Setup, smmuV3State, smmuV3Structures } from './registers.ts';
import { stage1Tables, stage2Tables } from './stage-tables.ts';
import { decodeSte, STE_BYTES, type SteStage2, type StreamTableEntry, steFields, steStage2 } from './ste.ts';
import { listedStreams } from './stream-list.ts';
import { findCd, findSte } from './stream-table.ts';

/** Substreams of one stream, and looked at altogether in one listing. */
const MOST_SUBSTREAMS = 1 << 20;
interface StreamSetup {
  readonly ste: StreamTableEntry;
  readonly entryAddress: number;
  readonly fields: Record<string, string | number>;
}

function stage2Faults({ s2Stall, s2Record }: StreamTableEntry): FaultRules {
  return { stall: s2Stall, record: s2Record };
}

/** What S1DSS terminates: accesses without a substream (undefined), those of substream 0, or none (−1); 0b11 behaves as 0b00 (5.2). */
function disabledSubstream({ s1Dss }: StreamTableEntry): number | undefined {
  if (s1Dss === 2) return 0;
  return s1Dss === 1 ? -1 : undefined;
}

/** A substream where stage 1 is off, whatever stage 2 does (7.3.9). */
function withoutStage1(base: Omit<DeviceContext, 'action'>): Context {
  return { ...base, action: 'fault', reason: 'substream-out-of-range', why: 'a substream without stage 1' };
}

/** Reads an SMMUv3's configuration and tables from a memory. */
export class SmmuV3 implements IommuModel {
  readonly name = 'arm-smmu-v3';
  /** What the registers say. */
  readonly setup: SmmuV3Setup;
  readonly #reader: StructureReader;
  readonly #registers: Registers;
  #substreamsLeft = MOST_SUBSTREAMS;

  constructor(reader: PhysicalReader, registers: Registers) {
    this.#reader = reader;
    this.#registers = registers;
    this.setup = smmuV3Setup(registers);
  }

  state(): readonly StateNote[] {
    return smmuV3State(this.#registers);
  }

  structures(): readonly Structure[] {
    return smmuV3Structures(this.#registers);
  }

  context(stream: number, substream?: number): DeviceContext {
    return this.#context(stream, substream);
  }

  contexts(): ContextList {
    const contexts: DeviceContext[] = [];
    const missing: MissingPart[] = [];
    let aborting = 0;
    this.#substreamsLeft = MOST_SUBSTREAMS;
    for (const stream of listedStreams(this.#reader, this.setup, missing)) {
      const found = this.#stream(stream);
      if ('action' in found) continue;
      if (found.ste.config === 'abort') aborting++;
      else if (contexts.length < LISTING_LIMITS.contexts) contexts.push(...this.#substreams(stream, found));
      else addMissing(missing, found.entryAddress, STE_BYTES, 'more streams than are listed');
    }
    return { contexts, aborting, missing };
  }

  /** What a device's access becomes. */
  translate(stream: number, iova: Address, access: Access = READ, substream?: number): SmmuV3Answer {
    if (!this.setup.enabled) return { result: this.#off(iova) };
    const context = this.#context(stream, substream);
    if (context.tables === undefined) return this.#withoutTables(context, iova, access);
    const result = walkerOf(this.#reader, context.tables).translate(iova, access);
    return result.ok ? { result } : faultAnswer(context, result, access);
  }

  #off(iova: Address): Leaf | Fault {
    const leaf = this.setup.abortWhenOff ? undefined : bypassLeaf(iova, this.setup.oas);
    if (leaf !== undefined) return leaf;
    const context: DeviceContext = {
      stream: 0,
      action: 'abort',
      entryAddress: 0,
      fields: {},
      reason: 'translation-off',
    };
    return contextFault(context, iova, 'aborted by GBPA.ABORT');
  }

  #withoutTables(context: Context, iova: Address, access: Access): SmmuV3Answer {
    if (context.action === 'abort') return { result: contextFault(context, iova, 'aborted by STE.Config, no event') };
    if (context.action === 'bypass') {
      const leaf = bypassLeaf(iova, this.setup.oas);
      if (leaf !== undefined) return { result: leaf };
      return faultAnswer(
        context,
        { ...contextFault(context, iova, ''), reason: 'output-too-large', class: 'address-size' },
        access,
      );
    }
    return faultAnswer(context, contextFault(context, iova, ''), access);
  }

  /** The stream table entry of a stream, or the context that its absence makes. */
  #stream(stream: number): StreamSetup | Context {
    const found = findSte(this.#reader, this.setup, stream);
    const refuse = (reason: Reason, why: string): Context => ({
      stream,
      action: 'fault',
      reason,
      why,
      entryAddress: found.address,
      fields: {},
    });
    if (!('words' in found)) {
      return found.why === 'outside-memory'
        ? refuse('stream-outside-memory', 'the stream table entry is not in memory')
        : refuse('stream-out-of-range', 'the stream table has no such stream');
    }
    const decoded = decodeSte(found.words);
    const ste = { ...decoded, s1CdMax: substreamsOf(decoded, this.setup.forms) };
    if (!ste.valid) return refuse('stream-invalid', 'STE.V is 0');
    return { ste, entryAddress: found.address, fields: steFields(ste) };
  }

  #context(stream: number, substream: number | undefined): Context {
    const found = this.#stream(stream);
    if ('action' in found) return substream === undefined ? found : { ...found, substream };
    return this.#configured(stream, found, substream);
  }

  #configured(stream: number, found: StreamSetup, substream: number | undefined): Context {
    const { ste, entryAddress, fields } = found;
    const sub = substream === undefined ? {} : { substream };
    const base = { stream, ...sub, entryAddress, fields };
    const bad = (why: string): Context => ({ ...base, action: 'fault', reason: 'stream-invalid', why });
    if (ste.config === 'abort') return { ...base, action: 'abort', reason: 'stream-aborts' };
    if (ste.config === 'bypass') return substream === undefined ? { ...base, action: 'bypass' } : withoutStage1(base);
    const one = ste.config !== 'stage 2';
    const two = ste.config !== 'stage 1';
    if (one && !this.setup.stage1) return bad(`STE.Config asks for ${ste.config}, IDR0 has no stage 1`);
    if (two && !this.setup.stage2) return bad(`STE.Config asks for ${ste.config}, IDR0 has no stage 2`);
    const { forms, oas } = this.setup;
    const first = one ? illegalStage1(ste, forms, oas, two) : undefined;
    const why = illegalSte(ste, forms) ?? first ?? (two ? illegalStage2(ste, forms) : undefined);
    if (why !== undefined) return bad(why);
    const stage2 = two ? steStage2(ste, oas) : undefined;
    if (typeof stage2 === 'string') return bad(stage2);
    if (one) return this.#stage1(base, ste, stage2, substream);
    if (substream !== undefined) return withoutStage1(base);
    if (stage2 === undefined) return bad('no stage 2');
    return {
      ...base,
      action: 'translate',
      faults: { 2: stage2Faults(ste) },
      tables: stage2Tables(ste, stage2),
    };
  }

  #stage1(
    base: Omit<DeviceContext, 'action'>,
    ste: StreamTableEntry,
    stage2: SteStage2 | undefined,
    substream: number | undefined,
  ): Context {
    if (substream !== undefined && ste.s1CdMax === 0) {
      return { ...base, action: 'fault', reason: 'substream-out-of-range', why: 'STE.S1CDMax is 0: no substreams' };
    }
    if (ste.s1CdMax > 0) {
      if (substream === disabledSubstream(ste)) {
        return { ...base, action: 'fault', reason: 'stream-invalid', disabled: true, why: 'STE.S1DSS refuses it' };
      }
      if (substream === undefined && ste.s1Dss === 1) {
        if (stage2 === undefined) return { ...base, action: 'bypass' };
        return {
          ...base,
          action: 'translate',
          faults: { 2: stage2Faults(ste) },
          tables: stage2Tables(ste, stage2),
        };
      }
    }
    return this.#described(base, ste, stage2, substream ?? 0);
  }

  #described(
    base: Omit<DeviceContext, 'action'>,
    ste: StreamTableEntry,
    stage2: SteStage2 | undefined,
    substream: number,
  ): Context {
    const refuse = (reason: Reason, why: string, entryAddress: number): Context => {
      return { ...base, action: 'fault', reason, why, entryAddress };
    };
    const through = stage2 === undefined ? undefined : new Walker(this.#reader, stage2.regime);
    const reader = through === undefined ? this.#reader : new IntermediateReader(this.#reader, through);
    const found = findCd(reader, ste, substream);
    if (!('words' in found)) {
      if (found.why === 'outside-memory') {
        return refuse('context-outside-memory', 'the context descriptor is not in memory', found.address);
      }
      return refuse('substream-out-of-range', 'there is no context descriptor for the substream', found.address);
    }
    const cd = decodeCd(found.words);
    if (!cd.valid) return refuse('context-invalid', 'CD.V is 0', found.address);
    const illegal = illegalCd(cd.words, ste, this.setup.forms);
    if (illegal !== undefined) return refuse('context-invalid', illegal, found.address);
    const stage1 = cdStage1(cd, stage2 === undefined ? this.setup.oas : 52);
    if (typeof stage1 === 'string') return refuse('context-invalid', stage1, found.address);
    const fields = { ...base.fields, ...cdFields(cd) };
    const stall = cd.stall && !ste.s1StallDisabled;
    return {
      ...base,
      fields,
      action: 'translate',
      faults: { 1: { stall, record: cd.record }, 2: stage2Faults(ste) },
      tables: stage1Tables(cd.asid, stage1, stage2, ste),
    };
  }

  /** The contexts of a stream: one, or one for each valid context descriptor. */
  #substreams(stream: number, found: StreamSetup): DeviceContext[] {
    const { ste } = found;
    const plain = this.#configured(stream, found, undefined);
    if (ste.s1CdMax === 0 || (ste.config !== 'stage 1' && ste.config !== 'nested')) return [plain];
    const contexts: DeviceContext[] = plain.disabled === true ? [] : [plain];
    const most = Math.min(2 ** ste.s1CdMax, MOST_SUBSTREAMS);
    for (let substream = ste.s1Dss === 2 ? 1 : 0; substream < most && this.#substreamsLeft-- > 0; substream++) {
      const context = this.#configured(stream, found, substream);
      if (context.action === 'translate') contexts.push(context);
      else if (context.reason !== 'context-invalid') substream += 63 - (substream % 64);
    }
    return contexts;
  }
}
