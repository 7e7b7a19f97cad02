import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ReadTrack, readPerfetto } from '../report/perfetto-reader.ts';
import { runCli } from '../support/cli.ts';
import { CAPTURES, replayJson, withFile } from './helpers.ts';

const TRACE = join(CAPTURES, 'x86-vtd-612-blk', 'trace.dat');

async function timeline(...flags: string[]): Promise<ReadTrack[]> {
  return await withFile('', 'out.perfetto-trace', async (file) => {
    const { status, error } = await runCli('replay', TRACE, ...flags, '-o', file, '--quiet');
    expect(error).toBe('');
    expect(status).toBe(0);
    return readPerfetto(readFileSync(file));
  });
}

function crossings(tracks: readonly ReadTrack[], name: string): bigint {
  const slices = tracks.filter((track) => track.name === name).flatMap((track) => track.slices);
  return slices.reduce((sum, { from, to }) => sum + ((to ?? from) - from), 0n);
}

describe('the timeline of a replay', () => {
  it('has a slice a call, whose lengths add up to the counts of the row', async () => {
    const tracks = await timeline('--path', 'map-sg');
    const { rows, calls } = await replayJson(TRACE, '--path', 'map-sg');
    const counts = rows[0]?.counts ?? {};
    const names = tracks.filter(({ name }) => name === 'calls').flatMap(({ slices }) => slices.map(({ name }) => name));
    expect(names.filter((name) => name === 'unmap').length).toBe((calls as { unmap: number }).unmap);
    expect(names.filter((name) => name === 'map').length).toBe((calls as { lists: number }).lists);
    expect(crossings(tracks, 'walks')).toBe(BigInt(counts['walks'] ?? -1));
    expect(crossings(tracks, 'driver')).toBe(BigInt(counts['tableCalls'] ?? -1));
    expect(crossings(tracks, 'calls')).toBeGreaterThan(crossings(tracks, 'walks'));
  });

  it('counts live bytes up and down, and table pages', async () => {
    const tracks = await timeline('--path', 'one-walk');
    const { live } = await replayJson(TRACE, '--path', 'one-walk');
    const bytes = tracks.filter(({ name }) => name === 'live bytes');
    const ends = bytes.map(({ counts }) => Number(counts.at(-1)?.value));
    expect(ends.reduce((sum, value) => sum + value, 0)).toBe(live.endBytes);
    expect(Math.max(...bytes.flatMap(({ counts }) => counts.map(({ value }) => Number(value))))).toBeGreaterThan(0);
    expect(tracks.find(({ name }) => name === 'table pages')?.counts.length).toBeGreaterThan(0);
  });

  it('shows the first row, and a process a domain', async () => {
    const tracks = await timeline();
    const processes = tracks.filter(({ process }) => process).map(({ name }) => name);
    expect(processes[0]).toMatch(/^per-page indirect intel-vtd vtd-ss 4K/);
    expect(processes.slice(1).every((name) => name.startsWith('domain '))).toBe(true);
  });
});
