import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { StreamFormat } from '../../src/trace/index.ts';
import { checkImport, load, SAMPLES } from './helpers.ts';

const FORMATS: Readonly<Record<string, StreamFormat>> = {
  trace: 'ftrace',
  trace_pipe: 'ftrace',
  'trace-cmd-report': 'trace-cmd-report',
  'perf-script': 'perf-script',
};

const FILES = readdirSync(SAMPLES).flatMap((tool) =>
  readdirSync(`${SAMPLES}${tool}`).flatMap((version) =>
    readdirSync(`${SAMPLES}${tool}/${version}`)
      .filter((name) => name.endsWith('.txt'))
      .map((name) => [`${tool}/${version}/${name}`, FORMATS[tool] ?? 'ftrace'] as const),
  ),
);

const sample = (path: string): Uint8Array => load(`${SAMPLES}${path}`);

describe('made samples of what the captures lack', () => {
  it.each(FILES)('%s reads the same by name, by content and through any cuts', (path, format) => {
    checkImport(sample(path), format);
  });

  it('trace_pipe: lost events, truncated lists, steps back and a cut-off line are counted, each for itself', () => {
    const { stats, events } = checkImport(sample('trace_pipe/6.12/lost-events.txt'), 'ftrace');
    expect(stats.lost).toEqual({ events: 1234, gaps: 2, overwritten: 0 });
    expect([stats.truncatedLists, stats.unordered, stats.largestStepBack]).toEqual([1, 1, 150_000]);
    expect(stats.skipped.map(({ reason }) => reason)).toEqual(['last line has no newline: the file is cut off']);
    expect(events.find((text) => text.includes('odd'))).toContain('"text with [000] and 1.5: map: inside"');
  });

  it('old prints: sizes in hexadecimal and no end address read as the new ones do', () => {
    const { stats, events } = checkImport(sample('trace/3.10/old-prints.txt'), 'ftrace');
    expect(stats.lost.overwritten).toBe(4);
    expect(events.slice(0, 3)).toEqual([
      '88.100001000 ip-1201 cpu2 c0 map 0xfffe0000 0x36a00000 4096 0 0',
      '88.100010000 ip-1201 cpu2 c0 map 0xfffe1000 0x36a40000 8192 0 0',
      '88.100100000 <idle>-0 cpu3 c1 unmap 0xfffe0000 0x0 4096 4096 0',
    ]);
  });

  it('trace-cmd report -t: nanoseconds are kept, lists that it could not parse are read from their raw fields', () => {
    const { stats, events } = checkImport(sample('trace-cmd-report/2.9/nanoseconds.txt'), 'trace-cmd-report');
    expect(stats.lost).toEqual({ events: 7, gaps: 2, overwritten: 0 });
    expect(events[2]).toBe(
      '33.741900456 dd-303 cpu1 c3 dma map sg 0000:00:01.0 FROM_DEVICE 0x0 0x0 0 0 0 dma{ffa70000} lengths{2000} phys{420c2000,420c8000}',
    );
    expect(stats.skipped.map(({ count }) => count)).toEqual([1]);
  });

  it('perf script: with and without a processor, lost events, call chains', () => {
    const { stats, events } = checkImport(sample('perf-script/6.12/all-cpus.txt'), 'perf-script');
    expect(stats.lost).toEqual({ events: 12, gaps: 1, overwritten: 0 });
    expect(events.at(-1)).toBe('7.700000123 Web Content-4243 cpu1 c3 map 0x1000 0x2000 8192 0 0');
    const alone = checkImport(sample('perf-script/6.12-one-task/one-task.txt'), 'perf-script');
    expect(alone.events[0]).toBe('7.656177000 dd-243 cpu-1 c3 map 0xfffbf000 0x421e6000 4096 0 0');
  });

  it('stamps of a counting clock are taken as they are, and that is said', () => {
    const { stats } = checkImport(sample('trace/6.12-counter/counter.txt'), 'ftrace');
    expect([stats.ticks, stats.firstTime, stats.lastTime, stats.unordered]).toEqual([true, 1_234_567, 1_234_569, 1]);
  });
});
