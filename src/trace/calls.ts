/**
 * What a replayer consumes: the calls that the traced kernel made, list by list and domain by domain. One record is
 * reused for all calls.
 * @module
 */
import type { LiveFields } from './live.ts';

/** Why an unmap is in the stream: the trace has it, or the map that follows shows that it must have happened. */
export type UnmapCause = 'traced' | 'inferred';

/** One call. Valid during the callback only; arrays may be longer than `count`. */
export interface TraceCall {
  kind: 'map' | 'mapSg' | 'unmap';
  /** Index into the tracker's domains. */
  domain: number;
  iova: number;
  /** Bytes: of the whole list, or to unmap. */
  size: number;
  /** Elements of map (1) and mapSg; 0 for unmap. */
  count: number;
  /** Physical address and length of each element. */
  pa: Float64Array;
  length: Float64Array;
  /** Time of the call's first line, nanoseconds. */
  time: number;
  task: number;
  pid: number;
  /** Processor that made it, or −1. */
  cpu: number;
  /** Device that a dma event named, or that the task had attached to a domain of its own; or −1. For an unmap: that of the mapping, if the unmap was not named. */
  device: number;
  /** Direction from the dma event (index into DIRECTIONS), or −1 where the trace does not say. */
  direction: number;
  /** True if a dma event named the device of this very call. */
  named: boolean;
  /** Of an unmap: bytes of it that were live. Less than `size` means unmapping nothing, in part or in full. */
  covered: number;
  /** Of an unmap that ends a list or a part of it: what was known of the list; undefined if nothing was live. */
  was: LiveFields | undefined;
  /** Of an unmap: traced, or inferred. */
  cause: UnmapCause;
}

/** Receives calls one by one. */
export type CallSink = (call: TraceCall) => void;

/** Room of a blank record: an array above 64 bytes is allocated outside the engine's heap, which takes far longer. */
const FEW_ELEMENTS = 8;

/** A blank record. */
export function createCall(): TraceCall {
  return {
    kind: 'unmap',
    domain: 0,
    iova: 0,
    size: 0,
    count: 0,
    pa: new Float64Array(FEW_ELEMENTS),
    length: new Float64Array(FEW_ELEMENTS),
    time: 0,
    task: 0,
    pid: 0,
    cpu: -1,
    device: -1,
    direction: -1,
    named: false,
    covered: 0,
    was: undefined,
    cause: 'traced',
  };
}
