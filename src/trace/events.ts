/**
 * The event model: what every reader delivers, whatever the file looked like. One record is reused for all events, so
 * that reading allocates nothing per event: a consumer copies what it wants to keep.
 *
 * Times are nanoseconds, exact below 2^53 (104 days of uptime). Addresses and sizes are numbers: exact below 2^53, and
 * above it for every 4 KiB-aligned value.
 * @module
 */
import { NameTable } from './names.ts';

/** Kinds of events (tracefs events `iommu:*`, `dma:*` and `ftrace:print`, by what they mean). */
export const KIND = {
  MAP: 1,
  UNMAP: 2,
  DMA_MAP: 3,
  DMA_UNMAP: 4,
  DMA_MAP_SG: 5,
  DMA_UNMAP_SG: 6,
  DMA_ALLOC: 7,
  DMA_FREE: 8,
  ATTACH: 9,
  DETACH: 10,
  ADD_DEVICE: 11,
  REMOVE_DEVICE: 12,
  FAULT: 13,
  MARK: 14,
} as const;

/** One of {@link KIND}. */
export type Kind = (typeof KIND)[keyof typeof KIND];

/** Text of a kind, for tables: `KIND_NAMES[KIND.MAP]` is `map`. */
export const KIND_NAMES: readonly string[] = Object.freeze([
  '',
  'map',
  'unmap',
  'dma map',
  'dma unmap',
  'dma map sg',
  'dma unmap sg',
  'dma alloc',
  'dma free',
  'attach',
  'detach',
  'add device',
  'remove device',
  'fault',
  'mark',
]);

/** The tracefs events that are read, by name, under every name that a kernel version gave them. */
export const EVENT_KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['map', KIND.MAP],
  ['unmap', KIND.UNMAP],
  ['dma_map_page', KIND.DMA_MAP],
  ['dma_map_resource', KIND.DMA_MAP],
  ['dma_map_phys', KIND.DMA_MAP],
  ['dma_unmap_page', KIND.DMA_UNMAP],
  ['dma_unmap_resource', KIND.DMA_UNMAP],
  ['dma_unmap_phys', KIND.DMA_UNMAP],
  ['dma_map_sg', KIND.DMA_MAP_SG],
  ['dma_unmap_sg', KIND.DMA_UNMAP_SG],
  ['dma_alloc', KIND.DMA_ALLOC],
  ['dma_alloc_pages', KIND.DMA_ALLOC],
  ['dma_alloc_sgt', KIND.DMA_ALLOC],
  ['dma_free', KIND.DMA_FREE],
  ['dma_free_pages', KIND.DMA_FREE],
  ['dma_free_sgt', KIND.DMA_FREE],
  ['attach_device_to_domain', KIND.ATTACH],
  ['detach_device_from_domain', KIND.DETACH],
  ['add_device_to_group', KIND.ADD_DEVICE],
  ['remove_device_from_group', KIND.REMOVE_DEVICE],
  ['io_page_fault', KIND.FAULT],
  ['tracing_mark_write', KIND.MARK],
  ['print', KIND.MARK],
]);

/** Directions as `enum dma_data_direction` numbers them. */
export const DIRECTIONS: readonly string[] = Object.freeze(['BIDIRECTIONAL', 'TO_DEVICE', 'FROM_DEVICE', 'NONE']);

/** Where the processor was: ordinary task, soft interrupt, hard interrupt (or NMI); UNKNOWN where flags are not shown. */
export const CONTEXT = { TASK: 0, SOFT_IRQ: 1, HARD_IRQ: 2, UNKNOWN: 3 } as const;

/** One of {@link CONTEXT}. */
export type Context = (typeof CONTEXT)[keyof typeof CONTEXT];

/**
 * The elements that a scatter-list event carries. `dma[i]` and `lengths[i]` belong together (`count` of them);
 * `physical` are the CPU's pages before merging (`physicalCount`), of the same bytes but cut otherwise. The arrays are
 * reused and may be longer than their counts.
 */
export interface EventList {
  dma: Float64Array;
  lengths: Float64Array;
  physical: Float64Array;
  count: number;
  physicalCount: number;
  /** True if the kernel cut the list off (at 128 elements). */
  truncated: boolean;
}

/** One event. The record and its list are reused for the next event. */
export interface TraceEvent {
  kind: Kind;
  /** Nanoseconds of the trace's clock. */
  time: number;
  /** Processor, or −1 where the line has none. */
  cpu: number;
  pid: number;
  /** Task name: an id in {@link TraceNames.tasks}. */
  task: number;
  context: Context;
  /** Device: an id in {@link TraceNames.devices}, or −1 where the event has none. */
  device: number;
  /** Index into {@link DIRECTIONS}, or −1. */
  direction: number;
  /** IOVA of iommu events, DMA address of dma events (0 where a list stands instead). */
  iova: number;
  /** Physical address of map and dma map, else 0. */
  pa: number;
  /** Bytes asked for. */
  size: number;
  /** Bytes that an unmap really removed. */
  unmapped: number;
  /** Group number of add and remove device, flags of a fault, else 0. */
  value: number;
  /** Elements of scatter-list events; its counts are 0 for others. */
  readonly list: EventList;
  /** Text of a mark, driver name of a fault, else ''. */
  text: string;
}

/** Receives events one by one; the record is valid during the call only. */
export type EventSink = (event: TraceEvent) => void;

/** Names met so far; shared by the readers of files that belong together, so that ids mean the same in all of them. */
export interface TraceNames {
  readonly tasks: NameTable;
  readonly devices: NameTable;
}

/** Empty tables of names. */
export function createNames(): TraceNames {
  return { tasks: new NameTable(), devices: new NameTable() };
}

/** A blank record for a reader to fill. */
export function createEvent(): TraceEvent {
  return {
    kind: KIND.MARK,
    time: 0,
    cpu: -1,
    pid: 0,
    task: 0,
    context: CONTEXT.UNKNOWN,
    device: -1,
    direction: -1,
    iova: 0,
    pa: 0,
    size: 0,
    unmapped: 0,
    value: 0,
    list: {
      dma: new Float64Array(16),
      lengths: new Float64Array(16),
      physical: new Float64Array(16),
      count: 0,
      physicalCount: 0,
      truncated: false,
    },
    text: '',
  };
}

/** Clears what belongs to the body of an event, before the next one is read into the record. */
export function clearBody(event: TraceEvent): void {
  event.device = -1;
  event.direction = -1;
  event.iova = 0;
  event.pa = 0;
  event.size = 0;
  event.unmapped = 0;
  event.value = 0;
  event.list.count = 0;
  event.list.physicalCount = 0;
  event.list.truncated = false;
  event.text = '';
}
