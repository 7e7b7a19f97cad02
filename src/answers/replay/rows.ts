/**
 * The rows of a replay: how they are named, ordered and put side by side.
 * @module
 */
import { formatSize } from '../../address.ts';
import type { Path } from '../../core/paths.ts';
import { type Prediction, predictMeter } from '../../cost/predict.ts';
import type { Profile } from '../../cost/profile.ts';
import type { CommandTotals } from '../../meter/commands.ts';
import type { Counts } from '../../meter/meter.ts';
import type { RowSpec } from '../../replay/row.ts';
import type { RowRefusal, RowReport } from '../../replay/row-report.ts';
import type { Cell, Column, Table } from '../../report/table.ts';
import { PATH_WORDS } from '../paths.ts';
import { completionsOf } from './commands.ts';
import { crossings, crossingsByLayer, LAYERS } from './layers.ts';

/** Kernels that take each path; empty for a path that no kernel has. */
export const KERNELS: Readonly<Record<Path, string>> = {
  'per-page': PATH_WORDS['per-page'],
  'map-pages': PATH_WORDS['map-pages'],
  'map-sg': '',
  'one-walk': '',
};

/** One row of the JSON answer. Sums of bytes are numbers; times are nanoseconds. */
export interface RowData extends Omit<RowSpec, 'granule' | 'device'> {
  readonly granule: string;
  /** Id of the driver. */
  readonly driver: string;
  /** Kernel whose driver it is; null where kernels do not differ. */
  readonly driverKernel: string | null;
  /** The release of Linux that `driverKernel` stands for; null where it is its own. */
  readonly driverKernelFor: string | null;
  /** Features of the device that decide which commands are sent. */
  readonly features: Readonly<Record<string, boolean | number>>;
  /** Whether nothing names the traced machine's IOMMU, so that this one stands in for it. */
  readonly deviceAssumed: boolean;
  /** Whether the kernel of the driver is assumed. */
  readonly kernelAssumed: boolean;
  /** Commands that the driver sent, by kind; null where its device has no queue. */
  readonly commands: CommandTotals | null;
  /** Kernels that take this path; null where none does. */
  readonly kernel: string | null;
  readonly measuredNs: number;
  readonly predictedNs: number | null;
  readonly predicted: Prediction | null;
  readonly byLayer: object;
  readonly crossings: number;
  readonly counts: Counts;
  /** Most tables, and most bytes of tables, live at once. */
  readonly tablePages: number;
  readonly tableBytes: number;
  /** Bytes that the trace asked to map, and that this row mapped for them. */
  readonly askedBytes: number;
  readonly mappedBytes: number;
  readonly leaves: Readonly<Record<string, number>>;
  readonly refused: readonly RowRefusal[];
}

function byLayer(counts: Counts): object {
  return {
    core: { turns: counts.coreTurns, calls: counts.driverCalls },
    driver: { calls: counts.tableCalls, registerWrites: counts.registerWrites, registerReads: counts.registerReads },
    power: {
      gets: counts.powerGets,
      puts: counts.powerPuts,
      resumes: counts.powerResumes,
      suspends: counts.powerSuspends,
    },
    pageTable: { walks: counts.walks, reads: counts.tableReads, writes: counts.entryWrites, splits: counts.splits },
    memory: { allocated: counts.tablesAllocated, freed: counts.tablesFreed, zeroedBytes: counts.zeroedBytes },
    cache: { cleans: counts.cleanCalls, bytes: counts.cleanBytes, wmb: counts.wmb, dmaWmb: counts.dmaWmb },
    tlb: { address: counts.tlbAddress, lastLevel: counts.tlbLastLevel, asid: counts.tlbAsid, sync: counts.tlbSync },
  };
}

function rowData(row: RowReport, profile: Profile | null): RowData {
  const { spec, counts } = row;
  const { device, ...choices } = spec;
  const commands = row.commands ?? null;
  const predicted = profile === null ? null : predictMeter(profile, row.work);
  return {
    ...choices,
    granule: formatSize(spec.granule),
    driver: device.driver,
    driverKernel: device.kernel ?? null,
    driverKernelFor: device.kernelFor ?? null,
    features: device.features,
    deviceAssumed: device.assumed,
    kernelAssumed: device.kernelAssumed,
    commands,
    kernel: KERNELS[spec.path] || null,
    measuredNs: Math.round(row.milliseconds * 1e6),
    predictedNs: predicted?.ns ?? null,
    predicted,
    byLayer: byLayer(counts),
    crossings: crossings({ counts, commands }),
    counts,
    tablePages: row.peakTables,
    tableBytes: row.peakTableBytes,
    askedBytes: row.askedBytes,
    mappedBytes: row.mappedBytes,
    leaves: Object.fromEntries(row.leaves.map(([size, count]) => [formatSize(size), count])),
    refused: row.refusals,
  };
}

