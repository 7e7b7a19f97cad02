/** Small systems, one a unit: a table tree of 4 KiB pages, one stream, commands written by hand. */
import { LiveAmdVi } from '../../src/device/amd-vi/amd-vi.ts';
import { LiveRiscv } from '../../src/device/riscv/riscv.ts';
import { LiveSmmuV3 } from '../../src/device/smmu-v3/smmu-v3.ts';
import type { LiveUnit, UnitOptions } from '../../src/device/unit.ts';
import { LiveVtd } from '../../src/device/vt-d/vt-d.ts';
import { Ram } from './memory.ts';

/** What one unit's test system can do. Commands take effect in the unit's queue at once. */
export interface TestSystem {
  readonly name: string;
  readonly ram: Ram;
  readonly unit: LiveUnit;
  readonly stream: number;
  readonly root: number;
  /** Domain and address space of its tables. */
  readonly tag: { readonly domain: number; readonly space: number };
  /** Address of the entry of a page or, at depth 2, of 2 MiB, with tables above it made. */
  entry(iova: number, depth?: number): number;
  map(iova: number, pa: number, depth?: number): void;
  unmap(iova: number, depth?: number): void;
  /** Asks for an address, leaves only or all levels. */
  invalidate(iova: number, leafOnly: boolean): void;
  /** Asks for everything of the tag. */
  invalidateTag(tag?: number): void;
  /** Asks for the configuration of the stream. */
  invalidateConfig(): void;
  /** Asks for the device's TLB. */
  invalidateDevice(iova: number): void;
  /** Writes the completion command. */
  sync(): void;
  /** Writes a command as it is. */
  command(...quads: bigint[]): void;
}

interface Parts {
  readonly name: string;
  readonly levels: number;
  readonly table: (address: number) => bigint;
  readonly leaf: (pa: number, depth: number) => bigint;
  readonly pageOf: (entry: bigint) => number;
}

/** Index bits are 9 a level in all four formats. */
function tree(ram: Ram, root: number, { levels, table, leaf, pageOf }: Parts) {
  const entry = (iova: number, depth = levels - 1): number => {
    let at = root;
    for (let d = 0; d < depth; d++) {
      const slot = at + (Math.floor(iova / 2 ** (12 + 9 * (levels - 1 - d))) % 512) * 8;
      const value = ram.read64(slot) ?? 0n;
      at = value === 0n ? ram.page() : pageOf(value);
      if (value === 0n) ram.write64(slot, table(at));
    }
    return at + (Math.floor(iova / 2 ** (12 + 9 * (levels - 1 - depth))) % 512) * 8;
  };
  return {
    entry,
    map: (iova: number, pa: number, depth = levels - 1) => void ram.write64(entry(iova, depth), leaf(pa, depth)),
    unmap: (iova: number, depth = levels - 1) => void ram.write64(entry(iova, depth), 0n),
  };
}

const big = (value: number): bigint => BigInt(value);

/** Stage 1 with ASID 5, VMID 0, stream 3. */
export function smmuV3System(options: UnitOptions = {}): TestSystem {
  const ram = new Ram();
  const [strtab, cd, root, queue, events] = [ram.page(), ram.page(), ram.page(), ram.page(), ram.page()];
  const unit = new LiveSmmuV3(ram, options);
  ram.put(cd, (5n << 48n) | (0x6204n << 32n) | 0xc000_3510n, big(root), 0n, 0xff440cn);
  ram.put(strtab + 3 * 64, big(cd) | 0xbn, (1n << 28n) | 0xd6n);
  unit.write64(0x80, big(strtab));
  unit.write32(0x88, 6);
  unit.write64(0x90, big(queue) | 8n);
  unit.write64(0xa0, big(events) | 7n);
  unit.write32(0x20, 0xd);
  const parts: Parts = {
    name: 'arm-smmu-v3',
    levels: 4,
    table: (at) => big(at) | 3n,
    leaf: (pa, depth) => big(pa) | (depth === 3 ? 0xf43n : 0xf41n),
    pageOf: (value) => Number(value & 0xffff_ffff_f000n),
  };
  let prod = 0;
  const command = (...quads: bigint[]): void => {
    ram.put(queue + (prod % 256) * 16, ...quads);
    prod = (prod + 1) % 512;
    unit.write32(0x98, prod);
  };
  return {
    ...parts,
    ram,
    unit,
    root,
    stream: 3,
    tag: { domain: 0, space: 5 },
    ...tree(ram, root, parts),
    command,
    invalidate: (iova, leafOnly) => command((5n << 48n) | 0x12n, big(iova) | (leafOnly ? 1n : 0n)),
    invalidateTag: (tag = 5) => command((big(tag) << 48n) | 0x11n, 0n),
    invalidateConfig: () => command((3n << 32n) | 3n, 1n),
    invalidateDevice: (iova) => command((3n << 32n) | 0x40n, big(iova)),
    sync: () => command(0x46n, 0n),
  };
}

