import { afterEach, expect, test, vi } from 'vitest';
import { textOf } from '../meta/sources.ts';
import { runCli } from '../support/cli.ts';

/** A command of the README, and what the README shows of its output. */
const SHOWN = /^```sh\niommu (.+)\n```\n\n```text\n([\s\S]*?)^```/gm;
const EXAMPLES = [...textOf('README.md').matchAll(SHOWN)].map(([, command = '', output = '']) => ({
  command: command.replace(/ +#.*/, ''),
  lines: output.split('\n').filter((line) => line !== ''),
}));

afterEach(() => vi.unstubAllEnvs());

test('the README shows what three commands print', () => expect(EXAMPLES).toHaveLength(3));

test.each(EXAMPLES)('iommu $command prints each line that the README shows, in order', async ({ command, lines }) => {
  vi.stubEnv('COLUMNS', '80');
  vi.stubEnv('LC_ALL', 'C.UTF-8');
  const printed = (await runCli(...command.split(' '))).stdout.split('\n').map((line) => line.trimEnd());
  let from = 0;
  const missing = lines.filter((line) => {
    const at = printed.indexOf(line, from);
    if (at !== -1) from = at + 1;
    return at === -1;
  });
  expect(missing).toEqual([]);
});
