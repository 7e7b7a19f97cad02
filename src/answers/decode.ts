/**
 * `decode`: what a dump's tables map.
 * @module
 */
import { formatSize, hex } from '../address.ts';
import { type Decoding, type DomainMappings, isUnknown, rangeMemoryType, rangePerms } from '../dump/decode.ts';
import { decodeData, leafRows, rangeRows, rowShares, tableBytes } from '../dump/decode-json.ts';
import { LISTED } from '../dump/listed.ts';
import type { Dump } from '../dump/types.ts';
import { MachineNames } from '../machine/names.ts';
import { type Answer, chartSection, listSection, type Section, tableSection } from '../report/answer.ts';
import { formatBytes, formatNumber } from '../report/number.ts';
import type { Column, Table } from '../report/table.ts';
import { deviceFacts, deviceTable } from './tables/devices.ts';
import { type Exposure, exposureSentence, exposuresOf } from './tables/exposure.ts';
import { mapChart } from './tables/map-chart.ts';
import { placeOf } from './tables/places.ts';
import {
  devicesText,
  dumpNotes,
  geometryLine,
  isDamaged,
  nameNotes,
  plural,
  unknownSentence,
} from './tables/subject.ts';

/** What a decoding's answer is made of. */
export interface DecodeQuestion {
  readonly dump: Dump;
  readonly decoding: Decoding;
  /** Names of devices and memory; without them, ids alone. */
  readonly names?: MachineNames;
  /** Rows listed at most; totals count all. */
  readonly limit?: number;
  /** Rows that are printed of each table: the others are not made. As many as are listed unless given. */
  readonly printed?: number | undefined;
}

/** All that the parts of an answer look at. */
interface Subject {
  readonly decoding: Decoding;
  readonly dump: Dump;
  readonly names: MachineNames;
  readonly limit: number;
  /** Rows that each domain may list. */
  readonly shares: readonly number[];
  /** Rows that tables have at most. */
  readonly printed: number;
  readonly exposures: readonly Exposure[];
}

function sum(domains: readonly DomainMappings[], of: (domain: DomainMappings) => number): number {
  return domains.reduce((total, domain) => total + of(domain), 0);
}

function mappedSentence({ decoding }: Subject): string {
  const { iommu, domains, contexts } = decoding;
  const leaves = sum(domains, ({ leafCount }) => leafCount);
  const bytes = formatBytes(sum(domains, ({ mappedBytes }) => mappedBytes));
  const translated = new Set(contexts.filter(({ action }) => action === 'translate').map(({ stream }) => stream)).size;
  if (domains.length === 0) return contexts.length === 0 ? `${iommu}: no device has a context.` : '';
  const whose =
    translated === 0
      ? 'the tables map'
      : `${plural(domains.length, 'domain')} of ${plural(translated, 'device')} ${domains.length === 1 ? 'maps' : 'map'}`;
  return `${iommu}: ${whose} ${bytes} in ${plural(leaves, 'leaf entry', 'leaf entries')}.`;
}

function abortSentence({ decoding }: Subject): string {
  const { aborting, domains } = decoding;
  return aborting === 0 || domains.length === 0
    ? ''
    : ` Accesses of ${formatNumber(aborting)} other device ids are aborted.`;
}

function verdictOf(subject: Subject): string {
  const { decoding, exposures } = subject;
  const devices = new Set(decoding.contexts.map(({ stream }) => stream)).size;
  const first = exposureSentence(exposures, devices);
  return `${first}${mappedSentence(subject)}${abortSentence(subject)}${unknownSentence(decoding)}`.trim();
}

function domainTable({ decoding, names, printed }: Subject): Table {
  return {
    columns: [
      { title: 'domain' },
      { title: 'devices' },
      { title: 'mapped', unit: 'bytes' },
      { title: 'leaves', unit: 'count' },
      { title: 'leaf sizes', drop: 2 },
      { title: 'tables', unit: 'bytes', drop: 1 },
      { title: 'root', drop: 3 },
    ],
    rows: decoding.domains
      .slice(0, printed)
      .map((domain) => [
        domain.id,
        devicesText(decoding.iommu, domain.streams, names),
        domain.mappedBytes,
        domain.leafCount,
        [...domain.leafSizes].map(([size, count]) => `${formatNumber(count)} × ${formatSize(size)}`).join(', '),
        tableBytes(domain),
        hex(domain.root),
      ]),
    total: decoding.domains.length,
    notes: [...new Set(decoding.domains.map(geometryLine))],
  };
}

