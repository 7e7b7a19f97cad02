/**
 * Sizes and lifetimes of lists by device and by task, as quantiles in bounded memory. Consumes the calls of a
 * {@link DomainTracker}.
 * @module
 */
import type { BatchValues, OwnedValues } from './batch-values.ts';
import { Sketch, type Summary } from './sketch.ts';

/** Devices and tasks with quantiles of their own; further ones have none. */
const MAX_PARTIES = 256;

/** Sizes (bytes) and lifetimes (nanoseconds) of the lists of one device or task; plain data. */
export interface PartyShape {
  readonly listBytes: Summary;
  readonly lifetime: Summary;
}

/** By id: of the devices and tasks that have quantiles; plain data. */
export interface ShapesByParty {
  readonly devices: ReadonlyMap<number, PartyShape>;
  readonly tasks: ReadonlyMap<number, PartyShape>;
}

interface Shape {
  readonly bytes: Sketch;
  readonly lifetime: Sketch;
}

class Shapes {
  /** By id + 1; the first is for no name. */
  readonly #byId: (Shape | undefined)[] = [];
  #count = 0;

  /** Adds values to the sketches of those that `ids` says; mostly many in a row belong to one. */
  add({ count, value }: OwnedValues, ids: Int32Array, of: keyof Shape): void {
    for (let first = 0; first < count; ) {
      const id = ids[first] as number;
      let end = first + 1;
      while (end < count && ids[end] === id) end++;
      this.#row(id)?.[of].addAll(value, first, end);
      first = end;
    }
  }

  #row(id: number): Shape | undefined {
    return this.#byId[id + 1] ?? this.#add(id);
  }

  #add(id: number): Shape | undefined {
    if (this.#count >= MAX_PARTIES) return undefined;
    this.#count++;
    const row = { bytes: new Sketch(), lifetime: new Sketch() };
    this.#byId[id + 1] = row;
    return row;
  }

  summaries(): Map<number, PartyShape> {
    const summaries = new Map<number, PartyShape>();
    for (const [at, row] of this.#byId.entries()) {
      if (row !== undefined)
        summaries.set(at - 1, { listBytes: row.bytes.summary(), lifetime: row.lifetime.summary() });
    }
    return summaries;
  }
}

/** Quantiles by device and task; ids are those of the trace's names, −1 for maps that name no device. */
export class PartyShapes {
  readonly #devices = new Shapes();
  readonly #tasks = new Shapes();

  /** Takes what was gathered of a batch of calls. A lifetime belongs to whoever mapped. */
  take({ bytes, lived }: BatchValues): void {
    this.#devices.add(bytes, bytes.device, 'bytes');
    this.#tasks.add(bytes, bytes.task, 'bytes');
    this.#devices.add(lived, lived.device, 'lifetime');
    this.#tasks.add(lived, lived.task, 'lifetime');
  }

  /** Of all that have some. */
  byParty(): ShapesByParty {
    return { devices: this.#devices.summaries(), tasks: this.#tasks.summaries() };
  }
}
