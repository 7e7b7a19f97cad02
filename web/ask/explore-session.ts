/**
 * The explorer in the worker: tables of a list, or of a domain of a dump, kept from question to question.
 * @module
 */
import { parseAddress } from '../../src/address.ts';
import { groupContexts, modelOf } from '../../src/dump/decode.ts';
import type { Dump } from '../../src/dump/types.ts';
import { InputError } from '../../src/errors.ts';
import { givenTables } from '../../src/hardware/given.ts';
import { type DomainTables, walkerOf } from '../../src/hardware/iommu.ts';
import type { Access } from '../../src/hardware/walk/types.ts';
import { LeafList, type LeafRow } from '../explore/leaves.ts';
import { pictureOf, type TablesPicture } from '../explore/picture.ts';
import { type MappedList, mapList, type Tables, withEdits } from '../explore/tables.ts';
import { openEvidence } from './dumps.ts';
import type { Explore, ExploreSource, LeafPage, Leaves } from './protocol.ts';

/** Lists and dumps that are kept. */
const KEPT = 4;

/** The last few things made, by a key. */
class Recent<T> {
  readonly #made = new Map<string, T>();

  get(key: string, make: () => T): T {
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#made.set(key, made);
    for (const oldest of this.#made.keys()) {
      if (this.#made.size <= KEPT) break;
      this.#made.delete(oldest);
    }
    return made;
  }
}

const lists = new Recent<MappedList>();
const dumps = new Recent<Promise<Dump>>();
let leaves: { readonly key: string; readonly list: LeafList } | undefined;

function domainsOf(dump: Dump): DomainTables[] {
  const { registers, geometry } = dump;
  if (registers === undefined && geometry !== undefined) return [givenTables(geometry)];
  return groupContexts(modelOf(dump).contexts().contexts).map(({ tables }) => tables);
}

async function dumpTables(source: Extract<ExploreSource, { readonly kind: 'dump' }>): Promise<Tables> {
  const dump = await dumps.get(`${source.generation}`, () => openEvidence(source.evidence));
  const domains = domainsOf(dump);
  const found = domains.find(({ id }) => id === source.domain) ?? (source.domain === '' ? domains[0] : undefined);
  if (found === undefined) {
    const known = domains.map(({ id }) => id).slice(0, 20);
    throw new InputError('UNSUPPORTED_INPUT', 'domain', `expected ${known.join(', ')}, got '${source.domain}'`);
  }
  const walker = walkerOf(dump.reader, found);
  return {
    regime: found.regime,
    reader: dump.reader,
    walk: (iova, access) => walker.walk(iova, access),
    summary: found.regime.summary,
    note: found.stage2 === undefined ? '' : 'A nested walk: the columns are those of stage 1.',
    iova: found.regime.regions[0]?.base ?? 0n,
  };
}

async function tablesOf(source: ExploreSource): Promise<Tables> {
  if (source.kind === 'dump') return await dumpTables(source);
  const list = lists.get(JSON.stringify(source.asked), () => mapList(source.asked));
  return withEdits(list, new Map(source.edits));
}

function keyOf(source: ExploreSource): string {
  return source.kind === 'dump'
    ? `${source.generation} ${source.domain}`
    : JSON.stringify([source.asked, source.edits.map(([address, value]) => [address, String(value)])]);
}

/** What the explorer shows. @throws InputError, IommuError as the list, the dump and the address have them. */
export async function explore({ source, at, access, others }: Explore): Promise<TablesPicture> {
  const tables = await tablesOf(source);
  const wanted: Access = { kind: access };
  return pictureOf(tables, at === '' ? tables.iova : parseAddress(at), wanted, others);
}

/** Some of the leaves. @throws as {@link explore} does. */
export async function leavesOf({ source, from, count }: Leaves): Promise<LeafPage> {
  const key = keyOf(source);
  if (leaves?.key !== key) {
    const { reader, regime } = await tablesOf(source);
    leaves = { key, list: new LeafList(reader, regime) };
  }
  const rows: readonly LeafRow[] = leaves.list.rows(from, count);
  return { from, total: leaves.list.total, rows };
}
