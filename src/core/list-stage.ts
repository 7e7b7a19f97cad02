/**
 * Lists brought into the engine's memory, where kernels read them. A list that lies there already is left alone; others
 * are copied once.
 * @module
 */
import { type ListArrays, ScatterList } from '../memory/scatter-list.ts';
import { STAGED_ELEMENTS, type TableMemory } from '../memory/table-memory.ts';

/** Shorter lists are not worth a copy. */
const LEAST_ELEMENTS = 8;

/**
 * The list in the engine's memory. Short lists, those longer than the room for copies, and those that come while another
 * is being mapped from there (a call into a second domain, from an invalidation) stay where they are: they are mapped
 * element by element. `TableMemory.list` has no such limit. A caller that gets a copy sets `staging` to false at the end.
 */
export function stageList(memory: TableMemory, list: ListArrays): ListArrays {
  if (list instanceof ScatterList && list.isIn(memory)) return list;
  const count = list.addresses.length;
  if (count < LEAST_ELEMENTS || count > STAGED_ELEMENTS || memory.staging) return list;
  const staged = memory.stagedList(count);
  staged.addresses.set(list.addresses);
  staged.lengths.set(list.lengths);
  memory.staging = true;
  return staged;
}