/** Second stage of domain 4, source-id 0x10, legacy mode. */
export function vtdSystem(options: UnitOptions & { readonly cap?: bigint } = {}): TestSystem {
  const ram = new Ram();
  const [rootTable, contexts, root, queue, status] = [ram.page(), ram.page(), ram.page(), ram.page(), ram.page()];
  const unit = new LiveVtd(ram, options);
  ram.put(rootTable, big(contexts) | 1n, 0n);
  ram.put(contexts + 0x10 * 16, big(root) | 5n, (4n << 8n) | 2n);
  unit.write64(0x20, big(rootTable));
  unit.write64(0x90, big(queue));
  unit.write32(0x18, 0x4000_0000);
  unit.write32(0x18, 0x8400_0000);
  const parts: Parts = {
    name: 'intel-vtd',
    levels: 4,
    table: (at) => big(at) | 3n,
    leaf: (pa, depth) => big(pa) | (depth === 3 ? 3n : 0x83n),
    pageOf: (value) => Number(value & 0xffff_ffff_f000n),
  };
  let tail = 0;
  const command = (...quads: bigint[]): void => {
    ram.put(queue + tail, ...quads);
    tail = (tail + 16) % 4096;
    unit.write64(0x88, big(tail));
  };
  return {
    ...parts,
    ram,
    unit,
    root,
    stream: 0x10,
    tag: { domain: 4, space: -1 },
    ...tree(ram, root, parts),
    command,
    invalidate: (iova, leafOnly) => command(0x400f2n, big(iova) | (leafOnly ? 0x40n : 0n)),
    invalidateTag: (tag = 4) => command((big(tag) << 16n) | 0xe2n, 0n),
    invalidateConfig: () => command((0x10n << 32n) | (4n << 16n) | 0x31n, 0n),
    invalidateDevice: (iova) => command((0x10n << 32n) | 3n, big(iova)),
    sync: () => command(0x2_0000_0025n, big(status)),
  };
}

