/**
 * What the calls of a trace come to, whatever is replayed of them: taken batch by batch beside the rows, on whichever thread has
 * less to do.
 * @module
 */
import { AddressMap, type AddressMapData } from '../trace/address-map.ts';
import type { CallColumns } from '../trace/call-batch.ts';
import { PairedCalls, type PairTotals } from '../trace/paired-calls.ts';
import { PartyShapes, type ShapesByParty } from '../trace/party-shapes.ts';
import { ListShape, type ListShapeData } from './summary.ts';

/** What is told of the calls beside the rows: nothing, their pairs and lists, or parties and addresses, too. */
export type StatisticsAsked = 'none' | 'pairs' | 'all';

/** Statistics of calls; plain data. */
export interface CallFindings {
  readonly pairs: PairTotals;
  /** How contiguous the lists are. */
  readonly shape: ListShapeData;
  /** Sizes and lifetimes by device and task; none unless all was asked for. */
  readonly parties: ShapesByParty;
  /** The address space over time; undefined where nothing was mapped, and unless all was asked for. */
  readonly addresses: AddressMapData | undefined;
}

/** Takes calls; memory is bounded. */
export class CallStatistics {
  readonly #pairs = new PairedCalls();
  readonly #shape = new ListShape();
  readonly #parties = new PartyShapes();
  readonly #addresses = new AddressMap();
  readonly #wantsAll: boolean;

  /** `wantsAll`: by party and by address, too. */
  constructor(wantsAll: boolean) {
    this.#wantsAll = wantsAll;
  }

  /** Takes all calls of a batch. */
  take(batch: CallColumns): void {
    const values = this.#pairs.take(batch);
    this.#shape.take(batch);
    if (!this.#wantsAll) return;
    this.#parties.take(values);
    this.#addresses.take(batch);
  }

  /** What was found. */
  findings(): CallFindings {
    return {
      pairs: this.#pairs.totals(),
      shape: this.#shape.data(),
      parties: this.#parties.byParty(),
      addresses: this.#addresses.report(),
    };
  }
}
