/**
 * The explorer's tables: a list mapped by the engine, and read back as the device reads it.
 * @module
 */
import { parseAddress } from '../../src/address.ts';
import type { PhysicalReader } from '../../src/bus.ts';
import { Domain } from '../../src/core/domain.ts';
import { PATHS, type Path } from '../../src/core/paths.ts';
import { IommuError } from '../../src/errors.ts';
import { PROT } from '../../src/formats/protection.ts';
import { givenTables } from '../../src/hardware/given.ts';
import type { Regime } from '../../src/hardware/walk/regime.ts';
import type { Walk } from '../../src/hardware/walk/types.ts';
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

/** Tables of a list. */
export interface Tables {
  readonly regime: Regime;
  readonly reader: PhysicalReader;
  readonly walk: (iova: bigint) => Walk;
  /** First input address and bytes that are mapped. */
  readonly iova: bigint;
  readonly bytes: number;
  readonly tablePages: number;
  /** Counts of the work that are not zero. */
  readonly counts: readonly (readonly [string, number])[];
  readonly summary: string;
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
 * Maps a list and gives the tables as the device sees them, with the user's edits.
 * @throws InputError, IommuError as the list, the geometry and the mapping have them.
 */
export function mapAsked({ format, granule, path, iova, list }: Asked, edits: Edits): Tables {
  const elements = parseList(list);
  const domain = new Domain({ format, granule, path: pathOf(path) });
  const start = parseAddress(iova);
  const { bytes } = domain.mapSg(start, elements, PROT.READ | PROT.WRITE);
  const { geometry, memory, meter, table } = domain;
  const roots = table.tree.roots.map((offset) => offset + memory.base);
  const { regime } = givenTables({ format: geometry.format, roots, granule, ias: geometry.ias, oas: geometry.oas });
  const reader = edits.size === 0 ? memory : edited(memory, edits, geometry.entryBytes);
  const walker = new Walker(reader, regime);
  return {
    regime,
    reader,
    walk: (address) => walker.walk(address),
    iova: start,
    bytes,
    tablePages: memory.liveTables,
    counts: COUNT_NAMES.flatMap((name) => (meter[name] === 0 ? [] : [[name, meter[name]] as const])),
    summary: `${geometry.ias}-bit input, ${geometry.oas}-bit output, ${regime.summary}`,
  };
}