/** Host tables of domain 5, DeviceID 0x20. */
export function amdSystem(options: UnitOptions & { readonly npCache?: boolean } = {}): TestSystem {
  const ram = new Ram();
  const [table, root, queue, events, slot] = [ram.page(2), ram.page(), ram.page(), ram.page(), ram.page()];
  const unit = new LiveAmdVi(ram, options);
  ram.put(table + 0x20 * 32, big(root) | (3n << 61n) | (4n << 9n) | 3n, 5n, 0n, 0n);
  unit.write64(0x0, big(table) | 1n);
  unit.write64(0x8, big(queue) | (8n << 56n));
  unit.write64(0x10, big(events) | (8n << 56n));
  unit.write64(0x18, 0x1005n);
  const rights = 3n << 61n;
  const parts: Parts = {
    name: 'amd-vi',
    levels: 4,
    table: (at) => big(at) | 1n | rights,
    leaf: (pa) => big(pa) | 1n | rights,
    pageOf: (value) => Number(value & 0xffff_ffff_f000n),
  };
  // Next-level field, bits 11:9: the level of the table below
  const nextLevel = (depth: number): bigint => big(3 - depth) << 9n;
  const plain = tree(ram, root, parts);
  const entry = (iova: number, depth = 3): number => {
    const at = plain.entry(iova, depth);
    for (let d = 0; d < depth; d++) {
      const above = plain.entry(iova, d);
      ram.write64(above, ((ram.read64(above) ?? 0n) & ~0xe00n) | nextLevel(d));
    }
    return at;
  };
  let tail = 0;
  const command = (...quads: bigint[]): void => {
    ram.put(queue + tail, ...quads);
    tail = (tail + 16) % 4096;
    unit.write64(0x2008, big(tail));
  };
  return {
    ...parts,
    ram,
    unit,
    root,
    stream: 0x20,
    tag: { domain: 5, space: -1 },
    entry,
    map: (iova, pa, depth = 3) => void ram.write64(entry(iova, depth), parts.leaf(pa, depth)),
    unmap: (iova, depth = 3) => void ram.write64(entry(iova, depth), 0n),
    command,
    invalidate: (iova, leafOnly) => command((3n << 60n) | (5n << 32n), big(iova) | (leafOnly ? 0n : 2n)),
    invalidateTag: (tag = 5) => command((3n << 60n) | (big(tag) << 32n), 0x7fff_ffff_ffff_f003n),
    invalidateConfig: () => command((2n << 60n) | 0x20n, 0n),
    invalidateDevice: (iova) => command((4n << 60n) | 0x20n, big(iova)),
    sync: () => command((1n << 60n) | big(slot) | 1n, 7n),
  };
}

/** First stage Sv39 with PSCID 6, device_id 0x10. */
export function riscvSystem(options: UnitOptions = {}): TestSystem {
  const ram = new Ram();
  const [ddt, root, queue, faults] = [ram.page(), ram.page(), ram.page(), ram.page()];
  const unit = new LiveRiscv(ram, { capabilities: 0x0df8_e2cf_4f10n & ~(3n << 22n), ...options });
  ram.put(ddt + 0x10 * 32, 1n, 0n, 6n << 12n, (8n << 60n) | big(root / 4096));
  unit.write64(16, (big(ddt / 4096) << 10n) | 2n);
  unit.write64(24, (big(queue / 4096) << 10n) | 7n);
  unit.write64(40, (big(faults / 4096) << 10n) | 6n);
  unit.write32(72, 1);
  unit.write32(76, 1);
  const parts: Parts = {
    name: 'riscv-iommu',
    levels: 3,
    table: (at) => (big(at / 4096) << 10n) | 1n,
    leaf: (pa) => (big(pa / 4096) << 10n) | 0xd7n,
    pageOf: (value) => Number((value >> 10n) & 0xfff_ffff_ffffn) * 4096,
  };
  let tail = 0;
  const command = (...quads: bigint[]): void => {
    ram.put(queue + tail * 16, ...quads);
    tail = (tail + 1) % 256;
    unit.write32(36, tail);
  };
  return {
    ...parts,
    ram,
    unit,
    root,
    stream: 0x10,
    tag: { domain: 0x10000, space: 6 },
    ...tree(ram, root, parts),
    command,
    invalidate: (iova, leafOnly) =>
      command((leafOnly ? 0n : 1n << 34n) | (1n << 32n) | (6n << 12n) | (1n << 10n) | 1n, big(iova / 4096) << 10n),
    invalidateTag: (tag = 6) => command((1n << 32n) | (big(tag) << 12n) | 1n, 0n),
    invalidateConfig: () => command((0x10n << 40n) | (1n << 33n) | 3n, 0n),
    invalidateDevice: (iova) => command((0x10n << 40n) | 4n, big(iova)),
    sync: () => command(0x3002n, 0n),
  };
}

/** Every unit with tables. */
export const SYSTEMS: readonly (readonly [string, (options?: UnitOptions) => TestSystem])[] = [
  ['arm-smmu-v3', smmuV3System],
  ['intel-vtd', vtdSystem],
  ['amd-vi', amdSystem],
  ['riscv-iommu', riscvSystem],
];
