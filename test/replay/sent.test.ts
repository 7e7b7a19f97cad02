import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { CAPTURES } from './helpers.ts';

const STRICT = join(CAPTURES, 'arm64-smmuv3-612-blk-strict');
const FILES = ['trace_boot.txt', 'trace.txt.gz', 'trace_live.txt.gz'].map((file) => join(STRICT, file));

/** Opcodes of an SMMUv3's command queue (Arm IHI 0070, 4.1). */
const OPCODES: Readonly<Record<number, string>> = {
  1: 'CMD_PREFETCH_CONFIG',
  3: 'CMD_CFGI_STE',
  4: 'CMD_CFGI_ALL',
  5: 'CMD_CFGI_CD',
  17: 'CMD_TLBI_NH_ASID',
  18: 'CMD_TLBI_NH_VA',
  48: 'CMD_TLBI_NSNH_ALL',
  70: 'CMD_SYNC',
};

/** Commands in the pages of the queue of a machine that was stopped. It never wrapped: its producer index is their number. */
function queued(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const line of gunzipSync(readFileSync(join(STRICT, 'tables-live-io.jsonl.gz')))
    .toString()
    .split('\n')) {
    if (!line.includes('"cmdq"')) continue;
    const { bytes_base64 } = JSON.parse(line) as { bytes_base64: string };
    const bytes = Buffer.from(bytes_base64, 'base64');
    for (let at = 0; at < bytes.length; at += 16) {
      const name = OPCODES[bytes[at] as number];
      if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
    }
  }
  return counts;
}

interface Answer {
  readonly device: { readonly driver: string; readonly kernel: string };
  readonly policies: readonly { readonly unmaps: number; readonly commands: Record<string, number> }[];
}

async function replayed(files: readonly string[], ...args: readonly string[]): Promise<Answer> {
  const { stdout, error, status } = await runCli(
    'replay',
    ...files,
    '--policy',
    'strict',
    '--json',
    '--quiet',
    ...args,
  );
  if (status !== 0) throw new Error(error);
  return JSON.parse(stdout) as Answer;
}

describe('the strict capture against the command queue of its own kernel', () => {
  test('the queue never wrapped: it holds every command since the machine was started', () => {
    const registers = readFileSync(join(STRICT, 'regs-live-io.json'), 'utf8');
    const producer = Number(/"CMDQ_PROD": "(0x[0-9a-f]+)"/.exec(registers)?.[1]);
    expect(Object.values(queued()).reduce((sum, count) => sum + count, 0)).toBe(producer);
  });

  test('replayed on its own IOMMU, every invalidation comes out, and every wait but those of attaching devices', async () => {
    const { device, policies } = await replayed(FILES, '--until', 'pause live-io');
    expect(device).toMatchObject({ driver: 'arm-smmu-v3', kernel: '6.12' });
    const [strict] = policies;
    const sent = queued();
    const side = (name: string) => ({ replayed: strict?.commands[name], sent: sent[name] });
    expect(strict?.unmaps).toBe(2824);
    expect(side('CMD_TLBI_NH_VA')).toEqual({ replayed: 2828, sent: 2828 });
    // Configuration and the first flush of each ASID wait, too: one CMD_SYNC for each of these; a replay leaves attaching out.
    const attaching = ['CMD_CFGI_ALL', 'CMD_TLBI_NSNH_ALL', 'CMD_CFGI_CD', 'CMD_CFGI_STE', 'CMD_TLBI_NH_ASID'];
    const waits = attaching.reduce((sum, name) => sum + (sent[name] ?? 0), 0);
    expect(side('CMD_SYNC')).toEqual({ replayed: 2824, sent: 2824 + waits });
  });

  test('docs/dma-layer.md shows these numbers side by side', () => {
    const page = readFileSync(new URL('../../docs/dma-layer.md', import.meta.url), 'utf8').replace(/ +/g, ' ');
    expect(page).toContain('| `CMD_TLBI_NH_VA` | 2,828 | 2,828 | none |');
    expect(page).toContain('| `CMD_SYNC` | 2,824 | 2,841 | 17:');
  });
});
