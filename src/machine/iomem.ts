/**
 * The physical memory map of a machine, from the text of `/proc/iomem`.
 * @module
 */
import { checkText } from '../errors.ts';

/** One line of `/proc/iomem`. */
export interface MemoryRegion {
  readonly start: number;
  readonly bytes: number;
  readonly name: string;
  /** Nesting: 0 for the outermost regions. */
  readonly depth: number;
}

/** A memory map. */
export class MemoryMap {
  readonly regions: readonly MemoryRegion[];
  /** True where the kernel hid the addresses: `/proc/iomem` read without privileges has zeros only. */
  readonly hidden: boolean;

  constructor(regions: readonly MemoryRegion[], hidden: boolean) {
    this.regions = regions;
    this.hidden = hidden;
  }

  /** The innermost region that holds an address. */
  at(address: number): MemoryRegion | undefined {
    let found: MemoryRegion | undefined;
    for (const region of this.regions) {
      const inside = address >= region.start && address - region.start < region.bytes;
      if (inside && (found === undefined || region.depth >= found.depth)) found = region;
    }
    return found;
  }

  /** True for system memory; undefined where the map does not say. */
  isRam(address: number): boolean | undefined {
    if (this.hidden || this.regions.length === 0) return undefined;
    return this.regions.some(
      ({ start, bytes, name, depth }) =>
        depth === 0 && name === 'System RAM' && address >= start && address - start < bytes,
    );
  }
}

const LINE = /^( *)([0-9a-f]{1,16})-([0-9a-f]{1,16}) : (.{1,200})$/i;

/** Reads `/proc/iomem`; other lines are passed over. */
export function parseIomem(text: string): MemoryMap {
  checkText('text', text);
  const regions: MemoryRegion[] = [];
  let zeros = 0;
  for (const line of text.split('\n')) {
    const match = LINE.exec(line.slice(0, 400));
    if (match === null) continue;
    const [, indent = '', first = '0', last = '0', name = ''] = match;
    const [start, end] = [Number.parseInt(first, 16), Number.parseInt(last, 16)];
    if (start === 0 && end === 0) zeros++;
    else if (end >= start) regions.push({ start, bytes: end - start + 1, name: name.trim(), depth: indent.length / 2 });
  }
  return new MemoryMap(regions, regions.length === 0 && zeros > 0);
}
