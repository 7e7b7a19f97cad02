import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { afterAll, describe, expect, test } from 'vitest';
import { ANSWER_FORMS } from '../../src/cli/forms.ts';
import { runCli } from '../support/cli.ts';
import { DUMPS } from '../support/dumps.ts';

const CAPTURES = new URL('../captures/', import.meta.url).pathname;
const TABLES = new URL('../../data/latency/', import.meta.url).pathname;
const VECTORS = new URL('../vectors/A_dart.jsonl.gz', import.meta.url).pathname;
const POSTED = new URL('../explain/posted/', import.meta.url).pathname;
const SCHEMAS = new URL('../../schemas/', import.meta.url).pathname;
const FOLDER = mkdtempSync(join(tmpdir(), 'iommu-verbs-'));
afterAll(() => rmSync(FOLDER, { recursive: true }));

const MAPS = join(FOLDER, 'maps.csv');
writeFileSync(MAPS, 'iova,pa,size,prot\n0x200000,0x80000000,2M,rw\n');
const WRONG = join(FOLDER, 'wrong.jsonl');
const [line = ''] = (await import('../conform/vectors.ts'))
  .readVectors('A_dart.jsonl.gz')
  .map((v) => JSON.stringify(v));
writeFileSync(WRONG, line.replace(/"ttbr0":"0x[0-9a-f]+"/, '"ttbr0":"0x1000"'));

const FOLDERS = readdirSync(CAPTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

function holding(file: string): string[] {
  return FOLDERS.filter((folder) => readdirSync(`${CAPTURES}${folder}`).includes(file)).map(
    (folder) => `${CAPTURES}${folder}/${file}`,
  );
}

const LATENCIES = readdirSync(TABLES).filter((name) => name.endsWith('.csv'));
const [FIRST, SECOND] = DUMPS;
if (FIRST === undefined || SECOND === undefined) throw new Error('captures are missing');
const [firstTables = '', , firstRegs = ''] = FIRST.args;
const [secondTables = '', , secondRegs = ''] = SECOND.args;

/** Every verb that gives an answer, on every shipped input of its kind. */
const COMMANDS: readonly (readonly string[])[] = [
  ...LATENCIES.map((name) => ['explain', name]),
  ['explain', ...LATENCIES.slice(0, 2)],
  ...readdirSync(POSTED)
    .filter((name) => name.endsWith('.txt'))
    .map((name) => ['explain', `${POSTED}${name}`]),
  ...holding('trace_fgraph.txt.gz').map((path) => ['explain', path]),
  ...holding('dmesg.txt').map((path) => ['fault', path]),
  ...DUMPS.flatMap(({ args }) => [
    ['decode', ...args],
    ['check', ...args],
    ['walk', args[0] ?? '', '0x1000', ...args.slice(1)],
  ]),
  ['diff', firstTables, secondTables, '--regs-a', firstRegs, '--regs-b', secondRegs],
  ['convert', ...FIRST.args, '-o', join(FOLDER, 'out.snapshot')],
  ['check', '--rules'],
  ['conform', VECTORS],
  ['conform', WRONG],
  ['gen', MAPS, '--quiet'],
  ['formats'],
  ['bench', '--sizes', '4K', '--paths', 'one-walk', '--ops', 'map', '--runs', '3', '--quiet'],
  ['bench', '--dma', '--seconds', '1'],
  ['bench', '--rings'],
  ...holding('trace_vfio.txt').map((path) => ['replay', path, '--policy', 'strict,lazy,passthrough']),
  ...holding('trace_boot.txt').map((path) => ['replay', path, '--policy', 'lazy']),
  ...holding('trace_boot.txt').map((path) => ['replay', path, '--tlb-size', '64,512']),
  ...holding('trace_vfio.txt').map((path) => ['replay', path, '--tlb-size', '16', '--tlb-ways', '4', '--tlb', 'all']),
];

const compiled = new Map<string, ValidateFunction>();

function schemaOf(name: string): ValidateFunction {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const ajv = new Ajv({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true });
  const validate = ajv.compile(JSON.parse(readFileSync(`${SCHEMAS}${name}.schema.json`, 'utf8')) as object);
  compiled.set(name, validate);
  return validate;
}

function shortName(args: readonly string[]): string {
  return args.map((arg) => arg.replace(CAPTURES, '').replace(FOLDER, '')).join(' ');
}

test.each(COMMANDS.map((args) => [shortName(args), args] as const))(
  'iommu %s answers as its schema says',
  async (_, args) => {
    const { stdout } = await runCli(...args, '--json');
    const document = JSON.parse(stdout) as { schema: string; verdict: string };
    const validate = schemaOf(document.schema);
    validate(document);
    expect(validate.errors ?? []).toEqual([]);
    expect(document.verdict).not.toBe('');
  },
);

async function inWidth(columns: number, args: readonly string[]): Promise<string> {
  const before = { COLUMNS: process.env['COLUMNS'], LC_ALL: process.env['LC_ALL'] };
  Object.assign(process.env, { COLUMNS: String(columns), LC_ALL: 'C.UTF-8' });
  try {
    return (await runCli(...args)).stdout;
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

const EXPLAINED = COMMANDS.filter(([verb]) => verb === 'explain' || verb === 'conform');
const ESCAPE = String.fromCharCode(27);

function bare(text: string): string {
  return text.replaceAll(new RegExp(`${ESCAPE}\\[[0-9;]*m`, 'g'), '').replaceAll(/ +$/gm, '');
}

describe.each(EXPLAINED.map((args) => [shortName(args), args] as const))('iommu %s', (_, args) => {
  test('gives its verdict within the first screen', async () => {
    const lines = (await inWidth(80, args)).split('\n');
    const end = lines.indexOf('');
    expect(lines[0]).not.toBe('');
    expect(end).toBeGreaterThan(0);
    expect(end).toBeLessThanOrEqual(12);
  });

  test.each([60, 80, 200])('has no line wider than %d columns, with and without colour', async (width) => {
    const plain = await inWidth(width, [...args, '--verbose']);
    expect(plain.split('\n').filter((text) => text.length > width)).toEqual([]);
    expect(bare(await inWidth(width, [...args, '--verbose', '--color', 'always']))).toBe(bare(plain));
  });
});

const ONE_EACH: readonly (readonly string[])[] = [
  ['explain', 'map-sg-series-2021.csv'],
  ['explain', `${POSTED}funclatency.txt`],
  ['decode', ...FIRST.args],
  ['check', ...FIRST.args],
  ['conform', VECTORS],
  ['formats'],
];

test.each(ONE_EACH.map((args) => [shortName(args), args] as const))(
  'iommu %s has every form, or refuses it and lists the others',
  async (_, args) => {
    for (const form of ANSWER_FORMS) {
      const { status, stdout, error } = await runCli(...args, '-o', form);
      if (status === 2) {
        expect(form).toMatch(/svg|csv/);
        expect(error).toMatch(/expected text, json/);
      } else expect(stdout.length).toBeGreaterThan(1);
    }
    const odd = await runCli(...args, '-o', 'out.pdf');
    expect([odd.status, odd.error]).toEqual([2, expect.stringContaining('expected one of text, json')]);
  },
);

test.each(['snapshot', 'binary', 'c', 'assembler', 'tree', 'json'])('gen has its form %s', async (form) => {
  const path = join(FOLDER, `tables-${form}`);
  expect((await runCli('gen', MAPS, '--quiet', '-o', form, '--output', path)).status).toBe(0);
  expect(readFileSync(path).length).toBeGreaterThan(0);
});
