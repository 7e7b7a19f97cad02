/**
 * A RISC-V IOMMU that says with an answer what its fault record would hold.
 * @module
 */
import type { Address } from '../../address.ts';
import type { Registers, StructureReader } from '../../hardware/bits.ts';
import { type RiscvChoices, riscvFeatures } from '../../hardware/riscv/capabilities.ts';
import { causeText } from '../../hardware/riscv/causes.ts';
import { faultRecord } from '../../hardware/riscv/fault-queue.ts';
import { translateRequest } from '../../hardware/riscv/process.ts';
import { RiscvIommu } from '../../hardware/riscv/riscv.ts';
import { type Access, type Fault, type Leaf, READ } from '../../hardware/walk/types.ts';

/** A record as an event: the cause in words, and the other fields; `InputAddr` is `iotval` as other architectures name it. */
export interface RiscvEvent {
  readonly name: string;
  readonly fields: Readonly<Record<string, bigint>>;
}

/** The reader, with the record of a fault that it reports. */
export class ReportingIommu extends RiscvIommu {
  readonly #reader: StructureReader;
  readonly #registers: Registers;
  readonly #choices: RiscvChoices;

  /** @param choices what the specification leaves to an implementation */
  constructor(reader: StructureReader, registers: Registers, choices: RiscvChoices = {}) {
    super(reader, registers, choices);
    this.#reader = reader;
    this.#registers = registers;
    this.#choices = choices;
  }

  override translate(
    device: number,
    iova: Address,
    access: Access = READ,
    process?: number,
  ): { result: Leaf | Fault; event?: RiscvEvent } {
    const pid = process === undefined ? {} : { process };
    const request = { device, type: 'untranslated', access: access.kind, iova: BigInt(iova), ...pid } as const;
    const outcome = translateRequest(this.#reader, riscvFeatures(this.#registers, this.#choices), request);
    const record = faultRecord(request, outcome);
    const answer = super.translate(device, iova, access, process);
    if (record === undefined) return answer;
    const { cause, iotval, iotval2, did, ttyp, pid: id, pv } = record;
    const numbers = { DID: BigInt(did), TTYP: BigInt(ttyp), PV: BigInt(pv), ...(pv === 1 ? { PID: BigInt(id) } : {}) };
    return { ...answer, event: { name: causeText(cause), fields: { InputAddr: iotval, iotval, ...numbers, iotval2 } } };
  }
}
