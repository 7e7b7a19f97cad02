/**
 * Stage 1 through stage 2: stage 1 tables and output addresses are intermediate addresses (Arm DDI 0487 D8.2.1;
 * IHI 0070 3.3.2).
 * @module
 */
import type { Address } from '../../address.ts';
import type { PhysicalReader } from '../../bus.ts';
import { readStructure, type StructureKind, type StructureReader } from '../bits.ts';
import { permsText, type Regime } from './regime.ts';
import { type Access, type Fault, type Leaf, READ, type Step, type Walk } from './types.ts';
import { Walker } from './walker.ts';

const PAGE = 4096;
/** Permission bits of an attribute word. */
const RIGHTS = 63;

/** Reads memory by intermediate address, through stage 2; remembers the stage 2 fault that stopped a read. */
export class IntermediateReader implements StructureReader {
  readonly #reader: StructureReader;
  readonly #stage2: Walker;
  /** The stage 2 fault of the last read that stage 2 refused. */
  fault: Fault | undefined;
  /** Receives the stage 2 steps of each read, where set. */
  steps: Step[] | undefined;
  #page = -1;
  #physical = 0;

  constructor(reader: PhysicalReader, stage2: Walker) {
    this.#reader = reader;
    this.#stage2 = stage2;
  }

  /** Forgets the page last translated: tables may have changed. */
  begin(): void {
    this.#page = -1;
    this.fault = undefined;
  }

  /** The physical address of an intermediate one, or `undefined` with {@link fault} set. */
  physical(address: number): number | undefined {
    const page = address - (address % PAGE);
    if (page !== this.#page) {
      const walk = this.steps === undefined ? undefined : this.#stage2.walk(address, READ);
      if (walk !== undefined) this.steps?.push(...walk.steps);
      const result = walk?.result ?? this.#stage2.translate(address, READ);
      if (!result.ok) {
        this.fault = result;
        return undefined;
      }
      this.#page = page;
      this.#physical = result.pa - (result.pa % PAGE);
    }
    return this.#physical + (address % PAGE);
  }

  read32(address: number): number | undefined {
    const physical = this.physical(address);
    return physical === undefined ? undefined : this.#reader.read32(physical);
  }

  read64(address: number): bigint | undefined {
    const physical = this.physical(address);
    return physical === undefined ? undefined : this.#reader.read64(physical);
  }

  structure(kind: StructureKind, address: number, bytes: number): Uint32Array | undefined {
    const physical = this.physical(address);
    return physical === undefined ? undefined : readStructure(this.#reader, kind, physical, bytes);
  }

  view(address: number, bytes: number): Uint32Array | undefined {
    if ((address % PAGE) + bytes > PAGE) return undefined;
    const physical = this.physical(address);
    return physical === undefined ? undefined : this.#reader.view?.(physical, bytes);
  }
}

/** Both stages of a translation. */
export class NestedWalker {
  readonly #memory: IntermediateReader;
  readonly #stage1: Walker;
  readonly #stage2: Walker;

  constructor(reader: PhysicalReader, stage1: Regime, stage2: Regime) {
    this.#stage2 = new Walker(reader, stage2);
    this.#memory = new IntermediateReader(reader, this.#stage2);
    this.#stage1 = new Walker(this.#memory, stage1);
  }

  /** Translates an input address through both stages. */
  translate(iova: Address, access: Access = READ): Leaf | Fault {
    this.#memory.begin();
    return this.#finish(this.#stage1.translate(iova, access), BigInt(iova), access, undefined);
  }

  /** Translates and keeps the entries of both stages, in the order in which they are fetched. */
  walk(iova: Address, access: Access = READ): Walk {
    this.#memory.begin();
    const stage2Steps: Step[] = [];
    this.#memory.steps = stage2Steps;
    const first = this.#stage1.walk(iova, access);
    this.#memory.steps = undefined;
    const steps = [...stage2Steps, ...first.steps];
    return { steps, result: this.#finish(first.result, BigInt(iova), access, steps) };
  }

  #finish(first: Leaf | Fault, iova: bigint, access: Access, steps: Step[] | undefined): Leaf | Fault {
    if (!first.ok) return this.#stage1Fault(first, iova);
    const kind = access.kind;
    const walk = steps === undefined ? undefined : this.#stage2.walk(first.output, access);
    if (walk !== undefined) steps?.push(...walk.steps);
    const second = walk?.result ?? this.#stage2.translate(first.output, { ...access, kind });
    if (!second.ok) return { ...second, iova, ipa: first.output, during: 'input' };
    const size = Math.min(first.size, second.size);
    const within = Number(iova % BigInt(size));
    return {
      ...first,
      iova: iova - BigInt(within),
      pa: second.pa,
      output: second.output,
      base: Number(second.output - BigInt(within)),
      size,
      perms: permsText(first.attributes & second.attributes & RIGHTS),
      attributes: first.attributes & (second.attributes | ~RIGHTS),
      memoryType: `${first.memoryType}; stage 2 ${second.memoryType}`,
    };
  }

  #stage1Fault(first: Fault, iova: bigint): Fault {
    const blocked = first.reason === 'table-outside-memory' ? this.#memory.fault : undefined;
    if (blocked === undefined) return first;
    return { ...blocked, iova, ipa: blocked.iova, during: 'table' };
  }
}
