/**
 * What statistics add up of the calls of a batch, gathered from its columns: a sketch takes many values at once faster than one
 * by one.
 * @module
 */
import { BATCH_CALLS, type CallColumns } from './call-batch.ts';

/** Values, and the device and the task that each belongs to, as the columns of calls have them. */
export interface OwnedValues {
  count: number;
  readonly value: Float64Array;
  readonly device: Int32Array;
  readonly task: Int32Array;
}

function owned(): OwnedValues {
  const value = new Float64Array(BATCH_CALLS);
  return { count: 0, value, device: new Int32Array(BATCH_CALLS), task: new Int32Array(BATCH_CALLS) };
}

/** Values of the batch that was gathered last. */
export class BatchValues {
  /** Bytes of the lists that it maps. */
  readonly bytes: OwnedValues = owned();
  /** Elements of these lists. */
  readonly elements: Float64Array = new Float64Array(BATCH_CALLS);
  /** Nanoseconds that the mappings lived which its unmaps end; those that the trace lacks are left out. */
  readonly lived: OwnedValues = owned();

  /** Gathers those of a batch. */
  gather(calls: CallColumns): void {
    const { bytes, lived } = this;
    bytes.count = 0;
    lived.count = 0;
    for (let i = 0; i < calls.count; i++) {
      if (calls.maps[i] === 1) {
        this.elements[bytes.count] = (calls.first[i + 1] as number) - (calls.first[i] as number);
        addTo(bytes, calls, i, calls.size[i] as number);
      } else if (calls.inferred[i] === 0 && !Number.isNaN(calls.mappedAt[i])) {
        addTo(lived, calls, i, (calls.time[i] as number) - (calls.mappedAt[i] as number));
      }
    }
  }
}

function addTo(values: OwnedValues, { device, task }: CallColumns, i: number, value: number): void {
  const at = values.count++;
  values.value[at] = value;
  values.device[at] = device[i] as number;
  values.task[at] = task[i] as number;
}
