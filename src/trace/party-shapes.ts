/**
 * Sizes and lifetimes of lists by device and by task, as quantiles in bounded memory. Consumes the calls of a
 * {@link DomainTracker}.
 * @module
 */
import type { TraceCall } from './calls.ts';
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

  row(id: number): Shape | undefined {
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

  /** Takes a call. A lifetime belongs to whoever mapped, and only traced unmaps end one. */
  call(call: TraceCall): void {
    if (call.kind !== 'unmap') {
      this.#devices.row(call.device)?.bytes.add(call.size);
      this.#tasks.row(call.task)?.bytes.add(call.size);
    } else if (call.was !== undefined && call.cause === 'traced') {
      const lived = call.time - call.was.time;
      this.#devices.row(call.was.device)?.lifetime.add(lived);
      this.#tasks.row(call.was.task)?.lifetime.add(lived);
    }
  }

  /** Of all that have some. */
  byParty(): ShapesByParty {
    return { devices: this.#devices.summaries(), tasks: this.#tasks.summaries() };
  }
}
