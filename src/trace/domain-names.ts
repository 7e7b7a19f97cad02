/**
 * The domains of a trace: which devices they belong to, and how that is known. `iommu:map` names no device, so that
 * domains have names only where other events give them.
 * @module
 */
import type { TraceEvent, TraceNames } from './events.ts';

/** How a domain is known: by dma events of its devices, by the task that attached a device, or not at all. */
export type DomainSource = 'dma' | 'attach' | 'layer';

/** One domain of the trace. */
export interface TraceDomain {
  readonly id: number;
  readonly source: DomainSource;
  /** Names of the devices, where known. */
  readonly devices: string[];
  /** In words, for tables. */
  readonly title: string;
}

/** Bound on tasks remembered as having attached a device. */
const MAX_ATTACHED = 256;

/** Gives domains their ids as they are met. */
export class DomainNames {
  readonly domains: TraceDomain[] = [];
  readonly #names: TraceNames;
  /** By id of the device + 1. */
  readonly #ofDevice: number[] = [];
  readonly #ofGroup = new Map<number, number>();
  readonly #groups = new Map<number, number>();
  readonly #layers: number[] = [];
  readonly #added = new Map<number, number>();
  readonly #attached = new Map<number, { device: number; task: number; domain: number }>();

  constructor(names: TraceNames) {
    this.#names = names;
  }

  /** Unnamed layers, in the order they were opened. */
  get layers(): readonly number[] {
    return this.#layers;
  }

  /** The domain of a device; the devices of one IOMMU group share it. */
  ofDevice(device: number): number {
    const known = this.#ofDevice[device + 1];
    if (known !== undefined) return known;
    const group = this.#groups.get(device);
    const shared = group === undefined ? undefined : this.#ofGroup.get(group);
    const id = shared ?? this.#open('dma', [], `${this.#names.devices.text(device)}`);
    this.domains[id]?.devices.push(this.#names.devices.text(device));
    this.#ofDevice[device + 1] = id;
    if (group !== undefined) this.#ofGroup.set(group, id);
    return id;
  }

  /** The domain that a task has mapped into after an attach of its own, or −1. */
  openedBy(pid: number): number {
    return this.#attached.get(pid)?.domain ?? -1;
  }

  /** The device that a task has attached, or −1. */
  deviceOf(pid: number): number {
    return this.#attached.get(pid)?.device ?? -1;
  }

  /** The domain that belongs to a task's own attach, opened by its first map; −1 for tasks that attached nothing. */
  ofAttacher(pid: number): number {
    const attached = this.#attached.get(pid);
    if (attached === undefined) return -1;
    if (attached.domain < 0) {
      const device = this.#names.devices.text(attached.device);
      const title = `${device}, attached by ${this.#names.tasks.text(attached.task)}-${pid}`;
      attached.domain = this.#open('attach', [device], title);
    }
    return attached.domain;
  }

  /** Opens another unnamed layer. */
  addLayer(): number {
    const number = this.#layers.length;
    const title = number === 0 ? 'maps that name no device' : `layer ${number + 1}: probably another domain`;
    const id = this.#open('layer', [], title);
    this.#layers.push(id);
    return id;
  }

  /** A device joins a group. */
  addDevice(event: TraceEvent): void {
    this.#groups.set(event.device, event.value);
    const domain = this.#ofDevice[event.device + 1];
    if (domain !== undefined) this.#ofGroup.set(event.value, domain);
    if (this.#added.size < MAX_ATTACHED) this.#added.set(event.device, event.pid);
  }

  /** A device leaves its group. */
  removeDevice(event: TraceEvent): void {
    this.#groups.delete(event.device);
  }

  /**
   * A task attaches a device to a domain of its own (VFIO, a driver that maps by itself). The attach that follows
   * `add_device_to_group` is the kernel's default domain and says nothing about the task.
   */
  attach(event: TraceEvent): void {
    if (this.#added.get(event.device) === event.pid) {
      this.#added.delete(event.device);
      return;
    }
    if (this.#attached.size >= MAX_ATTACHED) return;
    this.#attached.set(event.pid, { device: event.device, task: event.task, domain: -1 });
  }

  #open(source: DomainSource, devices: string[], title: string): number {
    const id = this.domains.length;
    this.domains.push({ id, source, devices, title });
    return id;
  }
}
