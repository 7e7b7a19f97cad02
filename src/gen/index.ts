/**
 * Tables made offline from a map list: the pages, and the same as source code, tree and data.
 * @module
 */
export { type Image, type ImageEntry, type ImageTable, imagePages, makeImage } from './image.ts';
export { type MapLine, readMapList } from './map-list.ts';
export { toAssembler, toC } from './source-code.ts';
export { toImageData, toTree } from './tree.ts';
