/**
 * Devices and tasks of a running watch: what each maps and unmaps, what it has mapped, and whether that only grows.
 * @module
 */

/** Parties told apart; further ones are counted together. */
const MOST_PARTIES = 1024;
const FURTHER = '(further)';
/** Intervals in a row over which live bytes must have grown before they are called growing. */
const GROWING_FOR = 10;

/** What one party did in an interval. Bytes live are those mapped since the watch began. */
export interface PartySample {
  readonly name: string;
  readonly mapsPerSecond: number;
  readonly unmapsPerSecond: number;
  readonly liveBytes: number;
}

/** A party whose live bytes grew in every one of the last intervals. */
export interface Growing {
  readonly name: string;
  readonly liveBytes: number;
  /** Seconds since it began to grow, and how fast. */
  readonly seconds: number;
  readonly bytesPerSecond: number;
}

interface Party {
  readonly name: string;
  maps: number;
  unmaps: number;
  live: number;
  /** Live bytes at the end of the last interval, and when they began to grow. */
  before: number;
  grewFor: number;
  grewSeconds: number;
  grewFrom: number;
}

/** Counts by party. */
export class Parties {
  readonly #byId = new Map<number, Party>();
  readonly #name: (id: number) => string;

  /** @param name - text of an id */
  constructor(name: (id: number) => string) {
    this.#name = name;
  }

  /** Counts one map or unmap. */
  count(id: number, isMap: boolean, bytes: number): void {
    const party = this.#party(id);
    if (isMap) party.maps++;
    else party.unmaps++;
    this.live(id, isMap ? bytes : -bytes);
  }

  /** Changes what a party has mapped. */
  live(id: number, bytes: number): void {
    const party = this.#party(id);
    party.live = Math.max(0, party.live + bytes);
  }

  /** The busiest parties of the interval that ends now, and those that grow; counts begin anew. */
  sample(seconds: number, most: number): { readonly top: PartySample[]; readonly growing: Growing[] } {
    const all = [...this.#byId.values()];
    for (const party of all) settle(party, seconds);
    const growing = all.filter(({ grewFor }) => grewFor >= GROWING_FOR).map(growingOf);
    const busiest = all
      .filter(({ maps, unmaps, live }) => maps + unmaps + live > 0)
      .sort((a, b) => b.maps + b.unmaps - a.maps - a.unmaps || b.live - a.live);
    const top = busiest.slice(0, most).map(({ name, maps, unmaps, live }) => ({
      name,
      mapsPerSecond: maps / seconds,
      unmapsPerSecond: unmaps / seconds,
      liveBytes: live,
    }));
    for (const party of all) {
      party.maps = 0;
      party.unmaps = 0;
    }
    return { top, growing: growing.sort((a, b) => b.bytesPerSecond - a.bytesPerSecond).slice(0, most) };
  }

  #party(id: number): Party {
    const known = this.#byId.get(id) ?? (this.#byId.size > MOST_PARTIES ? this.#byId.get(FURTHER_ID) : undefined);
    if (known !== undefined) return known;
    const isFull = this.#byId.size === MOST_PARTIES;
    const name = isFull ? FURTHER : this.#name(id);
    const party = { name, maps: 0, unmaps: 0, live: 0, before: 0, grewFor: 0, grewSeconds: 0, grewFrom: 0 };
    this.#byId.set(isFull ? FURTHER_ID : id, party);
    return party;
  }
}

/** No id of a name. */
const FURTHER_ID = -2;

function settle(party: Party, seconds: number): void {
  if (party.live > party.before) {
    if (party.grewFor === 0) party.grewFrom = party.before;
    party.grewFor++;
    party.grewSeconds += seconds;
  } else {
    party.grewFor = 0;
    party.grewSeconds = 0;
  }
  party.before = party.live;
}

function growingOf({ name, live, grewSeconds, grewFrom }: Party): Growing {
  return { name, liveBytes: live, seconds: grewSeconds, bytesPerSecond: (live - grewFrom) / grewSeconds };
}
