import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';

const at = (folder: string, name: string): string => `test/fault/live/${folder}/${name}`;

interface Explained {
  readonly line: number;
  readonly cause: { readonly name: string };
}

/** Cause by line of the log. */
async function causes(folder: string, ...options: string[]): Promise<Map<number, string>> {
  const { stdout } = await runCli('fault', at(folder, 'dmesg.txt.gz'), '--quiet', '--json', ...options);
  const { faults }: { faults: readonly Explained[] } = JSON.parse(stdout);
  return new Map(faults.map(({ line, cause }) => [line, cause.name]));
}

const evidence = (folder: string): string[] => [
  ...['--dump', at(folder, 'tables-two-faulted.jsonl.gz'), '--regs', at(folder, 'regs-two-faulted.json')],
  ...['--trace', at(folder, 'trace_boot.txt.gz'), at(folder, 'trace_vfio.txt.gz')],
];

describe('a fault of a live guest', () => {
  it('is not explained by another device’s mapping of the same address', async () => {
    const found = await causes('two-devices-same-address', ...evidence('two-devices-same-address'));
    expect(found.get(323)).toBe('never-mapped');
    expect(found.get(343)).toBe('use-after-unmap');
  });

  it('is put in order with a trace by the offset that the log gives', async () => {
    const found = await causes('clocks-differ', ...evidence('clocks-differ'));
    expect([432, 434, 436].map((line) => found.get(line))).toEqual(['wrong-direction', 'overrun', 'overrun']);
  });

  it('is put in no order with a trace whose clock is not known', async () => {
    const found = await causes('clock-unknown', '--trace', at('clock-unknown', 'trace.txt.gz'));
    expect([...found.values()]).toEqual(['not-permitted']);
  });
});

describe('other answers from live guests', () => {
  it('cite the specification of the IOMMU whose tables they are about', async () => {
    const [tables, regs] = ['tables-two-mapped.jsonl.gz', 'regs-two-mapped.json'].map((name) =>
      at('x86-first-level', name),
    );
    const { stdout } = await runCli('check', tables ?? '', '--regs', regs ?? '', '--json', '--quiet');
    const { findings }: { findings: readonly { readonly rule: string; readonly source: string }[] } =
      JSON.parse(stdout);
    const sources = findings.filter(({ rule }) => rule === 'writable-executable').map(({ source }) => source);
    expect(sources.length).toBeGreaterThan(0);
    for (const source of sources) expect(source).toMatch(/^VT-d /);
    expect(stdout).not.toContain('Arm DDI');
  });

  it('take the durations of a function_graph report of trace-cmd', async () => {
    const { stdout } = await runCli('explain', at('trace-cmd-graph', 'trace-cmd-report.txt.gz'));
    expect(stdout).toMatch(/^map takes 204/);
  });

  it.each([
    ['intel-vtd', 'RTADDR'],
    ['amd-vi', 'DEV_TAB_BASE'],
  ])('are refused without the register that leads to the device table: %s', async (iommu, register) => {
    const folder = mkdtempSync(join(tmpdir(), 'registers-'));
    const [regs, dump] = [join(folder, 'regs.json'), join(folder, 'page.jsonl')];
    writeFileSync(regs, JSON.stringify({ iommu, named: {} }));
    writeFileSync(dump, `${JSON.stringify({ pa: 0, bytes_base64: Buffer.alloc(4096).toString('base64') })}\n`);
    const { status, error } = await runCli('decode', dump, '--regs', regs);
    rmSync(folder, { recursive: true });
    expect(status).not.toBe(0);
    expect(error).toContain(register);
  });
});
