/**
 * A live virtio-iommu: it keeps mappings itself, and takes requests from a virtqueue (VIRTIO 1.2, 5.13).
 * @module
 */
import { type Address, busAddress } from '../../address.ts';
import type { PhysicalMemory, RegisterPort } from '../../bus.ts';
import { bitsOf } from '../../hardware/bits.ts';
import { emptyScope, type Scope } from '../../hardware/command.ts';
import { contextFault, type DeviceContext } from '../../hardware/iommu.ts';
import {
  VIRTIO_FLAGS,
  VIRTIO_REQUEST,
  VIRTIO_REQUEST_BYTES,
  VIRTIO_REQUESTS,
  VIRTIO_STATUS,
  VIRTIO_TAIL_BYTES,
} from '../../hardware/virtio/requests.ts';
import { ATTR, permsText } from '../../hardware/walk/regime.ts';
import { type Access, type Fault, type Leaf, READ } from '../../hardware/walk/types.ts';
import type { UnitObserver } from '../observer.ts';
import { RegisterBank } from '../register-bank.ts';
import { type Mapping, Mappings } from './mappings.ts';
import { AT, IDENTITY, MOST_ENTRIES, QUEUE, USED_BUFFER, WIDE } from './registers.ts';
import { type Chain, Virtqueue } from './virtqueue.ts';

/** Options of a live virtio-iommu. */
export interface VirtioOptions {
  /** Bits set are page sizes; 4 KiB and larger unless given. */
  readonly pageSizeMask?: bigint;
  /** Last input address. */
  readonly inputEnd?: bigint;
  /** Last domain id. */
  readonly domainEnd?: number;
  /** Endpoints without a domain pass, as with the feature BYPASS_CONFIG. */
  readonly bypass?: boolean;
  readonly consume?: 'at-once' | 'stepwise';
  readonly observer?: UnitObserver;
}

interface VirtioDomain {
  readonly mappings: Mappings;
  readonly bypass: boolean;
  endpoints: number;
}

// 5.13.6.9: fault reports of 24 bytes
const FAULT = { unknown: 0, domain: 1, mapping: 2, read: 1, write: 2, address: 0x100 } as const;
const FAULT_BYTES = 24;
const NAMES = ['unknown fault', 'domain fault', 'mapping fault'];

/** A live virtio-iommu. */
export class LiveVirtio implements RegisterPort {
  readonly name = 'virtio-iommu';
  /** Fault reports that found no buffer. */
  lost = 0;
  /** Requests answered. */
  consumed = 0;
  readonly #memory: PhysicalMemory;
  readonly #bank: RegisterBank;
  readonly #options: VirtioOptions;
  readonly #queues: (Virtqueue | undefined)[] = [];
  readonly #domains: Map<number, VirtioDomain> = new Map();
  readonly #endpoints: Map<number, number> = new Map();
  readonly #words: Uint32Array = new Uint32Array(VIRTIO_REQUEST_BYTES / 4);
  readonly #scope: Scope = emptyScope();

  constructor(memory: PhysicalMemory, options: VirtioOptions = {}) {
    this.#memory = memory;
    this.#options = options;
    this.#bank = new RegisterBank(AT, WIDE);
    this.#bank.set(AT.MagicValue, IDENTITY.magic);
    this.#bank.set(AT.Version, IDENTITY.version);
    this.#bank.set(AT.DeviceID, IDENTITY.device);
    this.#bank.set(AT.QueueNumMax, MOST_ENTRIES);
    this.#bank.set64(AT.PageSizeMask, options.pageSizeMask ?? 0xffff_ffff_ffff_f000n);
    this.#bank.set64(AT.InputEnd, options.inputEnd ?? 2n ** 64n - 1n);
    this.#bank.set(AT.DomainEnd, options.domainEnd ?? 0xffff_ffff);
    this.#bank.set(AT.Bypass, options.bypass === true ? 1 : 0);
  }

  /** Offsets accessed that have no meaning here, with how often. */
  get unknown(): ReadonlyMap<number, number> {
    return this.#bank.unknown;
  }

  /** Mappings of a domain, in order. */
  mappings(domain: number): readonly Mapping[] {
    return this.#domains.get(domain)?.mappings.list ?? [];
  }

  read32(offset: number): number {
    return this.#bank.read(offset);
  }

  read64(offset: number): bigint {
    return (BigInt(this.read32(offset + 4)) << 32n) | BigInt(this.read32(offset));
  }

