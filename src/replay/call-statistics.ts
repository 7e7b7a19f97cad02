/**
 * What the calls of a trace come to, whatever is replayed of them: taken batch by batch beside the rows, on their thread, since
 * pairing the calls keeps the first thread busy.
 * @module
 */
import { AddressMap, type AddressMapData } from '../trace/address-map.ts';
import { copyInto, withRoom } from '../trace/arrays.ts';
import { createCall, type TraceCall } from '../trace/calls.ts';
import { createFields } from '../trace/live.ts';
import { PairedCalls, type PairTotals } from '../trace/paired-calls.ts';
import { PartyShapes, type ShapesByParty } from '../trace/party-shapes.ts';
import type { CallColumns } from './batch.ts';
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
  readonly #call = createCall();
  readonly #was = createFields();

  /** `wantsAll`: by party and by address, too. */
  constructor(wantsAll: boolean) {
    this.#wantsAll = wantsAll;
  }

  /** Takes all calls of a batch. */
  take(batch: CallColumns): void {
    const call = this.#call;
    for (let i = 0; i < batch.count; i++) {
      this.#read(batch, i, call);
      this.#pairs.call(call);
      this.#shape.add(call);
      if (!this.#wantsAll) continue;
      this.#parties.call(call);
      this.#addresses.call(call);
    }
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

  /** What statistics ask of a call; of the list that an unmap ends, who mapped it and when. */
  #read(batch: CallColumns, i: number, call: TraceCall): void {
    const from = batch.first[i] as number;
    const end = batch.first[i + 1] as number;
    call.count = end - from;
    call.kind = batch.maps[i] === 0 ? 'unmap' : call.count > 1 ? 'mapSg' : 'map';
    call.domain = batch.domain[i] as number;
    call.iova = batch.iova[i] as number;
    call.size = batch.size[i] as number;
    call.covered = batch.covered[i] as number;
    call.time = batch.time[i] as number;
    call.cause = batch.inferred[i] === 0 ? 'traced' : 'inferred';
    call.task = batch.task[i] as number;
    call.device = batch.device[i] as number;
    call.was = this.#readWas(batch, i);
    call.pa = withRoom(call.pa, call.count);
    call.length = withRoom(call.length, call.count);
    copyInto(batch.addresses, from, end, call.pa);
    copyInto(batch.lengths, from, end, call.length);
  }

  #readWas(batch: CallColumns, i: number): TraceCall['was'] {
    const time = batch.mappedAt[i] as number;
    if (Number.isNaN(time)) return undefined;
    const was = this.#was;
    was.time = time;
    was.task = batch.task[i] as number;
    was.device = batch.device[i] as number;
    return was;
  }
}