/** Calls that a row refused: it did less than it was asked for. */
export function refusedCalls({ refused }: RowData): number {
  return refused.reduce((sum, { count }) => sum + count, 0);
}

/** The rows, fewest crossings first; those that refused calls last. */
export function rowsOf(reports: readonly RowReport[], profile: Profile | null): RowData[] {
  const rows = reports.map((one) => rowData(one, profile));
  return rows.toSorted((a, b) => refusedCalls(a) - refusedCalls(b) || a.crossings - b.crossings);
}

/** A part of a row that a choice can vary. */
export type RowPart = Exclude<keyof RowSpec, 'device' | 'tracedPage'> | 'driver';

/** What names a row. */
export type RowChoices = Pick<RowData, RowPart>;

/** How each part is said. */
const PARTS: Readonly<Record<RowPart, (row: RowChoices) => string>> = {
  driver: ({ driver }) => driver,
  path: ({ path }) => path,
  dispatch: ({ dispatch }) => dispatch,
  format: ({ format }) => format,
  granule: ({ granule }) => granule,
  iova: ({ iova }) => `iova ${iova}`,
  physical: ({ physical }) => `physical ${physical}`,
  tlb: ({ tlb }) => `tlb ${tlb}`,
};

/** All parts. */
export const ROW_PARTS: readonly RowPart[] = Object.keys(PARTS) as RowPart[];

/** A granule above the traced page hands addresses out anew: then the granule says how, and the addresses are not a choice. */
function followsGranule(rows: readonly RowChoices[]): boolean {
  const granules = new Set(rows.map(({ granule }) => granule)).size;
  return granules > 1 && new Set(rows.map(({ granule, iova }) => `${granule} ${iova}`)).size === granules;
}

/** The parts in which the rows differ by choice. */
export function varyingParts(rows: readonly RowChoices[]): RowPart[] {
  const varying = ROW_PARTS.filter((part) => new Set(rows.map(PARTS[part])).size > 1);
  return varying.filter((part) => part !== 'iova' || !followsGranule(rows));
}

/** A row's name before it is replayed. */
export function rowSpecTitle({ device, path, dispatch, format, granule, iova, physical, tlb }: RowSpec): string {
  const whatIf = [
    iova === 'keep' ? '' : `iova ${iova}`,
    physical === 'keep' ? '' : physical,
    tlb === 'strict' ? '' : tlb,
  ];
  return [path, dispatch, device.driver, format, formatSize(granule), ...whatIf.filter((word) => word !== '')].join(
    ' ',
  );
}

/** A row by the given parts: its name where only they vary. */
export function rowTitle(row: RowChoices, parts: readonly RowPart[] = ROW_PARTS): string {
  return parts.map((part) => PARTS[part](row)).join(', ');
}

function sharedTitle(rows: readonly RowData[], varying: readonly RowPart[]): string {
  const [first] = rows;
  const shared = ROW_PARTS.filter((part) => !varying.includes(part) && new Set(rows.map(PARTS[part])).size === 1);
  const unusual = shared.filter((part) => !['keep', 'strict'].includes(String(first?.[part])));
  return first === undefined ? '' : unusual.map((part) => PARTS[part](first)).join(', ');
}

/** Columns that are left out where no row has anything in them. */
const OFTEN_EMPTY: readonly string[] = ['cache cleans', 'power', 'completions', 'TLB'];

/** Order in which columns go where a terminal is narrow: those without a number stay. */
const COUNT_COLUMNS: readonly (Column & { readonly of: (row: RowData) => Cell })[] = [
  { title: 'crossings', unit: 'count', of: (row) => row.crossings },
  ...LAYERS.map(([title], i) => ({
    title,
    unit: 'count' as const,
    drop: [4, 6, 5, 1, 2, 8, 3][i] ?? 9,
    of: (row: RowData) => crossingsByLayer(row)[i] ?? 0,
  })),
  { title: 'completions', unit: 'count', drop: 1, of: (row) => completionsOf(row) },
  { title: 'tables', unit: 'bytes', drop: 7, of: (row) => row.tableBytes },
  { title: 'mapped', unit: 'bytes', drop: 9, of: (row) => row.mappedBytes },
];

function withoutOf({ of: _, ...column }: (typeof COUNT_COLUMNS)[number]): Column {
  return column;
}

/** `TLB` for devices with registers, `commands` for those with a queue. */
function commandsTitle(rows: readonly RowData[]): string {
  const queues = rows.filter(({ commands }) => commands !== null).length;
  return queues === 0 ? 'TLB' : queues === rows.length ? 'commands' : 'TLB or commands';
}

