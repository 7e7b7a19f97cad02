// Inner loops over table entries, format-blind. Compiled by scripts/build-kernels.mjs; each has a plain twin in
// src/memory/plain-kernels.ts. No static data, no asserts: the memory is imported, and its first page is left alone but
// for what common.ts names.
export * from './calls';
export * from './entries';
export * from './lists';
export * from './walk';
