import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { CAPTURES, replayJson, withFile } from './helpers.ts';

const FOLDERS = readdirSync(CAPTURES).filter((folder) => existsSync(join(CAPTURES, folder, 'trace.dat')));
const FLAGS = ['--ranges', '--path', 'one-walk', '--iommu', 'arm-smmu'];

/** What two forms of one recording must agree in: all but sizes of the files, times, and how far stamps are rounded. */
async function facts(file: string): Promise<object> {
  const { trace, calls, witnesses, ranges, rows } = await replayJson(file, ...FLAGS);
  return { events: trace.events, calls, agree: witnesses.agree, ranges, counts: rows.map((row) => row.counts) };
}

describe('a trace.dat replays as trace-cmd prints it', () => {
  it.each(FOLDERS)('%s', async (folder) => {
    const report = await facts(join(CAPTURES, folder, 'trace-cmd-report.txt'));
    expect(await facts(join(CAPTURES, folder, 'trace.dat'))).toEqual(report);
    const older = join(CAPTURES, folder, 'trace-v6.dat.gz');
    if (existsSync(older)) expect(await facts(older)).toEqual(report);
  });

  it('is read as well when its bytes are packed', async () => {
    const plain = join(CAPTURES, 'x86-vtd-612-blk', 'trace.dat');
    await withFile(gzipSync(readFileSync(plain)), 'packed.dat.gz', async (packed) => {
      expect(await facts(packed)).toEqual(await facts(plain));
    });
  });

  it('is refused by name where it is cut', async () => {
    const whole = readFileSync(join(CAPTURES, 'x86-vtd-612-blk', 'trace.dat'));
    for (const length of [11, 40, 200, 5000, whole.length >> 1]) {
      await withFile(whole.subarray(0, length), 'cut.dat', async (cut) => {
        const answer = await replayJson(cut, ...FLAGS).catch((error: unknown) => String(error));
        expect(JSON.stringify(answer)).toMatch(/goes beyond its end|NOT_RECOGNISED|TRUNCATED|not be read|no trace/);
      });
    }
  });
});
