import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { skippedCount } from '../../src/trace/index.ts';
import { CAPTURES, checkImport, load, read } from './helpers.ts';

const FOLDERS = readdirSync(CAPTURES).filter((name) => /^(arm64|x86|riscv64)/.test(name));

describe('ftrace text of real kernels', () => {
  it.each(FOLDERS)('%s: trace_boot reads the same by name, by content and through any cuts', (folder) => {
    checkImport(load(`${CAPTURES}${folder}/trace_boot.txt`), 'ftrace');
  });

  it.each(FOLDERS)('%s: every line of every trace is an event or a counted one', (folder) => {
    const names = readdirSync(`${CAPTURES}${folder}`).filter((name) => /^trace(_live|_vfio|_mod)?\.txt/.test(name));
    for (const name of names) {
      const bytes = load(`${CAPTURES}${folder}/${name}`);
      const lines = new TextDecoder().decode(bytes).trimEnd().split('\n');
      const { stats } = read(bytes, 'ftrace', 65_536);
      expect(stats.events + skippedCount(stats)).toBe(lines.filter((line) => !line.startsWith('#')).length);
      expect(stats.skipped.filter((row) => !/^event not used: (qi_submit|cache_tag_\w+)$/.test(row.reason))).toEqual(
        [],
      );
    }
  });
});
