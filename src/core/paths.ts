/**
 * The paths and dispatches: at which height a request enters the same code.
 * @module
 */

/** How a request crosses the layers. */
export type Path = 'per-page' | 'map-pages' | 'map-sg' | 'one-walk';

/** All paths. */
export const PATHS: readonly Path[] = ['per-page', 'map-pages', 'map-sg', 'one-walk'];

/** Through the ops tables, or bound when the domain is made. */
export type Dispatch = 'indirect' | 'direct';

/** Both dispatches. */
export const DISPATCHES: readonly Dispatch[] = ['indirect', 'direct'];