const RANGE_COLUMNS: readonly Column[] = [
  { title: 'domain' },
  { title: 'iova' },
  { title: 'pa' },
  { title: 'size', unit: 'bytes' },
  { title: 'perms' },
  { title: 'leaf', unit: 'bytes', drop: 3 },
  { title: 'memory type', drop: 2 },
  { title: 'what', drop: 1 },
];

function rangesOf(domain: DomainMappings, most: number, { decoding, dump, names }: Subject): Table['rows'] {
  const ram = dump.registers?.ram ?? [];
  return domain.ranges.map((range) => {
    const { iova, pa, bytes, leafBytes } = range;
    const type = rangeMemoryType(domain, range);
    const what = placeOf(pa, bytes, type, decoding.iommu, ram, names);
    return [domain.id, hex(iova, 12), hex(pa, 12), bytes, rangePerms(range), leafBytes, type, what];
  }, most);
}

function withoutEmpty(table: Table): Table {
  const filled = table.columns.map((_, i) => table.rows.some((row) => row[i] !== ''));
  return {
    ...table,
    columns: table.columns.filter((_, i) => filled[i] === true || i < 4),
    rows: table.rows.map((row) => row.filter((_, i) => filled[i] === true || i < 4)),
  };
}

/** The first rows of all domains, each within its share. */
function firstRows(
  { decoding, shares, printed }: Subject,
  rowsOf: (domain: DomainMappings, most: number) => Table['rows'],
): Table['rows'] {
  const rows: Table['rows'][number][] = [];
  for (const [i, domain] of decoding.domains.entries()) {
    if (rows.length >= printed) break;
    for (const row of rowsOf(domain, Math.min(shares[i] ?? 0, printed - rows.length))) rows.push(row);
  }
  return rows;
}

function rangeTable(subject: Subject): Table {
  const rows = firstRows(subject, (domain, most) => rangesOf(domain, most, subject));
  return { columns: RANGE_COLUMNS, rows, total: sum(subject.decoding.domains, ({ ranges }) => ranges.total) };
}

function leafTable(subject: Subject): Table {
  const { decoding } = subject;
  const rows = firstRows(subject, (domain, most) =>
    leafRows(domain, most).map(({ iova, pa, size, level, entry }) => [
      domain.id,
      iova,
      pa,
      Number(size),
      String(level),
      entry,
    ]),
  );
  return {
    columns: [
      { title: 'domain' },
      { title: 'iova' },
      { title: 'pa' },
      { title: 'size', unit: 'bytes' },
      { title: 'level', drop: 1 },
      { title: 'entry' },
    ],
    rows,
    total: sum(decoding.domains, ({ leafCount }) => leafCount),
  };
}

function findingTable({ decoding, printed }: Subject): Table {
  const wrong = decoding.domains.flatMap(({ id, findings }) =>
    findings.filter((finding) => !isUnknown(finding)).map((finding) => ({ id, finding })),
  );
  return {
    columns: [
      { title: 'domain' },
      { title: 'what is wrong' },
      { title: 'iova' },
      { title: 'size', unit: 'bytes' },
      { title: 'level', drop: 1 },
    ],
    rows: wrong
      .slice(0, printed)
      .map(({ id, finding: { reason, iova, bytes, level } }) => [id, reason, hex(iova), bytes, String(level)]),
    total: wrong.length + sum(decoding.domains, ({ dropped }) => dropped),
  };
}

function unknownTable({ decoding, printed }: Subject): Table {
  return {
    columns: [{ title: 'domain' }, { title: 'iova' }, { title: 'size', unit: 'bytes' }, { title: 'why' }],
    rows: decoding.unknown
      .slice(0, printed)
      .map(({ domain, iova, bytes, why }) => [domain ?? '', hex(iova), bytes, why]),
    total: decoding.unknown.length,
  };
}

