/**
 * The explorer's tables: a list mapped by the engine, and read back as the device reads it.
 * @module
 */
import { formatSize, hex, parseAddress } from '../../src/address.ts';
import type { PhysicalReader } from '../../src/bus.ts';
import { Domain } from '../../src/core/domain.ts';
import { PATHS, type Path } from '../../src/core/paths.ts';
import { IommuError } from '../../src/errors.ts';
import { PROT } from '../../src/formats/protection.ts';
import { givenTables } from '../../src/hardware/given.ts';
import type { Regime } from '../../src/hardware/walk/regime.ts';
import type { Access, Walk } from '../../src/hardware/walk/types.ts';
import { Walker } from '../../src/hardware/walk/walker.ts';
import { COUNT_NAMES } from '../../src/meter/meter.ts';
import { parseList } from './list.ts';

/** What the explorer is asked for, as the address has it. */
export interface Asked {
  readonly format: string;
  /** Bytes of the smallest page. */
  readonly granule: number;
  readonly path: string;
  /** Input address of the first element. */
  readonly iova: string;
  readonly list: string;
}

/** Values that a user put into entries, by physical address. */
export type Edits = ReadonlyMap<number, bigint>;

/** Tables to look at. */
export interface Tables {
  readonly regime: Regime;
  readonly reader: PhysicalReader;
  readonly walk: (iova: bigint, access: Access) => Walk;
  /** One line about the geometry. */
  readonly summary: string;
  /** What was mapped, and by how much work; in words. */
  readonly note: string;
  /** Address that is looked at first. */
  readonly iova: bigint;
}

/** Tables of a list, before the user's edits. */
export interface MappedList {
  readonly regime: Regime;
  readonly reader: PhysicalReader;
  readonly entryBytes: 4 | 8;
  readonly summary: string;
  readonly note: string;
  readonly iova: bigint;
}

/** A memory with some entries changed; an edit covers 8 bytes, or 4 where entries are 32 bits. */
function edited(reader: PhysicalReader, edits: Edits, entryBytes: 4 | 8): PhysicalReader {
  const read32 = (address: number): number | undefined => {
    const start = address - (address % entryBytes);
    const value = edits.get(start);
    if (value === undefined) return reader.read32(address);
    return Number(BigInt.asUintN(32, value >> BigInt((address - start) * 8)));
  };
  const read64 = (address: number): bigint | undefined => {
    const [lo, hi] = [read32(address), read32(address + 4)];
    return lo === undefined || hi === undefined ? undefined : (BigInt(hi) << 32n) | BigInt(lo);
  };
  return { read32, read64 };
}

function pathOf(text: string): Path {
  const path = PATHS.find((one) => one === text);
  if (path === undefined) throw new IommuError('BAD_OPTION', 'path', `expected ${PATHS.join(', ')}, got '${text}'`);
  return path;
}

/**
 * Maps a list.
 * @throws InputError, IommuError as the list, the geometry and the mapping have them.
 */
export function mapList({ format, granule, path, iova, list }: Asked): MappedList {
  const elements = parseList(list);
  const domain = new Domain({ format, granule, path: pathOf(path) });
  const start = parseAddress(iova);
  const { bytes } = domain.mapSg(start, elements, PROT.READ | PROT.WRITE);
  const { geometry, memory, meter, table } = domain;
  const roots = table.tree.roots.map((offset) => offset + memory.base);
  const { regime } = givenTables({ format: geometry.format, roots, granule, ias: geometry.ias, oas: geometry.oas });
  const counts = COUNT_NAMES.flatMap((name) =>
    meter[name] === 0 ? [] : [`${name} ${meter[name].toLocaleString('en-US')}`],
  );
  return {
    regime,
    reader: memory,
    entryBytes: geometry.entryBytes,
    summary: `${geometry.ias}-bit input, ${geometry.oas}-bit output, ${regime.summary}`,
    note: `${formatSize(bytes)} mapped from ${hex(start)} in ${memory.liveTables} table pages. ${counts.join(', ')}`,
    iova: start,
  };
}

/** The tables of a list as the device sees them, with the user's edits. */
export function withEdits({ regime, reader: memory, entryBytes, ...words }: MappedList, edits: Edits): Tables {
  const reader = edits.size === 0 ? memory : edited(memory, edits, entryBytes);
  const walker = new Walker(reader, regime);
  return { ...words, regime, reader, walk: (address, access) => walker.walk(address, access) };
}
