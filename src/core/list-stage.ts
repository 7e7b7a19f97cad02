/**
 * Lists brought into the engine's memory, where kernels read them. A list that lies there already is left alone; others
 * are copied, long ones in pieces.
 * @module
 */
import { PiecedList } from '../memory/pieced-list.ts';
import { type ListArrays, ScatterList } from '../memory/scatter-list.ts';
import { STAGED_ELEMENTS, type TableMemory } from '../memory/table-memory.ts';

/** Shorter lists are not worth a copy. */
const LEAST_ELEMENTS = 8;

/**
 * The list as kernels can read it: in the engine's memory, or cut into pieces that are copied there. Short lists stay where
 * they are, and so do those with a contiguous run of more elements than a piece has, and those that come while another
 * is being mapped from the room for copies (a call into a second domain, from an invalidation): they are mapped element by
 * element. A caller that gets another list than its own sets `staging` to false at the end.
 */
export function stageList(memory: TableMemory, list: ListArrays): ListArrays {
  if (list instanceof ScatterList && list.isIn(memory)) return list;
  const count = list.addresses.length;
  if (count < LEAST_ELEMENTS || memory.staging) return list;
  if (count > STAGED_ELEMENTS) return cutList(memory, list);
  const staged = memory.stagedList(count);
  staged.addresses.set(list.addresses);
  staged.lengths.set(list.lengths);
  memory.staging = true;
  return staged;
}

function cutList(memory: TableMemory, list: ListArrays): ListArrays {
  const pieces = PiecedList.cut(list);
  if (pieces !== undefined) memory.staging = true;
  return pieces ?? list;
}
