/**
 * QEMU's `edu` PCI device (docs/specs/edu.rst): it copies between memory and a buffer of its own, through the IOMMU.
 * @module
 */
import { EmulatorError, type Qtest } from './qtest.ts';

// docs/specs/edu.rst: DMA registers, and the buffer's address as the device knows it
const DMA = { source: 0x80, destination: 0x88, count: 0x90, command: 0x98 } as const;
const START = 1;
const FROM_DEVICE = 2;
const BUFFER = 0x40000;
const IDENTIFICATION = 0x010000ed;
const BYTES = 4;
const QUICK_POLLS = 50;
const MOST_POLLS = 2000;

/** The device behind its first base address register. */
export class Edu {
  readonly #qtest: Qtest;
  readonly #bar: number;

  constructor(qtest: Qtest, bar: number) {
    this.#qtest = qtest;
    this.#bar = bar;
  }

  /** @throws EmulatorError where no such device answers. */
  async check(): Promise<void> {
    const id = await this.#qtest.read32(this.#bar);
    if (id !== IDENTIFICATION) throw new EmulatorError(`expected the edu device, got 0x${id.toString(16)}`);
  }

  /** Copies four bytes from memory into the device. */
  read(iova: bigint): Promise<void> {
    return this.#copy(iova, BigInt(BUFFER), START);
  }

  /** Copies four bytes from the device to memory. */
  write(iova: bigint): Promise<void> {
    return this.#copy(BigInt(BUFFER), iova, START | FROM_DEVICE);
  }

  async #copy(source: bigint, destination: bigint, command: number): Promise<void> {
    const qtest = this.#qtest;
    const bar = this.#bar;
    const [, , , , begun] = await Promise.all([
      qtest.write64(bar + DMA.source, source),
      qtest.write64(bar + DMA.destination, destination),
      qtest.write64(bar + DMA.count, BYTES),
      qtest.write64(bar + DMA.command, command),
      qtest.read64(bar + DMA.command),
    ]);
    if ((begun & BigInt(START)) === 0n) return;
    for (let polls = 0; polls < MOST_POLLS; polls++) {
      if (polls > QUICK_POLLS) await new Promise((resolve) => setTimeout(resolve, 1));
      if (((await qtest.read64(bar + DMA.command)) & BigInt(START)) === 0n) return;
    }
    throw new EmulatorError('the edu device does not finish a copy');
  }
}