  write32(offset: number, value: number): void {
    if (offset < AT.DeviceFeaturesSel || (offset >= AT.ConfigGeneration && offset !== AT.Bypass)) return;
    if (offset === AT.InterruptACK) this.#bank.set(AT.InterruptStatus, this.#bank.get(AT.InterruptStatus) & ~value);
    else this.#bank.write(offset, value);
    if (offset === AT.QueueReady) this.#ready(value !== 0);
    else if (offset === AT.Status && value === 0) this.#reset();
    else if (offset === AT.QueueNotify && this.#options.consume !== 'stepwise') this.run(MOST_ENTRIES);
  }

  write64(offset: number, value: bigint): void {
    this.write32(offset + 4, Number((value >> 32n) & 0xffff_ffffn));
    this.write32(offset, Number(value & 0xffff_ffffn));
  }

  /** Answers requests until none is left. */
  run(most: number = Number.POSITIVE_INFINITY): number {
    let done = 0;
    while (done < most && this.step()) done++;
    return done;
  }

  /** Answers one request; false where there is none. */
  step(): boolean {
    const queue = this.#queues[QUEUE.request];
    const chain = queue?.take();
    if (queue === undefined || chain === undefined) return false;
    this.consumed++;
    const status = this.#answer(chain);
    const tail = chain.segments.findLast(({ writable }) => writable);
    const room = tail !== undefined && tail.bytes >= VIRTIO_TAIL_BYTES;
    if (room) this.#memory.write32(tail.address + tail.bytes - VIRTIO_TAIL_BYTES, status);
    queue.give(chain.head, room ? VIRTIO_TAIL_BYTES : 0);
    this.#bank.set(AT.InterruptStatus, this.#bank.get(AT.InterruptStatus) | USED_BUFFER);
    return true;
  }

  /** What an endpoint's access becomes. */
  translate(stream: number, iova: Address, access: Access = READ): { readonly result: Leaf | Fault } {
    const address = busAddress(iova);
    const id = this.#endpoints.get(stream);
    const domain = id === undefined ? undefined : this.#domains.get(id);
    if (domain === undefined) {
      return {
        result: this.#bank.get(AT.Bypass) === 1 ? passed(address) : this.#fault(stream, address, access, FAULT.domain),
      };
    }
    if (domain.bypass) return { result: passed(address) };
    const mapping = domain.mappings.find(Number(address >> 12n));
    const needed = access.kind === 'write' ? VIRTIO_FLAGS.write : VIRTIO_FLAGS.read;
    if (mapping === undefined || (mapping.flags & needed) === 0) {
      return { result: this.#fault(stream, address, access, FAULT.mapping) };
    }
    return { result: leafOf(mapping, address) };
  }

  #answer({ segments, broken }: Chain): number {
    if (broken !== undefined) return VIRTIO_STATUS.deviceError;
    const bytes = this.#gather(segments.filter(({ writable }) => !writable));
    const type = VIRTIO_REQUESTS.typeOf(this.#words);
    if (bytes < 4) return VIRTIO_STATUS.invalid;
    if (type === undefined) return VIRTIO_STATUS.unsupported;
    VIRTIO_REQUESTS.scope(this.#words, this.#scope);
    const seen = { words: this.#words, scope: this.#scope };
    this.#options.observer?.consumed?.(seen);
    const status = this.#execute(type.opcode);
    this.#options.observer?.completed?.();
    return status;
  }

  /** Copies what the device reads of a request into its words; returns the bytes there are. */
  #gather(segments: Chain['segments']): number {
    this.#words.fill(0);
    let at = 0;
    for (const { address, bytes } of segments) {
      for (let i = 0; i + 4 <= bytes && at < this.#words.length; i += 4) {
        this.#words[at++] = this.#memory.read32(address + i) ?? 0;
      }
    }
    return 4 * at;
  }

  #execute(opcode: number): number {
    switch (opcode) {
      case VIRTIO_REQUEST.attach:
        return this.#attach(this.#word(1), this.#word(2), this.#word(3));
      case VIRTIO_REQUEST.detach:
        return this.#detach(this.#word(1), this.#word(2));
      case VIRTIO_REQUEST.map:
        return this.#map(this.#word(1));
      case VIRTIO_REQUEST.unmap:
        return this.#unmap(this.#word(1));
      default:
        return VIRTIO_STATUS.unsupported;
    }
  }

  #word(i: number): number {
    return this.#words[i] ?? 0;
  }

  #attach(domain: number, endpoint: number, flags: number): number {
    if (domain < this.#bank.get(AT.DomainStart) || domain > this.#bank.get(AT.DomainEnd)) return VIRTIO_STATUS.noEntry;
    if (flags > VIRTIO_FLAGS.bypass) return VIRTIO_STATUS.invalid;
    const bypass = (flags & VIRTIO_FLAGS.bypass) !== 0;
    const before = this.#endpoints.get(endpoint);
    const known = this.#domains.get(domain);
    if (known !== undefined && known.bypass !== bypass) return VIRTIO_STATUS.invalid;
    if (before !== undefined) this.#leave(before, endpoint);
    const joined = this.#domains.get(domain) ?? { mappings: new Mappings(), bypass, endpoints: 0 };
    joined.endpoints++;
    this.#domains.set(domain, joined);
    this.#endpoints.set(endpoint, domain);
    return VIRTIO_STATUS.ok;
  }

  #detach(domain: number, endpoint: number): number {
    if (this.#endpoints.get(endpoint) !== domain) return VIRTIO_STATUS.invalid;
    this.#leave(domain, endpoint);
    return VIRTIO_STATUS.ok;
  }

  /** The last endpoint that leaves takes the mappings with it (5.13.6.4). */
  #leave(id: number, endpoint: number): void {
    this.#endpoints.delete(endpoint);
    const domain = this.#domains.get(id);
    if (domain !== undefined && --domain.endpoints === 0) this.#domains.delete(id);
  }

