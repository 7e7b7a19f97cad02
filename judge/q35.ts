/**
 * QEMU's `q35` machine without firmware: a ROM in which the processor halts, and PCI configuration by port.
 * @module
 */
import type { Emulator } from './emulator.ts';
import { type Layout, layoutAt, RAM_MIB } from './layout.ts';
import { Qtest } from './qtest.ts';

/** Its memory begins at 0; the first MiB belongs to the board. */
export const LAYOUT: Layout = layoutAt(0);
export const BAR = 0xe0000000;
const ROM_BYTES = 65536;
const RESET_VECTOR = 0xfff0;
const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;

/** A ROM of `hlt`; `cli; hlt; jmp` at the reset vector. */
function rom(): Uint8Array {
  const bytes = new Uint8Array(ROM_BYTES).fill(0xf4);
  bytes.set([0xfa, 0xf4, 0xeb, 0xfd], RESET_VECTOR);
  return bytes;
}

async function writeConfig(qtest: Qtest, device: number, register: number, value: number): Promise<void> {
  const address = (0x80000000 | (device << 8) | register) >>> 0;
  await qtest.send(`outl 0x${CONFIG_ADDRESS.toString(16)} 0x${address.toString(16)}`);
  await qtest.send(`outl 0x${CONFIG_DATA.toString(16)} 0x${value.toString(16)}`);
}

/** Starts the machine with an IOMMU, and gives the edu device in `slot` its address. */
export async function startQ35({ program }: Emulator, iommu: string, slot: number): Promise<Qtest> {
  const qtest = await Qtest.start(program, rom(), (file) => [
    ...['-M', 'q35', '-bios', file, '-m', String(RAM_MIB), '-display', 'none', '-nodefaults'],
    ...['-accel', 'tcg', '-icount', 'shift=0,sleep=off', '-device', iommu],
    ...['-device', `edu,addr=${slot},dma_mask=0xffffffffffffffff`],
  ]);
  await writeConfig(qtest, slot << 3, 0x10, BAR);
  await writeConfig(qtest, slot << 3, 4, 6);
  return qtest;
}
