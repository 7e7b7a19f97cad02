/**
 * A live AMD IOMMU: registers, a command buffer consumed through memory, caches that may be stale, an event log (AMD 48882).
 * @module
 */
import type { PhysicalMemory } from '../../bus.ts';
import { AmdVi } from '../../hardware/amd-vi/amd-vi.ts';
import { AMD_COMMAND_BYTES, AMD_COMMANDS } from '../../hardware/amd-vi/commands.ts';
import { AMD_EVENT, AMD_EVENT_NAMES } from '../../hardware/amd-vi/events.ts';
import { bitsOf } from '../../hardware/bits.ts';
import { ANY, type Scope } from '../../hardware/command.ts';
import { contextFault, type DeviceContext } from '../../hardware/iommu.ts';
import type { Access, Fault } from '../../hardware/walk/types.ts';
import { RegisterBank } from '../register-bank.ts';
import type { TranslatorUnit } from '../translator.ts';
import { LiveUnit, type UnitOptions } from '../unit.ts';
import { EventLog } from './event-log.ts';
import { AT, CONTROL, DEFAULT_FEATURES, INVALIDATE_ALL, STATUS, STATUS_CLEARED, WIDE } from './registers.ts';

/** Options of a live AMD IOMMU. */
export interface AmdViOptions extends UnitOptions {
  /** EXT_FEATURES. */
  readonly features?: bigint;
  /** NpCache of the capability header: what is not present is kept, too. */
  readonly npCache?: boolean;
}

/** Opcode of INVALIDATE_IOMMU_ALL. */
const EVERYTHING = 8;
/** Bytes of the head and tail pointers that count: 18:4. */
const POINTER_BYTES = 2 ** 19;

/** A head or tail in bytes: bits 18:4, the others are reserved (3.4.13). */
function pointer(register: number): number {
  return (register % POINTER_BYTES) - (register % AMD_COMMAND_BYTES);
}

/** A live AMD IOMMU. */
export class LiveAmdVi extends LiveUnit {
  readonly name = 'amd-vi';
  readonly events: EventLog;
  readonly cachesAbsent: boolean;
  #model: AmdVi | undefined;

  constructor(memory: PhysicalMemory, options: AmdViOptions = {}) {
    const bank = new RegisterBank(AT, WIDE);
    super(memory, bank, (self) => rulesOf(self as LiveAmdVi), options);
    bank.set64(AT.EXT_FEATURES, options.features ?? DEFAULT_FEATURES);
    this.events = new EventLog(memory, bank);
    this.cachesAbsent = options.npCache === true;
  }

  /** What the registers and the kept device table say. */
  get model(): AmdVi {
    this.#model ??= new AmdVi(this.caches.config, this.bank.named());
    return this.#model;
  }

  /** CONTROL.IommuEn. */
  get translates(): boolean {
    return (this.bank.get(AT.CONTROL) & CONTROL.IommuEn) !== 0;
  }

  write32(offset: number, value: number): void {
    if (offset === AT.EXT_FEATURES || offset === AT.EXT_FEATURES + 4 || offset === AT.CMD_HEAD) return;
    if (offset === AT.STATUS) this.bank.set(AT.STATUS, this.bank.get(AT.STATUS) & ~(value & STATUS_CLEARED));
    else if (offset === AT.CONTROL) this.#control(value);
    else {
      this.bank.write(offset, value);
      if (offset === AT.CMD_TAIL) this.ring();
      else if (offset < AT.CONTROL) this.#changed();
    }
  }

  /** An event of a device's access, as far as its device table entry lets faults be logged (SA, SE). */
  record(
    code: number,
    { stream, substream, fields }: DeviceContext,
    values: Readonly<Record<string, bigint | number>>,
  ): void {
    if (code === AMD_EVENT.ioPageFault && fields['SA'] === 1) return;
    const guest = substream !== undefined;
    this.events.record({
      EventCode: code,
      DeviceID: stream,
      DomainID: guest ? substream % 2 ** 16 : Number(fields['DomainID'] ?? 0),
      'PASID[19:16]': guest ? Math.floor(substream / 2 ** 16) : 0,
      GN: guest ? 1 : 0,
      ...values,
    });
  }

