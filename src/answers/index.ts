/**
 * Questions and their answers: each function takes inputs and gives an `Answer`, which every face shows.
 * @module
 */
export { type FormatFacts, type FormatsData, formatsAnswer, type Granule } from './formats.ts';
