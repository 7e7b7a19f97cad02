/// <reference types="vite/client" />
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DRIVERS } from '../../src/drivers/registry.ts';
import { FORMATS } from '../../src/formats/registry.ts';
import { GIVEN_FORMATS } from '../../src/hardware/given.ts';
import { answerToMarkdown } from '../../src/report/answer-markdown.ts';
import type { Question } from '../../web/ask/protocol.ts';
import { answerTo } from '../../web/ask/questions.ts';
import { dumpsToCompare, evidenceBeside, evidenceOf, faultEvidence, tracesOf } from '../../web/state/evidence.ts';
import { type DroppedFile, identify } from '../../web/state/identify.ts';
import { IOMMUS, FORMATS as OFFERED } from '../../web/state/offered.ts';
import { runCli } from '../support/cli.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const CAPTURES = join(ROOT, 'test/captures/');
const MACHINES = readdirSync(CAPTURES).filter((name) => /^(arm64|riscv64|x86)-/.test(name));
const EXAMPLE = join(ROOT, 'data/example');
const VTD = join(CAPTURES, 'x86-vtd-612-blk');
const STRICT = join(CAPTURES, 'arm64-smmuv3-612-blk-strict');

/** Whether a folder on the command line takes a file for a trace, or for something else: a trace.dat and its report repeat the events. */
function isRead(name: string): boolean {
  return !/^trace[-.](dat|v6|cmd)/.test(name);
}

/** Files of a folder as they come with one drop. */
async function dropped(folder: string, names: readonly string[], drop = 1): Promise<DroppedFile[]> {
  const files = names.map((name) => new File([readFileSync(join(folder, name))], name));
  return (await Promise.all(files.map(identify))).map((one) => ({ ...one, drop }));
}

/** Everything that the answer on the page says. */
async function onPage(question: Question): Promise<string> {
  return answerToMarkdown(await answerTo(question, () => undefined), false).trim();
}

/** Everything that the program says, files by their names. */
async function inProgram(folder: string, ...args: string[]): Promise<string> {
  const { stdout, error } = await runCli(...args, '--output', 'markdown', '--quiet');
  expect(error).toBe('');
  return stdout.replaceAll(`${folder}/`, '').trim();
}

