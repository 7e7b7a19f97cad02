/**
 * How a domain is asked for.
 * @module
 */
import { parseSize } from '../address.ts';
import { bareDriver } from '../drivers/bare.ts';
import type { DriverFactory } from '../drivers/contract.ts';
import { IommuError } from '../errors.ts';
import { type Format, type Geometry, QUIRK, type QuirkName, type TableRequest } from '../formats/contract.ts';
import { formatById } from '../formats/registry.ts';
import { SEMANTICS, type Semantics } from '../formats/rules.ts';
import { TableMemory } from '../memory/table-memory.ts';
import { Meter } from '../meter/meter.ts';
import { DISPATCHES, type Dispatch, PATHS, type Path } from './paths.ts';

/** What a domain is made of; everything has a default. */
export interface DomainOptions {
  /** Format id or a format of your own; default `arm-64-lpae-s1`. */
  readonly format?: string | Format;
  /** The whole request as the format takes it, instead of the fields from `granule` to `cpuPageSize`. */
  readonly request?: TableRequest;
  /** Smallest page, in bytes or as `4K`; default the format's first. */
  readonly granule?: number | string;
  /** Input bits; default the format's usual width. */
  readonly ias?: number;
  /** Output bits; default the format's usual width. */
  readonly oas?: number;
  /** Page sizes to offer, as a bitmap; default all that the granule has. */
  readonly pageSizes?: number;
  /** Quirks, by name or as Linux's flags. */
  readonly quirks?: number | readonly QuirkName[];
  /** Whether walks snoop the CPU's caches; default true. */
  readonly coherent?: boolean;
  /** Page size of the CPU that makes the tables; default 4096. */
  readonly cpuPageSize?: number;
  /** Memory for the tables; default a new one. */
  readonly memory?: TableMemory;
  /** `safe` (default) or `linux-6.1`. */
  readonly semantics?: Semantics;
  /** Path; default `map-pages`. */
  readonly path?: Path;
  /** Dispatch; default `indirect`. */
  readonly dispatch?: Dispatch;
  /** Driver; default one without a device. */
  readonly driver?: DriverFactory;
  /** Counting object; default a new one. */
  readonly meter?: Meter;
}

/** Options of one unmap call, under `safe`. */
export interface UnmapOptions {
  /** `refuse` (default) a range with holes, or `skip` them. */
  readonly holes?: 'refuse' | 'skip';
  /** `split` (default) blocks that stick out of the range, or `refuse` the call. */
  readonly partialBlocks?: 'split' | 'refuse';
  /** Invalidate the TLB `now` (default), or `later` by `Domain.flushAll` (a flush queue). */
  readonly invalidation?: 'now' | 'later';
}

/** Options with everything filled in. */
export interface ResolvedOptions {
  readonly geometry: Geometry;
  readonly memory: TableMemory;
  readonly meter: Meter;
  readonly semantics: Semantics;
  readonly path: Path;
  readonly dispatch: Dispatch;
  readonly driver: DriverFactory;
}

function oneOf<T extends string>(argument: string, value: T | undefined, known: readonly T[], otherwise: T): T {
  if (value === undefined) return otherwise;
  if (known.includes(value)) return value;
  throw new IommuError('BAD_OPTION', argument, `'${value}' is not among ${known.join(', ')}`);
}

/**
 * Quirk flags from names or a number.
 * @throws IommuError `BAD_QUIRK` for an unknown name.
 */
export function quirkFlags(quirks: number | readonly QuirkName[] | undefined): number {
  if (quirks === undefined) return 0;
  if (typeof quirks === 'number') return quirks;
  return quirks.reduce((flags, name) => {
    const flag = QUIRK[name];
    if (flag === undefined)
      throw new IommuError('BAD_QUIRK', 'quirks', `'${name}' is not among ${Object.keys(QUIRK).join(', ')}`);
    return flags | flag;
  }, 0);
}

function requestOf(format: Format, options: DomainOptions): TableRequest {
  const granule =
    typeof options.granule === 'string' ? parseSize(options.granule) : (options.granule ?? format.granules[0] ?? 0);
  if (!format.granules.includes(granule) && options.pageSizes === undefined) {
    throw new IommuError(
      'BAD_GEOMETRY',
      'granule',
      `${granule} is not among ${format.granules.join(', ')} of ${format.id}`,
    );
  }
  const plain = format.request(granule, options.ias, options.oas);
  return {
    ...plain,
    pageSizes: options.pageSizes ?? plain.pageSizes,
    quirks: quirkFlags(options.quirks),
    coherent: options.coherent ?? plain.coherent,
    cpuPageSize: options.cpuPageSize ?? plain.cpuPageSize,
  };
}

/**
 * Fills in defaults and asks the format.
 * @throws IommuError `UNKNOWN_FORMAT`, `BAD_GEOMETRY`, `BAD_QUIRK`, `BAD_OPTION`.
 */
export function resolveOptions(options: DomainOptions): ResolvedOptions {
  const format = typeof options.format === 'object' ? options.format : formatById(options.format ?? 'arm-64-lpae-s1');
  const path = oneOf('path', options.path, PATHS, 'map-pages');
  const semantics = oneOf('semantics', options.semantics, SEMANTICS, 'safe');
  if (path === 'one-walk' && semantics === 'linux-6.1') {
    throw new IommuError('BAD_OPTION', 'path', "'one-walk' exists under the semantics 'safe' only: no kernel has it");
  }
  return {
    geometry: format.configure(options.request ?? requestOf(format, options)),
    memory: options.memory ?? new TableMemory(),
    meter: options.meter ?? new Meter(),
    semantics,
    path,
    dispatch: oneOf('dispatch', options.dispatch, DISPATCHES, 'indirect'),
    driver: options.driver ?? bareDriver(),
  };
}