/** The rows with their crossings by layer. */
export function rowsTable(rows: readonly RowData[]): Table {
  const varying = varyingParts(rows);
  const others = varying.filter((part) => part !== 'path');
  const shown = COUNT_COLUMNS.filter(
    ({ title, of }) => !OFTEN_EMPTY.includes(title) || rows.some((row) => (of(row) ?? 0) !== 0),
  ).map((column) => (column.title === 'TLB' ? { ...column, title: commandsTitle(rows) } : column));
  const shared = sharedTitle(rows, ['driver', 'path', ...others]);
  const drivers = [...new Set(rows.map(({ driver }) => driver))];
  const driverWords = drivers.length === 1 ? `driver ${drivers[0]}` : `${drivers.length} drivers`;
  return {
    title: `Crossings by path, fewest first (${shared === '' ? '' : `${shared}; `}${driverWords})`,
    columns: [
      { title: 'path' },
      ...others.map((title) => ({ title })),
      { title: 'where', drop: 11 },
      ...shown.map(withoutOf),
    ],
    rows: rows.map((row) => [
      row.path,
      ...others.map((part) => row[part]),
      { text: PATH_WORDS[row.path], tone: row.kernel === null ? 'muted' : 'good' },
      ...shown.map(({ of }) => of(row)),
    ]),
  };
}

/** All rows and counts, for CSV. */
export function rowsCsv(rows: readonly RowData[]): Table {
  const parts = [...ROW_PARTS.filter((part) => part !== 'driver'), 'driver', 'kernel'] as const;
  const bytes = ['tableBytes', 'askedBytes', 'mappedBytes'] as const;
  const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const names = Object.keys(rows[0]?.counts ?? {}) as (keyof Counts)[];
  return {
    columns: [
      ...parts.map((title) => ({ title })),
      { title: 'crossings', name: 'crossings' },
      ...bytes.map((title) => ({ title, name: snake(title) })),
      { title: 'predicted', name: 'predicted_ns' },
      { title: 'measured', name: 'measured_ns' },
      ...names.map((title) => ({ title, name: snake(title) })),
    ],
    rows: rows.map((row) => [
      ...parts.map((part) => row[part]),
      row.crossings,
      ...bytes.map((name) => row[name]),
      row.predictedNs,
      row.measuredNs,
      ...names.map((name) => row.counts[name]),
    ]),
  };
}

/** Tables, over-mapping and leaves at the end, by row. */
export function memoryTable(rows: readonly RowData[]): Table {
  const varying = varyingParts(rows);
  return {
    title: 'Memory of each row',
    columns: [
      { title: 'row' },
      { title: 'asked', unit: 'bytes', drop: 3 },
      { title: 'mapped', unit: 'bytes', drop: 2 },
      { title: 'mapped / asked', unit: 'ratio' },
      { title: 'tables at most', unit: 'bytes' },
      { title: 'table pages', unit: 'count', drop: 4 },
      { title: 'leaves at the end', drop: 1 },
    ],
    rows: rows.map((row) => [
      varying.length === 0 ? rowTitle(row) : rowTitle(row, varying),
      row.askedBytes,
      row.mappedBytes,
      row.askedBytes === 0 ? null : row.mappedBytes / row.askedBytes,
      row.tableBytes,
      row.tablePages,
      Object.entries(row.leaves)
        .map(([size, n]) => `${n} × ${size}`)
        .join(', ') || 'none',
    ]),
    notes: ['asked: bytes of the traced lists; mapped: the same, with each element rounded to the granule of the row'],
  };
}

/** Predicted times by layer, with their ranges. */
export function predictionTable(rows: readonly RowData[], machine: string): Table {
  const varying = varyingParts(rows);
  return {
    title: `Predicted for ${machine}`,
    columns: [
      { title: 'row' },
      { title: 'time', unit: 'ns' },
      { title: 'low', unit: 'ns', drop: 1 },
      { title: 'high', unit: 'ns', drop: 1 },
      { title: 'no price', drop: 2 },
    ],
    rows: rows.flatMap((row) => {
      if (row.predicted === null) return [];
      const { ns, low, high, layers, unpriced } = row.predicted;
      const missing = unpriced.length === 0 ? '' : `without ${unpriced.join(', ')}`;
      const title = rowTitle(row, varying.length === 0 ? ['path'] : varying);
      return [
        [title, ns, low, high, missing],
        ...layers.map((one) => [`  ${one.layer}`, one.ns, one.low, one.high, '']),
      ];
    }),
  };
}