/** Without the note on the clock, which the program says on standard error. */
function withoutClock(text: string): string {
  const lines = text.split('\n').filter((line) => !/^- trace: (times are moved by|how its clock) /.test(line));
  return lines
    .join('\n')
    .replace(/\n+#* ?\**Notes\**:?\s*$/, '')
    .trim();
}

function registersFor(dump: string): string {
  return dump.replace('tables-', 'regs-').replace(/\.jsonl.*/, '.json');
}

function namesBeside(folder: string): string[] {
  const names = readdirSync(folder);
  return ['pci.txt', 'iommu_groups.txt', 'iomem.txt'].flatMap((name) =>
    names.includes(name) ? [`--${name.replace(/^iommu_|\.txt$/g, '')}`, join(folder, name)] : [],
  );
}

describe.each(['example', ...MACHINES])('%s: the page says what the program says', async (machine) => {
  const folder = machine === 'example' ? EXAMPLE : join(CAPTURES, machine);
  const names = readdirSync(folder).filter(isRead);
  const files = await dropped(folder, names.sort());
  const dumps = names.filter((name) => name.startsWith('tables-'));

  test('of the trace', async () => {
    const asked = await onPage({ ask: 'replay', evidence: evidenceOf(files), wanted: 'mapped' });
    expect(asked).toBe(await inProgram(folder, 'replay', folder, '--limit', '10000'));
  });

  test('of the faults', async () => {
    const asked = await onPage({ ask: 'fault', evidence: faultEvidence(files) });
    expect(withoutClock(asked)).toBe(await inProgram(folder, 'fault', folder, '--limit', '100'));
  });

  for (const dump of dumps) {
    test(`of what ${dump} maps, and whether it is legal`, async () => {
      const evidence = evidenceOf([...files, ...(await dropped(folder, [dump], 2))]);
      const args = [join(folder, dump), '--regs', join(folder, registersFor(dump)), ...namesBeside(folder)];
      expect(await onPage({ ask: 'decode', evidence })).toBe(await inProgram(folder, 'decode', ...args));
      expect(await onPage({ ask: 'check', evidence })).toBe(await inProgram(folder, 'check', ...args));
    });
  }

  const [a, b] = dumps.slice(-2).map((name) => [join(folder, name), join(folder, registersFor(name))] as const);
  if (a !== undefined && b !== undefined) {
    test('of what changed between the last two dumps', async () => {
      const [before, after] = dumpsToCompare(files) ?? [{}, {}];
      const asked = await onPage({ ask: 'diff', a: before, b: after });
      expect(asked).toBe(await inProgram(folder, 'diff', a[0], b[0], '--regs-a', a[1], '--regs-b', b[1]));
    });
  }
});

test('of traces without a file beside them: both say which IOMMU is assumed, and why', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'iommu-page-'));
  try {
    const names = ['trace_boot.txt', 'trace_vfio.txt'];
    for (const name of names) writeFileSync(join(folder, name), readFileSync(join(EXAMPLE, name)));
    const bare = await dropped(folder, names);
    const said = await onPage({ ask: 'replay', evidence: evidenceOf(bare), wanted: 'mapped' });
    expect(said).toBe(await inProgram(folder, 'replay', folder, '--limit', '10000'));
    expect(said).toContain(
      'arm-smmu is assumed: no log, register file or metadata.json beside the trace names its IOMMU',
    );
    const later = evidenceOf([...bare, ...(await dropped(EXAMPLE, ['dmesg.txt'], 2))]);
    expect(await onPage({ ask: 'replay', evidence: later, wanted: 'mapped' })).toContain('commands to intel-vtd');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each(['leaks', 'double-maps'] as const)('of the %s of a trace', async (wanted) => {
  const evidence = evidenceOf(await dropped(VTD, readdirSync(VTD).filter(isRead)));
  const traces = (evidence.traces ?? []).map((file) => join(VTD, (file as File).name));
  const args = ['replay', ...traces, `--${wanted}`, '--limit', '10000', ...namesBeside(VTD)];
  expect(await onPage({ ask: 'replay', evidence, wanted })).toBe(await inProgram(VTD, ...args));
});

test('of a trace.dat', async () => {
  const files = await dropped(STRICT, [
    'trace.dat',
    ...readdirSync(STRICT).filter((name) => !name.startsWith('trace')),
  ]);
  const asked = await onPage({ ask: 'replay', evidence: evidenceOf(files), wanted: 'mapped' });
  expect(asked).toBe(await inProgram(STRICT, 'replay', join(STRICT, 'trace.dat'), '--limit', '10000'));
});

test('of calls of functions, with the files beside them', async () => {
  const graph = 'trace_fgraph.txt.gz';
  const files = await dropped(VTD, [graph, 'qemu-args.json', 'fgraph_functions.txt']);
  const evidence = { ...evidenceOf(files), traces: tracesOf(files) };
  expect(tracesOf(files).map(({ name }) => name)).toEqual([graph]);
  const said = await inProgram(VTD, 'explain', join(VTD, graph));
  expect(await onPage({ ask: 'replay', evidence, wanted: 'mapped' })).toBe(said);
  const file = tracesOf(files)[0] ?? new File([], '');
  expect(await onPage({ ask: 'explain', file, beside: evidenceBeside(files, file) })).toBe(said);
});

test.each(['generic-pt-2025', 'sm8150-table-flush-2021', 'tegra-noncoherent-unmap-2024'])(
  'of the table %s',
  async (table) => {
    const name = `${table}.csv`;
    const folder = mkdtempSync(join(tmpdir(), 'iommu-page-'));
    try {
      writeFileSync(join(folder, name), readFileSync(join(ROOT, 'data/latency', name)));
      const [one] = await dropped(folder, [name]);
      expect(one?.role).toBe('latency');
      const file = one?.file ?? new File([], '');
      expect(await onPage({ ask: 'explain', file, beside: {} })).toBe(
        await inProgram(folder, 'explain', join(folder, name)),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

test.each(['trace.txt.gz', 'trace_fgraph.txt.gz'])('of two machines compared by their %s', async (name) => {
  const sides = await Promise.all(
    [STRICT, VTD].map(async (folder, i) => {
      const files = await dropped(folder, readdirSync(folder), i + 1);
      const trace = files.find(({ file }) => file.name === name)?.file ?? new File([], '');
      return { trace, beside: evidenceBeside(files, trace) };
    }),
  );
  const [a, b] = sides;
  if (a === undefined || b === undefined) throw new Error('expected two sides');
  const said = await inProgram(STRICT, 'compare', join(STRICT, name), join(VTD, name));
  expect(await onPage({ ask: 'compare', sides: [a, b] })).toBe(said.replaceAll(`${VTD}/`, ''));
});

test('the page offers every IOMMU and every format that the program has', () => {
  expect(IOMMUS).toEqual(DRIVERS.map(({ id }) => id));
  expect(OFFERED).toEqual(FORMATS.map(({ id, granules }) => ({ id, granules })));
  expect(OFFERED.map(({ id }) => id).filter((id) => !GIVEN_FORMATS.includes(id))).toEqual([]);
});