  #map(id: number): number {
    const domain = this.#domains.get(id);
    if (domain === undefined) return VIRTIO_STATUS.noEntry;
    const flags = this.#word(8);
    if (domain.bypass || flags > (VIRTIO_FLAGS.read | VIRTIO_FLAGS.write | VIRTIO_FLAGS.mmio))
      return VIRTIO_STATUS.invalid;
    const [first, pages, aligned] = this.#range();
    if (pages < 1) return VIRTIO_STATUS.invalid;
    const base = bitsOf(this.#words, 192, 53);
    if (!aligned || base % this.#granule !== 0) return VIRTIO_STATUS.range;
    return domain.mappings.add({ first, pages, base, flags }) ? VIRTIO_STATUS.ok : VIRTIO_STATUS.invalid;
  }

  #unmap(id: number): number {
    const domain = this.#domains.get(id);
    if (domain === undefined) return VIRTIO_STATUS.noEntry;
    const [first, pages, aligned] = this.#range();
    if (domain.bypass || pages < 1) return VIRTIO_STATUS.invalid;
    if (!aligned) return VIRTIO_STATUS.range;
    return domain.mappings.remove(first, pages) === 'split' ? VIRTIO_STATUS.range : VIRTIO_STATUS.ok;
  }

  /** Bytes of the smallest page. */
  get #granule(): number {
    const low = this.#bank.get(AT.PageSizeMask);
    return low === 0 ? 2 ** 32 : 2 ** (31 - Math.clz32(low & -low));
  }

  /** First page and number of pages of a request, whose end is inclusive, and whether it is made of whole pages. */
  #range(): [first: number, pages: number, aligned: boolean] {
    const first = bitsOf(this.#words, 76, 52);
    const last = bitsOf(this.#words, 140, 52);
    const unit = this.#granule / 4096;
    const whole = (this.#word(2) % 4096) + (4095 - (this.#word(4) % 4096)) === 0;
    return [first, last - first + 1, whole && first % unit === 0 && (last + 1) % unit === 0];
  }

  /** Reports a fault to the event queue, if a buffer is there (5.13.6.9). */
  #fault(stream: number, iova: bigint, access: Access, reason: number): Fault {
    const queue = this.#queues[QUEUE.event];
    const chain = queue?.take();
    const room = chain?.segments.find(({ writable, bytes }) => writable && bytes >= FAULT_BYTES);
    if (queue === undefined || chain === undefined || room === undefined) this.lost++;
    else {
      const flags = (access.kind === 'write' ? FAULT.write : FAULT.read) | FAULT.address;
      const words = [reason, flags, stream, 0, Number(iova & 0xffff_ffffn), Number(iova >> 32n)];
      for (const [i, word] of words.entries()) this.#memory.write32(room.address + 4 * i, word);
      queue.give(chain.head, FAULT_BYTES);
    }
    const context: DeviceContext = { stream, action: 'fault', entryAddress: 0, fields: {}, reason: 'never-mapped' };
    return contextFault(context, iova, NAMES[reason] ?? '');
  }

  #ready(on: boolean): void {
    const queue = this.#bank.get(AT.QueueSel);
    if (queue > QUEUE.event) return;
    const entries = this.#bank.get(AT.QueueNum);
    const usable = on && entries >= 1 && entries <= MOST_ENTRIES && (entries & (entries - 1)) === 0;
    this.#queues[queue] = usable
      ? new Virtqueue(this.#memory, {
          entries,
          descriptors: Number(this.#bank.get64(AT.QueueDesc)),
          available: Number(this.#bank.get64(AT.QueueDriver)),
          used: Number(this.#bank.get64(AT.QueueDevice)),
        })
      : undefined;
  }

  #reset(): void {
    this.#queues.length = 0;
    this.#domains.clear();
    this.#endpoints.clear();
    this.#bank.set(AT.InterruptStatus, 0);
  }
}

function passed(iova: bigint): Leaf {
  const attributes = 63;
  return leafWith(iova, 0n, Number.MAX_SAFE_INTEGER, Number(iova), attributes);
}

function leafOf(mapping: Mapping, iova: bigint): Leaf {
  const start = BigInt(mapping.first) << 12n;
  const read = (mapping.flags & VIRTIO_FLAGS.read) !== 0 ? ATTR.read | ATTR.privilegedRead : 0;
  const write = (mapping.flags & VIRTIO_FLAGS.write) !== 0 ? ATTR.write | ATTR.privilegedWrite : 0;
  return leafWith(iova, start, mapping.pages * 4096, mapping.base + Number(iova - start), read | write);
}

function leafWith(iova: bigint, start: bigint, size: number, pa: number, attributes: number): Leaf {
  const base = pa - Number(iova - start);
  const entry = { level: 0, entryAddress: 0, entry: 0n, memoryType: '', perms: permsText(attributes), attributes };
  return { ok: true, iova: start, pa, output: BigInt(pa), base, size, ...entry };
}
