/**
 * The state of the explorer: all of it stands in the address, but the walk player and the TLB.
 * @module
 */
import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { hex, parseAddress } from '../../../src/address.ts';
import type { Leaf } from '../../../src/hardware/walk/types.ts';
import { AnswerClient } from '../../ask/client.ts';
import type { Evidence, ExploreSource, LeafPage } from '../../ask/protocol.ts';
import { FIRST_LIST } from '../../explore/list.ts';
import type { TablesPicture } from '../../explore/picture.ts';
import type { Asked } from '../../explore/tables.ts';
import { files, hash, setHash } from '../../state/app.ts';
import { evidenceOf } from '../../state/evidence.ts';
import { newestOnly } from '../../state/newest.ts';

/** A picture, or why there is none. */
export type Made = { readonly picture: TablesPicture } | { readonly refused: string };

/** What the address asks for, filled in. */
export const asked: ReadonlySignal<Asked> = computed(() => {
  const get = (key: string, otherwise: string): string => hash.value.get(key) ?? otherwise;
  return {
    format: get('format', 'arm-64-lpae-s1'),
    granule: Number(get('granule', '4096')),
    path: get('path', 'map-pages'),
    iova: get('iova', '0x200000'),
    list: get('list', FIRST_LIST),
  };
});

/** One changed entry: its address and its value. */
export type Edit = readonly [address: number, value: bigint];

/** Changes that a link carries at most. */
const MOST_EDITS = 64;

function editsOf(text: string): Edit[] {
  return text
    .split(',')
    .filter((part) => part !== '')
    .slice(0, MOST_EDITS)
    .flatMap((part): Edit[] => {
      const [address, value] = part.split(':');
      try {
        return [[Number(parseAddress(address ?? '')), BigInt.asUintN(64, parseAddress(value ?? ''))]];
      } catch {
        return [];
      }
    });
}

/** Entries that the user changed, in the order of the changes; a new list begins with none. */
export const edits: ReadonlySignal<readonly Edit[]> = computed(() => editsOf(hash.value.get('edits') ?? ''));

function setEdits(changed: readonly Edit[]): void {
  setHash({ edits: changed.map(([address, value]) => `${hex(address)}:${hex(value)}`).join(',') });
}

/** Changes an entry. */
export function edit(address: number, value: bigint): void {
  setEdits([...edits.peek(), [address, value] as const].slice(-MOST_EDITS));
}

/** Takes the last change back. */
export function undoEdit(): void {
  setEdits(edits.peek().slice(0, -1));
}

/** Takes all changes back. */
export function dropEdits(): void {
  setEdits([]);
}

/** Id of the domain of a dump that is looked at; undefined for a list. */
export const domain: ReadonlySignal<string | undefined> = computed(() => hash.value.get('of'));

const ACCESSES = ['read', 'write', 'execute'] as const;

/** What the device does at the address. */
export const access: ReadonlySignal<(typeof ACCESSES)[number]> = computed(
  () => ACCESSES.find((kind) => kind === hash.value.get('access')) ?? 'read',
);

const dumpEvidence = computed<Evidence>(() => {
  const { dump, registers } = evidenceOf(files.value);
  return { ...(dump && { dump }), ...(registers && { registers }) };
});
let generation = 0;
const generationOf = computed(() => (dumpEvidence.value.dump === undefined ? 0 : ++generation));

/** The tables that are looked at. */
export const source: ReadonlySignal<ExploreSource> = computed(() => {
  const of = domain.value;
  if (of === undefined) return { kind: 'list', asked: asked.value, edits: edits.value };
  return { kind: 'dump', evidence: dumpEvidence.value, generation: generationOf.value, domain: of };
});

/** Granule of the format beside. */
function granuleFor(format: string): number {
  return format.startsWith('apple-dart') ? 16384 : 4096;
}

/** The same list in another format; undefined where none was chosen. */
export const besideSource: ReadonlySignal<ExploreSource | undefined> = computed(() => {
  const format = hash.value.get('beside');
  if (format === undefined || domain.value !== undefined) return undefined;
  return { kind: 'list', asked: { ...asked.value, format, granule: granuleFor(format) }, edits: [] };
});

