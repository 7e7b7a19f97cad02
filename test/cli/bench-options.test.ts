import { describe, expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';

describe('bench refuses what would have no effect', () => {
  test.each([
    [['-t', '4'], '--threads: expected --dma beside it'],
    [['--layer', 'iova'], '--layer: expected --dma beside it'],
    [['--rings', '--policy', 'lazy'], '--policy: expected --dma beside it'],
    [['--dma', '--sizes', '4K'], '--dma: expected no --sizes beside it'],
    [['--dma', '--rings'], '--dma: expected no --rings beside it'],
    [['--rings', '--granule', '4K'], '--rings: expected no --granule beside it'],
  ])('%j', async (args, message) => {
    const { status, error } = await runCli('bench', ...args, '--quiet');
    expect([status, error]).toEqual([2, expect.stringContaining(message)]);
  });
});
