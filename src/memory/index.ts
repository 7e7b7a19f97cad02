/**
 * Memory for page tables and scatter lists.
 * @module
 */
export type { AllocationMode } from './page-allocator.ts';
export type { AddressArrays, ListArrays, ListElement, ListInput } from './scatter-list.ts';
export { ScatterList } from './scatter-list.ts';
export type { PageState, TableMemoryOptions } from './table-memory.ts';
export { TableMemory } from './table-memory.ts';
