/**
 * The core: domains, and how requests cross the layers.
 * @module
 */
export type { MapResult, UnmapResult } from './calls.ts';
export type { DirtyOptions, DirtyPages } from './dirty.ts';
export type { Leaf } from './domain.ts';
export { Domain } from './domain.ts';
export { type DomainOptions, UnmapChoices, type UnmapOptions } from './options.ts';
export type { Dispatch, Path } from './paths.ts';
export { DISPATCHES, PATHS } from './paths.ts';
