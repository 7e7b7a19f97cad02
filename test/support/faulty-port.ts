/**
 * Registers of a live unit each access of which can be made to fail: the write never arrives, or the driver does not learn that
 * it did.
 * @module
 */
import type { RegisterPort } from '../../src/bus.ts';
import type { FaultPoints, Phase } from './fault-points.ts';

/** A port each of whose accesses is a point. */
export class FaultyPort implements RegisterPort {
  readonly #device: RegisterPort;
  readonly #points: FaultPoints;
  readonly #phase: Phase;

  constructor(device: RegisterPort, points: FaultPoints, phase: Phase) {
    this.#device = device;
    this.#points = points;
    this.#phase = phase;
  }

  read32(offset: number): number {
    return this.#around('read32', offset, () => this.#device.read32(offset));
  }

  read64(offset: number): bigint {
    return this.#around('read64', offset, () => this.#device.read64(offset));
  }

  write32(offset: number, value: number): void {
    this.#around('write32', offset, () => this.#device.write32(offset, value));
  }

  write64(offset: number, value: bigint): void {
    this.#around('write64', offset, () => this.#device.write64(offset, value));
  }

  #around<T>(kind: string, offset: number, work: () => T): T {
    const name = `${kind} 0x${offset.toString(16)}`;
    if (this.#phase === 'before') this.#points.pass(name);
    const result = work();
    if (this.#phase === 'after') this.#points.pass(name);
    return result;
  }
}
