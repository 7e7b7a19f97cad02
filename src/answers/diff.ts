/**
 * `diff`: what changed between two dumps.
 * @module
 */
import { hex } from '../address.ts';
import type { Decoding } from '../dump/decode.ts';
import { diffData, type RangeChange, type RangeSide } from '../dump/diff.ts';
import { LISTED } from '../dump/listed.ts';
import type { Dump } from '../dump/types.ts';
import { type Answer, type Section, tableSection } from '../report/answer.ts';
import { formatBytes } from '../report/number.ts';
import type { Cell, Table } from '../report/table.ts';
import { dumpNotes, geometryLine, isDamaged, plural, unknownReason } from './tables/subject.ts';

/** What a comparison's answer is made of. */
export interface DiffQuestion {
  readonly dumps: readonly [Dump, Dump];
  readonly decodings: readonly [Decoding, Decoding];
  readonly changes: readonly RangeChange[];
  /** Ranges listed at most; totals count all. */
  readonly limit?: number;
}

type Kind = RangeChange['kind'];
const KINDS: readonly Kind[] = ['added', 'removed', 'changed', 'unknown'];

function ofKind(changes: readonly RangeChange[], kind: Kind): RangeChange[] {
  return changes.filter((change) => change.kind === kind);
}

function bytesOf(changes: readonly RangeChange[]): number {
  return changes.reduce((total, { bytes }) => total + bytes, 0);
}

function kindText(changes: readonly RangeChange[], kind: Kind): string {
  const found = ofKind(changes, kind);
  return `${plural(found.length, 'range')} ${kind} (${formatBytes(bytesOf(found))})`;
}

function verdictOf({ changes, decodings }: Pick<DiffQuestion, 'changes' | 'decodings'>): string {
  const known = KINDS.filter((kind) => kind !== 'unknown' && ofKind(changes, kind).length > 0);
  const unknown = ofKind(changes, 'unknown').length;
  const differ = known.map((kind) => kindText(changes, kind)).join(', ');
  const first = differ === '' ? 'No difference' : `The mappings differ: ${differ}`;
  if (unknown === 0) return `${first}.`;
  const why = unknownReason(decodings.flatMap((decoding) => decoding.unknown)).replace('the dump', 'a dump');
  return `${first} in what is known of both dumps. ${plural(unknown, 'range')} cannot be compared: ${why}.`;
}

function sideText(side: RangeSide | undefined): string | null {
  return side === undefined ? null : `${hex(side.pa)} ${side.perms} ${side.memoryType}`.trimEnd();
}

function kindCell(kind: Kind): Cell {
  return kind === 'unknown' ? { text: kind, tone: 'warning' } : kind;
}

function changeTable(changes: readonly RangeChange[], limit: number): Table {
  return {
    columns: [
      { title: 'what' },
      { title: 'domain', drop: 1 },
      { title: 'iova' },
      { title: 'size', unit: 'bytes' },
      { title: 'before' },
      { title: 'after' },
    ],
    rows: changes
      .slice(0, limit)
      .map(({ kind, domain, iova, bytes, before, after }) => [
        kindCell(kind),
        domain,
        hex(iova, 12),
        bytes,
        sideText(before),
        sideText(after),
      ]),
    total: changes.length,
  };
}

function domainTable(changes: readonly RangeChange[]): Table {
  const domains = [...new Set(changes.map(({ domain }) => domain))];
  return {
    columns: [{ title: 'domain' }, ...KINDS.map((title) => ({ title, unit: 'bytes' as const }))],
    rows: domains.map((domain) => {
      const own = changes.filter((change) => change.domain === domain);
      return [domain, ...KINDS.map((kind) => bytesOf(ofKind(own, kind)))];
    }),
  };
}

function sectionsOf(changes: readonly RangeChange[], limit: number): Section[] {
  if (changes.length === 0) return [];
  return [
    tableSection('domains', 'By domain', domainTable(changes)),
    tableSection('ranges', 'Ranges', changeTable(changes, limit)),
  ];
}

function outcomeOf(changes: readonly RangeChange[], dumps: readonly Dump[]): Answer['outcome'] {
  if (changes.some(({ kind }) => kind !== 'unknown')) return 'findings';
  return changes.length > 0 || dumps.some(isDamaged) ? 'unusable' : 'fine';
}

/** What differs between two dumps. `unusable`: nothing differs in what both hold, and something could not be compared. */
export function diffAnswer({ dumps, decodings, changes, limit = LISTED }: DiffQuestion): Answer {
  const geometry = new Set(decodings.flatMap(({ domains }) => domains.map(geometryLine)));
  return {
    schema: 'iommu.diff',
    version: 1,
    outcome: outcomeOf(changes, dumps),
    verdict: verdictOf({ changes, decodings }),
    data: diffData(changes, limit),
    sections: sectionsOf(changes, limit),
    notes: [...geometry, ...new Set(dumps.flatMap(dumpNotes))],
    records: changes
      .slice(0, limit)
      .map(({ kind, domain, iova, bytes }) => ({ kind, domain, iova: hex(iova), bytes: hex(bytes) })),
    csv: changeTable(changes, limit),
  };
}