  step(): boolean {
    const runs = (this.bank.get(AT.STATUS) & STATUS.CmdBufRun) !== 0;
    if (!runs || (this.bank.get(AT.CONTROL) & CONTROL.CmdBufEn) === 0) return false;
    const high = this.bank.get(AT.CMD_BUF_BASE + 4);
    const ring = AMD_COMMAND_BYTES * 2 ** Math.max(8, (high >>> 24) & 15);
    const [head, tail] = [pointer(this.bank.get(AT.CMD_HEAD)), pointer(this.bank.get(AT.CMD_TAIL))];
    if (head === tail || tail >= ring) return false;
    const low = this.bank.get(AT.CMD_BUF_BASE);
    const address = (high & 0xf_ffff) * 2 ** 32 + (low - (low % 4096)) + head;
    if (!this.#execute(address)) return false;
    this.bank.set(AT.CMD_HEAD, (head + AMD_COMMAND_BYTES) % ring);
    return true;
  }

  #execute(address: number): boolean {
    if (!this.fetch(address, AMD_COMMAND_BYTES / 4)) return this.#stop(AMD_EVENT.commandHardwareError, address, 1);
    const scope = this.decode(AMD_COMMANDS);
    const all = bitsOf(this.words, 60, 4) === EVERYTHING;
    if (scope.kind === 'illegal' || (all && (this.bank.get(AT.EXT_FEATURES) & INVALIDATE_ALL) === 0)) {
      return this.#stop(AMD_EVENT.illegalCommand, address, 0);
    }
    if (scope.kind === 'completion') this.#wait(scope);
    else if (scope.kind === 'device-tlb' && this.silent.has(scope.stream)) this.#timeout(scope.stream, address);
    else this.invalidate(scope);
    if (all) {
      scope.kind = 'config';
      this.caches.invalidations.consumed(scope);
    }
    return true;
  }

  #wait(scope: Scope): void {
    this.complete(scope);
    if (scope.signals && (this.bank.get(AT.CONTROL) & CONTROL.ComWaitIntEn) !== 0) {
      this.bank.set(AT.STATUS, this.bank.get(AT.STATUS) | STATUS.ComWaitInt);
    }
  }

  #timeout(stream: number, address: number): void {
    this.events.record({ EventCode: AMD_EVENT.iotlbInvalidationTimeout, DeviceID: stream, Address: address });
  }

  /** The buffer stops with its head at the command; software must disable and enable it (2.4). */
  #stop(code: number, address: number, type: number): false {
    this.events.record({ EventCode: code, Type: type, Address: address });
    this.bank.set(AT.STATUS, this.bank.get(AT.STATUS) & ~STATUS.CmdBufRun);
    return false;
  }

  #control(value: number): void {
    const before = this.bank.get(AT.CONTROL);
    this.bank.write(AT.CONTROL, value);
    const turned = before ^ value;
    if ((turned & CONTROL.EventLogEn) !== 0) this.events.control((value & CONTROL.EventLogEn) !== 0);
    if ((turned & CONTROL.CmdBufEn) !== 0) this.#enable((value & CONTROL.CmdBufEn) !== 0);
    this.#changed();
    this.ring();
  }

  #enable(on: boolean): void {
    const status = this.bank.get(AT.STATUS);
    this.bank.set(AT.STATUS, on ? status | STATUS.CmdBufRun : status & ~STATUS.CmdBufRun);
    if (!on) this.bank.set(AT.CMD_HEAD, 0);
  }

  #changed(): void {
    this.#model = undefined;
    this.caches.rebind();
  }
}

/** The event of a fault: which code, and what of it is in w0. */
function eventOf(fault: Fault, access: Access): { code: number; values: Record<string, bigint | number> } {
  const common = { Address: fault.iova, RW: access.kind === 'write' ? 1 : 0, NX: access.kind === 'execute' ? 1 : 0 };
  const user = { US: access.privileged === true ? 0 : 1 };
  const at = BigInt(fault.entryAddress ?? 0);
  switch (fault.reason) {
    case 'stream-outside-memory':
      return { code: AMD_EVENT.deviceTableHardwareError, values: { RW: common.RW, Address: at, Type: 1 } };
    case 'table-outside-memory':
    case 'context-outside-memory':
      return { code: AMD_EVENT.pageTableHardwareError, values: { RW: common.RW, Address: at, Type: 1 } };
    case 'stream-invalid':
    case 'stream-out-of-range':
      return { code: AMD_EVENT.illegalDeviceTableEntry, values: { Address: fault.iova, RW: common.RW } };
    case 'reserved-bits':
    case 'reserved-type':
    case 'skipped-bits-set':
      return { code: AMD_EVENT.ioPageFault, values: { ...common, ...user, PR: 1, RZ: 1 } };
    default: {
      const present = fault.class === 'permission' ? 1 : 0;
      return { code: AMD_EVENT.ioPageFault, values: { ...common, ...user, PR: present, PE: present } };
    }
  }
}

/** What makes the common way of answering an AMD IOMMU. */
function rulesOf(unit: LiveAmdVi): TranslatorUnit {
  const faulted = (context: DeviceContext, fault: Fault, access: Access): Fault => {
    const { code, values } = eventOf(fault, access);
    unit.record(code, context, values);
    return { ...fault, syndrome: AMD_EVENT_NAMES.get(code) ?? '' };
  };
  return {
    contextOf: (_reader, stream, substream) => {
      if (unit.translates) return unit.model.context(stream, substream);
      return { stream, action: 'bypass', entryAddress: 0, fields: {} };
    },
    keeps: () => true,
    domainOf: () => ANY,
    keepsAbsent: () => unit.cachesAbsent,
    isGlobal: () => false,
    untranslated: (context, iova, access) => {
      if (context.action === 'bypass') return unit.passed(iova);
      return faulted(context, contextFault(context, iova, ''), access);
    },
    faulted,
  };
}