/** Charts of at most this many domains are drawn. */
const MOST_CHARTS = 8;

function sectionsOf(subject: Subject, ranges: Table): Section[] {
  const { decoding, exposures, names, limit, printed } = subject;
  const found = findingTable(subject);
  const raw = decoding.domains.some(({ leaves }) => leaves !== undefined);
  const unprotected = exposures.map(({ meaning }) => meaning).slice(0, limit);
  const mapped = decoding.domains.filter(({ leafCount }) => leafCount > 0).slice(0, MOST_CHARTS);
  return [
    ...(exposures.length === 0 ? [] : [listSection('exposed', 'Not protected', unprotected)]),
    ...(decoding.contexts.length === 0
      ? []
      : [tableSection('devices', 'Devices', deviceTable(deviceFacts(decoding, names, printed), decoding))]),
    ...(decoding.domains.length === 0 ? [] : [tableSection('domains', 'Domains', domainTable(subject))]),
    ...(found.rows.length === 0 ? [] : [tableSection('findings', 'Entries that are wrong', found)]),
    ...(decoding.unknown.length === 0 ? [] : [tableSection('unknown', 'Unknown', unknownTable(subject))]),
    ...(raw ? [tableSection('leaves', 'Leaf entries', leafTable(subject))] : []),
    ...(decoding.domains.length === 0 ? [] : [tableSection('ranges', 'Ranges', withoutEmpty(ranges))]),
    ...mapped.map((domain, i) =>
      chartSection(`map-${i}`, mapChart(domain, devicesText(decoding.iommu, domain.streams, names)), 'detail'),
    ),
  ];
}

function recordsOf({ decoding, shares }: Subject): object[] {
  return decoding.domains.flatMap((domain, i) => {
    const rows = domain.leaves === undefined ? rangeRows(domain, shares[i]) : leafRows(domain, shares[i]);
    return rows.map((row) => ({ domain: domain.id, ...row }));
  });
}

function limitNotes({ decoding, shares }: Subject): string[] {
  const listed = decoding.domains.reduce((rows, { ranges }, i) => rows + Math.min(ranges.length, shares[i] ?? 0), 0);
  const total = sum(decoding.domains, ({ ranges }) => ranges.total);
  if (listed >= total) return [];
  return [`${formatNumber(listed)} of ${formatNumber(total)} ranges are listed; --limit lists more`];
}

function outcomeOf({ decoding, exposures, dump }: Subject): Answer['outcome'] {
  const wrong = decoding.domains.some(({ findings }) => findings.length > 0);
  if (isDamaged(dump)) return 'unusable';
  return exposures.length > 0 || wrong || decoding.unknown.length > 0 ? 'findings' : 'fine';
}

/** Gives what a function makes, made when first asked for: most forms of an answer need a part of it. */
function memo<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/**
 * What a dump's tables map, for which devices, and which devices are not restricted at all. `findings` means that a device
 * bypasses, that entries are wrong, or that parts are missing; `unusable` that the dump is cut or damaged.
 */
export function decodeAnswer(question: DecodeQuestion): Answer {
  const { dump, decoding, names = new MachineNames(), limit = LISTED } = question;
  const exposures = exposuresOf(decoding, dump.registers?.ram ?? [], names);
  const printed = Math.min(limit, question.printed ?? limit);
  const subject = { decoding, dump, names, limit, printed, shares: rowShares(decoding, limit), exposures };
  const data = memo(() => {
    const devices = deviceFacts(decoding, names, limit);
    return { ...decodeData(decoding, limit), devices, exposed: exposures };
  });
  const records = memo(() => recordsOf(subject));
  const ranges = rangeTable(subject);
  return {
    schema: 'iommu.decode',
    version: 1,
    outcome: outcomeOf(subject),
    verdict: verdictOf(subject),
    get data() {
      return data();
    },
    sections: sectionsOf(subject, ranges),
    notes: [...nameNotes(decoding.iommu, names), ...limitNotes(subject), ...dumpNotes(dump)],
    get records() {
      return records();
    },
    csv: ranges,
  };
}
