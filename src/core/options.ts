/**
 * How a domain is asked for.
 * @module
 */
import { hex, parseSize } from '../address.ts';
import { bareDriver } from '../drivers/bare.ts';
import type { DriverFactory } from '../drivers/contract.ts';
import { checkOptions, IommuError, reading, shown } from '../errors.ts';
import type { Format, Geometry, TableRequest } from '../formats/contract.ts';
import { QUIRK, type QuirkName } from '../formats/quirks.ts';
import { formatById } from '../formats/registry.ts';
import { rulesOf, SEMANTICS, type Semantics } from '../formats/rules.ts';
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
  /** `safe` (default), or a kernel that has the format. */
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
  throw new IommuError('BAD_OPTION', argument, `expected ${known.join(', ')}, got ${shown(value)}`);
}

/**
 * Quirk flags from names or a number.
 * @throws IommuError `BAD_QUIRK` for an unknown name.
 */
export function quirkFlags(quirks: number | readonly QuirkName[] | undefined): number {
  if (quirks === undefined) return 0;
  if (typeof quirks === 'number') return quirks;
  const names: readonly QuirkName[] = quirks;
  if (!Array.isArray(quirks)) {
    throw new IommuError('BAD_QUIRK', 'quirks', `expected names or flags, got ${shown(quirks)}`);
  }
  return names.reduce((flags, name) => {
    const flag = Object.hasOwn(QUIRK, name) ? QUIRK[name] : undefined;
    if (flag === undefined)
      throw new IommuError('BAD_QUIRK', 'quirks', `expected ${Object.keys(QUIRK).join(', ')}, got ${shown(name)}`);
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
      `expected ${format.granules.map(hex).join(', ')} for ${format.id}, got ${Number.isSafeInteger(granule) ? hex(granule) : shown(granule)}`,
    );
  }
  for (const name of ['ias', 'oas', 'pageSizes', 'cpuPageSize'] as const) checkWhole(name, options[name]);
  const quirks = options.quirks === undefined ? undefined : quirkFlags(options.quirks);
  const plain = format.request(granule, options.ias, options.oas, quirks);
  return {
    ...plain,
    pageSizes: options.pageSizes ?? plain.pageSizes,
    quirks: quirks ?? plain.quirks,
    coherent: booleanOr('coherent', options.coherent, plain.coherent),
    cpuPageSize: options.cpuPageSize ?? plain.cpuPageSize,
  };
}

/**
 * Fills in defaults and asks the format.
 * @throws IommuError `UNKNOWN_FORMAT`, `BAD_GEOMETRY`, `BAD_QUIRK`, `BAD_OPTION`.
 */
export function resolveOptions(options: DomainOptions): ResolvedOptions {
  checkOptions('options', options);
  return reading('options', () => resolve(options));
}

/** An option that must be made by this library, or undefined. */
function madeHere<T>(argument: string, value: T | undefined, kind: new (...args: never[]) => T): T | undefined {
  if (value === undefined || value instanceof kind) return value;
  throw new IommuError('BAD_OPTION', argument, `expected a ${kind.name}, got ${shown(value)}`);
}

function booleanOr(argument: string, value: boolean | undefined, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value === 'boolean') return value;
  throw new IommuError('BAD_OPTION', argument, `expected true or false, got ${shown(value)}`);
}

/** Bits or a bitmap, where they are given. */
function checkWhole(argument: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return;
  throw new IommuError('BAD_GEOMETRY', argument, `expected a whole number, got ${shown(value)}`);
}

function driverOr(driver: DriverFactory | undefined): DriverFactory {
  if (driver === undefined) return bareDriver();
  if (typeof driver === 'function') return driver;
  throw new IommuError('BAD_OPTION', 'driver', `expected a function, got ${shown(driver)}`);
}

/** Choices of unmap calls, checked once: the same object may be passed to any number of calls. */
export class UnmapChoices implements Required<UnmapOptions> {
  /** What is done about holes. */
  readonly holes: 'refuse' | 'skip';
  /** What is done about blocks that stick out of the range. */
  readonly partialBlocks: 'split' | 'refuse';
  /** When the TLB is invalidated. */
  readonly invalidation: 'now' | 'later';
  readonly #checked = true;

  private constructor({ holes, partialBlocks, invalidation }: Required<UnmapOptions>) {
    this.holes = holes;
    this.partialBlocks = partialBlocks;
    this.invalidation = invalidation;
    Object.freeze(this);
  }

  /**
   * The choices of options; those that were checked before are not checked again.
   * @throws IommuError `BAD_OPTION` for a value that an option does not have.
   */
  static of(options: UnmapOptions): UnmapChoices {
    if (typeof options === 'object' && options !== null && #checked in options) return options;
    checkOptions('options', options);
    return new UnmapChoices(
      reading('options', () => ({
        holes: oneOf('holes', options.holes, ['refuse', 'skip'], 'refuse'),
        partialBlocks: oneOf('partialBlocks', options.partialBlocks, ['split', 'refuse'], 'split'),
        invalidation: oneOf('invalidation', options.invalidation, ['now', 'later'], 'now'),
      })),
    );
  }
}

/** What an unmap call has by default. */
export const PLAIN_UNMAP: UnmapChoices = UnmapChoices.of({});

function resolve(options: DomainOptions): ResolvedOptions {
  const format = typeof options.format === 'object' ? options.format : formatById(options.format ?? 'arm-64-lpae-s1');
  const path = oneOf('path', options.path, PATHS, 'map-pages');
  const semantics = oneOf('semantics', options.semantics, SEMANTICS, 'safe');
  const geometry = format.configure({ ...(options.request ?? requestOf(format, options)), semantics });
  if (path === 'one-walk' && semantics !== 'safe' && rulesOf(geometry, semantics).request !== 'range') {
    throw new IommuError(
      'BAD_OPTION',
      'path',
      `expected a path that a kernel has for ${geometry.format}, got 'one-walk', which exists under 'safe' only`,
    );
  }
  return {
    geometry,
    memory: madeHere('memory', options.memory, TableMemory) ?? new TableMemory(),
    meter: madeHere('meter', options.meter, Meter) ?? new Meter(),
    semantics,
    path,
    dispatch: oneOf('dispatch', options.dispatch, DISPATCHES, 'indirect'),
    driver: driverOr(options.driver),
  };
}
