/**
 * Names of physical memory from `/proc/iomem`.
 * @module
 */

/** A named range of physical addresses, both ends inclusive. */
export interface MemoryRegion {
  readonly start: number;
  readonly last: number;
  readonly name: string;
}

const LINE = /^\s*([0-9a-f]{1,16})-([0-9a-f]{1,16}) : (\S[^\n]*)$/i;
const MOST_REGIONS = 100_000;

/** Reads the regions in the order of the file, outer ones before inner ones; lines of other kinds are passed over. */
export function parseIomem(text: string): MemoryRegion[] {
  const regions: MemoryRegion[] = [];
  for (const line of text.split('\n')) {
    const match = LINE.exec(line.slice(0, 1000).trimEnd());
    if (match === null || regions.length >= MOST_REGIONS) continue;
    const [start, last] = [Number(`0x${match[1]}`), Number(`0x${match[2]}`)];
    if (last > start) regions.push({ start, last, name: match[3] ?? '' });
  }
  return regions;
}

/** The innermost region that holds an address: of those that do, the last of the file. */
export function regionAt(regions: readonly MemoryRegion[], address: number): string | undefined {
  return regions.findLast(({ start, last }) => start <= address && address <= last)?.name;
}
