/**
 * Options and text that the verbs on tables in dumps share.
 * @module
 */
import type { Command } from 'commander';
import { parsePhysical, parseSize } from '../address.ts';
import type { Dump, SnapshotGeometry } from '../dump/types.ts';
import { InputError, IommuError } from '../errors.ts';
import { GIVEN_FORMATS, givenTables } from '../hardware/given.ts';
import type { DomainTables } from '../hardware/iommu.ts';
import { refuseAlone } from './beside.ts';
import { UsageError } from './exit.ts';

/** Geometry as given on the command line. */
export interface GeometryOptions {
  readonly root?: string[] | undefined;
  readonly format?: string | undefined;
  readonly granule?: string | undefined;
  readonly ias?: string | undefined;
  readonly oas?: string | undefined;
  readonly quirk?: string[] | undefined;
}

/** Options that describe the tables of a root: registers and snapshots say the same for themselves. */
const OF_ROOT = ['format', 'granule', 'ias', 'oas', 'quirk'];

/** Adds `--root`, `--format`, `--granule`, `--ias`, `--oas` and `--quirk`. */
export function addGeometryOptions(command: Command): Command {
  return command
    .option('--root <pa...>', 'physical address of the root table (several for DART)')
    .option('--format <id>', `table format: ${GIVEN_FORMATS.join(', ')}`)
    .option('--granule <size>', 'smallest page: 4K, 16K, 64K')
    .option('--ias <bits>', 'input address bits')
    .option('--oas <bits>', 'output address bits')
    .option('--quirk <name...>', 'quirks of the format, such as arm-ttbr1');
}

function bits(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,2}$/.test(text)) return Number(text);
  throw new UsageError(`--${name}: expected a number of bits, got ${text}`);
}

function tablesFromDump(geometry: SnapshotGeometry): DomainTables {
  try {
    return givenTables(geometry);
  } catch (cause) {
    if (!(cause instanceof IommuError)) throw cause;
    throw new InputError('MALFORMED', 'geometry of the snapshot', cause.message, cause.fields);
  }
}

/**
 * The tables that the options or the dump's own geometry describe; `undefined` if its registers have to.
 * @throws UsageError for options that only have an effect beside `--root`.
 */
export function tablesOf(
  dump: Dump,
  options: GeometryOptions,
): { tables: DomainTables; from: 'given' | 'from dump' | 'guessed' } | undefined {
  if (options.root !== undefined) {
    const roots = options.root.map((text) => parsePhysical('--root', text));
    const granule = options.granule === undefined ? undefined : parseSize(options.granule);
    const given = { ias: bits('ias', options.ias), oas: bits('oas', options.oas), granule };
    const format = options.format ?? 'arm-64-lpae-s1';
    const tables = givenTables({ format, roots, ...given, quirks: options.quirk });
    const whole = options.format !== undefined && granule !== undefined && given.ias !== undefined;
    return { tables, from: whole ? 'given' : 'guessed' };
  }
  refuseAlone(options, OF_ROOT, 'root');
  if (dump.registers === undefined && dump.geometry !== undefined) {
    return { tables: tablesFromDump(dump.geometry), from: 'from dump' };
  }
  return undefined;
}
