/**
 * Which domain of a unit each device is attached to. A device has one domain at a time: one that is attached again moves.
 * @module
 */

/** A domain that devices are attached to. */
export interface Holder {
  /** The device is attached to another domain next; its entries must lead nowhere then, unless they are replaced at once. */
  leave(device: number): void;
}

/** Devices of one unit, by StreamID, source-id, DeviceID, device_id or endpoint. */
export class Attachments {
  readonly #holders = new Map<number, Holder>();

  /** Attaches a device to a domain; the one that had it leaves it first. */
  attach(device: number, holder: Holder): void {
    const before = this.#holders.get(device);
    if (before !== undefined && before !== holder) before.leave(device);
    this.#holders.set(device, holder);
  }

  /** Whether a domain has a device. */
  has(device: number, holder: Holder): boolean {
    return this.#holders.get(device) === holder;
  }

  /** A domain has no device any more; those of other domains stay where they are. */
  detachAll(holder: Holder): void {
    for (const [device, of] of this.#holders) if (of === holder) this.#holders.delete(device);
  }
}
