import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    pool: 'threads',
    // vitest leaves one processor free, which on two would halve the speed
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
