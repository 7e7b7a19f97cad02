/**
 * One access by the emulated device, and what this project's reader says of it.
 * @module
 */
import { type Fault, type Leaf, READ, WRITE } from '../src/hardware/walk/types.ts';
import type { SeenEvent, Session } from './unit.ts';

/** What is asked. */
export interface Question {
  readonly iova: bigint;
  readonly write: boolean;
}

/** What the emulator did: the word that a read gave, whether a write arrived where the reader says, the records. */
export interface Seen {
  /** The access reached memory: at this physical address, as far as the word that was read tells it. */
  readonly reached: number | undefined;
  readonly events: readonly SeenEvent[] | undefined;
}

/** The reader's answer. */
export interface Told {
  readonly result: Leaf | Fault;
  readonly event?: SeenEvent;
}

/** The reader's answer to a question. */
export function ask(session: Session, { iova, write }: Question): Told {
  const answer = session.model().translate(session.stream, iova, write ? WRITE : READ) as Answer;
  return { result: answer.result, ...(answer.event === undefined ? {} : { event: eventOf(answer.event) }) };
}

interface EventFields {
  readonly name: string;
  readonly fields: Readonly<Record<string, bigint>>;
}

interface Answer {
  readonly result: Leaf | Fault;
  readonly event?: EventFields;
}

/** An event record as both sides show it. */
export function eventOf({ name, fields }: EventFields): SeenEvent {
  const { InputAddr: iova, RnW: read, ...others } = fields;
  return {
    name,
    ...(iova === undefined ? {} : { iova }),
    ...(read === undefined ? {} : { write: read === 0n }),
    fields: others,
  };
}

/** A word that no data page holds. */
const SENTINEL = 0xfeedface;

/** Lets the emulated device access memory; knows the word that the device holds. */
export class Prober {
  readonly #session: Session;
  readonly #sentinel: number;
  readonly #mailbox: number;
  #held = 0;

  constructor(session: Session) {
    this.#session = session;
    this.#sentinel = session.layout.data + session.layout.dataBytes;
    this.#mailbox = this.#sentinel + 64;
  }

  /** Puts the sentinel where the device can take it from. */
  async begin(): Promise<void> {
    await this.#session.qtest.write32(this.#sentinel, SENTINEL);
    await this.#holdSentinel();
  }

  /** Does one access. `expected` is where the reader says that a write arrives. */
  probe({ iova, write }: Question, expected: number | undefined): Promise<Seen> {
    return write ? this.#write(iova, expected) : this.#read(iova);
  }

  async #holdSentinel(): Promise<void> {
    await this.#session.edu.read(BigInt(this.#sentinel));
    this.#held = SENTINEL;
  }

  async #access(access: () => Promise<void>): Promise<readonly SeenEvent[] | undefined> {
    const session = this.#session;
    await Promise.all([session.enable(true), access()]);
    const [, events] = await Promise.all([session.enable(false), session.events()]);
    return events;
  }

  async #read(iova: bigint): Promise<Seen> {
    const { qtest, edu, layout } = this.#session;
    const before = this.#held;
    const events = await this.#access(() => edu.read(iova));
    await edu.write(BigInt(this.#mailbox));
    const word = await qtest.read32(this.#mailbox);
    this.#held = word;
    if (word === before && word !== SENTINEL && (events?.length ?? 0) === 0) {
      await this.#holdSentinel();
      return this.#read(iova);
    }
    const named = word >= layout.data && word < layout.data + layout.dataBytes;
    return { reached: named && (word !== before || (events?.length ?? 0) === 0) ? word : undefined, events };
  }

  async #write(iova: bigint, expected: number | undefined): Promise<Seen> {
    const { qtest, edu } = this.#session;
    if (this.#held === expected) await this.#holdSentinel();
    const events = await this.#access(() => edu.write(iova));
    if (expected === undefined || (await qtest.read32(expected)) !== this.#held) return { reached: undefined, events };
    await qtest.write32(expected, expected);
    return { reached: expected, events };
  }
}

/** What came of one question. */
export type Outcome =
  | { readonly kind: 'agree' }
  | { readonly kind: 'no-verdict'; readonly why: string }
  | { readonly kind: 'differ'; readonly ours: string; readonly theirs: string };

const AGREE: Outcome = { kind: 'agree' };

/** Why a question cannot be put to this emulator, from the reader's answer; undefined where it can. */
export function unaskable(session: Session, { write }: Question, { result }: Told): string | undefined {
  const { data, dataBytes } = session.layout;
  if (result.ok) return result.pa >= data && result.pa < data + dataBytes ? undefined : 'leads out of the data pages';
  if (result.reason.endsWith('outside-memory')) return 'reads memory of the board';
  if (result.class !== 'configuration' && (result.entryAddress ?? 0) >= session.layout.structures) {
    return 'reads queues and device tables as page tables';
  }
  return write && result.class !== 'permission' ? 'a write that might land anywhere' : undefined;
}

/** Whether the two agree: in the address that is reached, or in the record of the refusal. */
export function compare(session: Session, told: Told, seen: Seen, iova: bigint): Outcome {
  const { result } = told;
  const [first] = seen.events ?? [];
  const ours = result.ok ? 'reaches its page' : (told.event?.name ?? result.syndrome);
  const theirs =
    seen.reached !== undefined
      ? result.ok
        ? `reaches another page`
        : 'reaches memory'
      : first === undefined
        ? 'refused'
        : [first.name, ...otherFields(session, told, first)].join(', ');
  if (result.ok ? seen.reached === result.pa && first === undefined : refusedAlike(session, told, seen, iova))
    return AGREE;
  return { kind: 'differ', ours, theirs };
}

function refusedAlike(session: Session, told: Told, { reached, events }: Seen, iova: bigint): boolean {
  if (reached !== undefined || told.result.ok) return false;
  if (events === undefined) return true;
  const [theirs] = events;
  const name = told.event?.name ?? told.result.syndrome;
  const left = leavesRecord(session, told.event, told.result);
  if (theirs === undefined) return left !== 'yes';
  const same = session.sameRecord?.(name, theirs.name) ?? name.startsWith(theirs.name);
  if (!same || left === 'no' || otherFields(session, told, theirs).length > 0) return false;
  if (told.event !== undefined && told.event.write !== theirs.write) return false;
  return theirs.iova === undefined || theirs.iova === iova || theirs.iova === iova - (iova % 4096n);
}

/** Fields of two records that differ, as text: `IPA 4096 ≠ 0`. IPA means something with S2 only. */
function otherFields({ unset }: Session, told: Told, theirs: SeenEvent): string[] {
  return Object.entries(told.event?.fields ?? {}).flatMap(([name, value]) => {
    const other = theirs.fields?.[name];
    const nothing = name === 'IPA' && told.event?.fields?.['S2'] === 0n;
    return other === undefined || other === value || nothing || unset?.has(name) === true
      ? []
      : [`${name} ${value} ≠ ${other}`];
  });
}

function leavesRecord(session: Session, event: SeenEvent | undefined, fault: Fault): 'yes' | 'no' | 'either' {
  if (session.leavesRecord !== undefined) return session.leavesRecord(event, fault);
  return event === undefined && fault.reason === 'stream-aborts' ? 'no' : 'yes';
}