/** The address to walk, as it was typed. */
export const at: ReadonlySignal<string> = computed(
  () => hash.value.get('at') ?? (domain.value === undefined ? asked.value.iova : ''),
);

/** What is shown. */
export const first: Signal<Made | undefined> = signal(undefined);
/** The other format beside it. */
export const second: Signal<Made | undefined> = signal(undefined);
/** The memory read at which the walk player stands; undefined where all levels are shown. */
export const player: Signal<number | undefined> = signal(undefined);

/** Translations that a TLB of a device holds: a few, so that one sees them go. */
const TLB_ENTRIES = 4;
/** What the TLB holds, oldest first. */
export const tlbLeaves: Signal<readonly Leaf[]> = signal([]);
/** The translation that the TLB gave for the address; undefined where the tables were read. */
export const hit: Signal<Leaf | undefined> = signal(undefined);

const client = new AnswerClient();

async function make(from: ExploreSource, address: string): Promise<Made> {
  try {
    const others = tlbLeaves.peek().map(({ iova }) => iova);
    return {
      picture: await client.follow({ ask: 'explore', source: from, at: address, access: access.peek(), others }),
    };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}

/** Some of the leaves of what is looked at. */
export function leafPage(from: number, count: number): Promise<LeafPage> {
  return client.follow({ ask: 'leaves', source: source.peek(), from, count });
}

interface Wanted {
  readonly source: ExploreSource;
  readonly beside: ExploreSource | undefined;
  readonly at: string;
}

const show = newestOnly(
  async ({ source: from, beside, at: address }: Wanted) =>
    [await make(from, address), beside === undefined ? undefined : await make(beside, address)] as const,
  ([made, other]) => {
    first.value = made;
    second.value = other;
  },
);

let shownTables = '';

/** A TLB is of one set of tables: it is empty when others are looked at. Changed entries leave it as it is. */
function forgetTlb(from: ExploreSource): void {
  const key = from.kind === 'dump' ? `${from.generation} ${from.domain}` : JSON.stringify(from.asked);
  if (key === shownTables) return;
  shownTables = key;
  invalidateTlb();
}

effect(() => {
  const wanted = { source: source.value, beside: besideSource.value, at: at.value };
  // another kind of access asks anew
  void access.value;
  void tlbLeaves.value;
  if (hash.value.get('panel') !== 'explorer') return;
  forgetTlb(wanted.source);
  show(wanted);
});

/** Looks at an address. */
export function select(iova: bigint): void {
  hit.value = undefined;
  setHash({ at: hex(iova) });
}

/** Empties the TLB, as an invalidation of everything does. */
export function invalidateTlb(): void {
  hit.value = undefined;
  if (tlbLeaves.peek().length > 0) tlbLeaves.value = [];
}

function shown(): TablesPicture | undefined {
  const made = first.peek();
  return made !== undefined && 'picture' in made ? made.picture : undefined;
}

/** The leaf that the TLB holds for an address. */
function held(iova: bigint): Leaf | undefined {
  return tlbLeaves.peek().find((leaf) => iova >= leaf.iova && iova < leaf.iova + BigInt(leaf.size));
}

function remember(leaf: Leaf): void {
  if (held(leaf.iova) === undefined) tlbLeaves.value = [...tlbLeaves.peek(), leaf].slice(-TLB_ENTRIES);
}

/** The next memory read of the walk: none where the TLB has the translation. The last one fills the TLB. */
export function step(): void {
  const picture = shown();
  if (picture === undefined) return;
  if (player.peek() === undefined) {
    hit.value = held(picture.at);
    if (hit.peek() !== undefined) return;
  }
  const next = player.peek() === undefined ? 0 : Math.min((player.peek() ?? 0) + 1, picture.steps.length - 1);
  player.value = next;
  if (next === picture.steps.length - 1 && picture.result.ok) remember(picture.result);
}

/** Shows all levels again. */
export function stopPlaying(): void {
  player.value = undefined;
  hit.value = undefined;
}

/** Another list or format: what was changed in the old tables is gone. */
export function setAsked(entries: Readonly<Record<string, string>>): void {
  player.value = undefined;
  setHash('at' in entries || 'beside' in entries || 'access' in entries ? entries : { ...entries, edits: '', of: '' });
}
