import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { MAIN } from '../support/built.ts';

const HERE = fileURLToPath(new URL('./', import.meta.url));
const CAPTURE = fileURLToPath(new URL('../captures/arm64-smmuv3-612-vfio/', import.meta.url));
const WORK = mkdtempSync(join(tmpdir(), 'hostile-'));
/** Only against a hang: nothing here takes more than a few seconds. */
const HANG_MS = 50_000;

afterAll(() => rmSync(WORK, { recursive: true, force: true }));

/** Runs the program in a process of its own, as the files can end one. Names of files here may be given alone. */
function iommu(...args: string[]) {
  const known = new Set(readdirSync(HERE));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [MAIN, ...args.map((arg) => (known.has(arg) ? join(HERE, arg) : arg))],
    { timeout: HANG_MS, encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  return { status, stdout, stderr };
}

function work(name: string): string {
  return join(WORK, name);
}

const REFUSED: readonly (readonly [string[], RegExp])[] = [
  [['decode', 'hang-geometry-arm-v7s-ias48.snapshot'], /ias: expected 20 to 32 bits for arm-v7s, got 48/],
  [['replay', 'trace-dat-64cpus-one-chunk.dat'], /overlap of 0 and 1/],
  [['replay', 'trace-dat-zero-size-list-field.dat'], /field dma_addrs: expected 1, 2, 4 or 8, got 0 bytes/],
  [['explain', 'csv-tiny-exit4.csv'], /line 2, column us: expected 0.000001 to 1000000000000/],
  [['explain', 'csv-1e30-range-exit4.csv'], /line 3, column us/],
  [['explain', 'csv-1e308-nan.csv'], /line 4, column us/],
  [['conform', 'vec-op-constructor.jsonl'], /ops\[0\]\.op is missing or wrong/],
  [['decode', 'gz-bad-crc-tables-live-io.jsonl.gz', '--root', '0x40000000'], /checksum and length/],
  [['convert', 'cut.kdump', '-o', work('cut.snapshot')], /broken packed bytes/],
  [['convert', 'corrupt.kdump', '-o', work('corrupt.snapshot')], /broken packed bytes/],
  [['decode', 'cut.kdump', '--root', '0x1000'], /end of the file before its last page/],
];

describe('input that cannot be used', () => {
  test.each(REFUSED)('%j is refused by name', (args, words) => {
    const { status, stdout, stderr } = iommu(...args);
    expect(stdout + stderr).toMatch(words);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(status).toBe(3);
  });
});

/** Registers that lead a decoding into the broken page of the kdump. */
const INTO_BROKEN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'arm-smmu-v3': { CR0: '1', STRTAB_BASE: '0x1000', STRTAB_BASE_CFG: '0x5' },
  'intel-vtd': { CAP: '0', ECAP: '0', GSTS: '0xc0000000', RTADDR: '0x1000' },
  'amd-vi': { DEV_TAB_BASE: '0x1000', CONTROL: '1' },
  'riscv-iommu': { CAPABILITIES: '0x10', DDTP: '0x402' },
};

describe.each(Object.entries(INTO_BROKEN))('registers of %s that lead to broken pages', (unit, named) => {
  test.each(['decode', 'check', 'walk'])('%s says so, and is not status 0', (verb) => {
    writeFileSync(work('regs.json'), JSON.stringify({ iommu: unit, named }));
    const address = verb === 'walk' ? ['0x1000'] : [];
    const { status, stdout, stderr } = iommu(verb, 'corrupt.kdump', ...address, '--regs', work('regs.json'));
    expect(stdout + stderr).toContain('broken packed bytes');
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(status).toBe(3);
  });
});

test.each([
  ['0x20000000000001', /below 2\^53/],
  ['0x20000001', /a multiple of 0x1000/],
])('a root of %s is refused, not rounded', (root, words) => {
  const { status, stderr } = iommu('decode', 'corrupt.kdump', '--root', root);
  expect(stderr).toMatch(words);
  expect(status).toBe(2);
});

test('a quirk that no format has is refused', () => {
  const { status, stderr } = iommu('decode', 'corrupt.kdump', '--root', '0x1000', '--quirk', 'nonsense');
  expect(stderr).toMatch(/quirk: expected .*got 'nonsense'/);
  expect(status).toBe(2);
});

test('a long answer lists up to its limit, counts all, and says so', () => {
  const { status, stdout } = iommu('decode', '--json', '--limit', '10', 'decode-json-8-domains.snapshot');
  const { domains, notes, unknown, unknownCount } = JSON.parse(stdout);
  const listed = domains.flatMap((domain: { ranges: object[] }) => domain.ranges).length;
  const total = domains.reduce((sum: number, domain: { rangeCount: number }) => sum + domain.rangeCount, 0);
  expect(status).toBe(1);
  expect(listed).toBe(10);
  expect(notes).toContain(`10 of ${total.toLocaleString('en')} ranges are listed; --limit lists more`);
  expect(unknown).toHaveLength(10);
  expect(unknownCount).toBeGreaterThan(1000);
});

test('a table of any length is printed', () => {
  const { status, stdout } = iommu('decode', 'decode-table-524k-ranges.snapshot', '--limit', '999999', '--verbose');
  expect(status).toBe(1);
  expect(stdout.split('\n').length).toBeGreaterThan(50_000);
});

test('runs of zeros stay runs', () => {
  const { status, stdout } = iommu('convert', 'convert-16TiB-zero-run.snapshot', '-o', work('zeros.snapshot'));
  expect(stdout).toContain('4,294,967,295 pages');
  expect(status).toBe(0);
  expect(readFileSync(work('zeros.snapshot'))).toHaveLength(82);
});

test('convert leaves foreign .part files and links alone', () => {
  writeFileSync(work('victim'), 'precious');
  symlinkSync(work('victim'), work('out.snapshot.part'));
  const { status } = iommu('convert', 'convert-16TiB-zero-run.snapshot', '-o', work('out.snapshot'));
  expect(status).toBe(0);
  expect(readFileSync(work('victim'), 'utf8')).toBe('precious');
  expect(lstatSync(work('out.snapshot.part')).isSymbolicLink()).toBe(true);
  expect(readdirSync(WORK).filter((name) => name.endsWith('.part'))).toEqual(['out.snapshot.part']);
});

test('long blanks in function_graph output are read in linear time', () => {
  const { status, stderr } = iommu('explain', 'fg-spaces.txt.gz');
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(status).not.toBeNull();
});

test('a map beyond the memory of a replay is refused call by call', () => {
  const { status, stdout } = iommu('replay', 'mem-map-64g.txt', '--path', 'one-walk', '--dispatch', 'direct');
  expect(stdout).toContain('NO_MEMORY');
  expect(status).toBe(0);
});

describe('tables with millions of entries', () => {
  test.each([
    ['tree', 32_000],
    ['binary', 134_000_000],
  ])('are written as %s', (form, least) => {
    const file = work(`made.${form}`);
    const { status, stderr } = iommu('gen', 'gen-oom-64g.csv', '--output', form, '-o', file);
    expect(stderr).toContain('32,836 tables');
    expect(status).toBe(0);
    expect(readFileSync(file).length).toBeGreaterThan(least);
  });

  test.each(['c', 'assembler'])('are refused as %s, with the limit', (form) => {
    const { status, stderr } = iommu('gen', 'gen-oom-64g.csv', '--output', form);
    expect(stderr).toMatch(/expected at most 262144, got 1681\d{4}; write a snapshot/);
    expect(status).toBe(2);
  });

  test('are counted in JSON, listed up to a limit, and said', () => {
    const { status, stdout } = iommu('gen', 'gen-oom-64g.csv', '--json');
    const answer = JSON.parse(stdout);
    expect(answer.tableCount).toBe(32_836);
    expect(answer.notes).toEqual([
      expect.stringContaining('geometry: '),
      expect.stringMatching(/^\d+ of 32,836 tables are listed/),
    ]);
    expect(answer.tables.length).toBeLessThan(100);
    expect(status).toBe(0);
  });
});

const SHOWN: readonly string[][] = [
  ['fault', 'fault-ansi.txt'],
  ['fault', 'fault-ansi.txt', '--json'],
  ['conform', 'conform-ansi-id.jsonl'],
  ['conform', 'conform-ansi-id.jsonl', '--json'],
  ['decode', 'corrupt.kdump', '--regs', 'regs-ansi.json'],
  ['replay', 'trace-hostile.txt', '--path', 'one-walk'],
  ['replay', 'trace-hostile.txt', '--path', 'one-walk', '--output', 'json'],
];

test.each(SHOWN.map((args) => [args]))('%j lets no control character of the input through', (args) => {
  const { stdout, stderr } = iommu(...args);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(stdout + stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
});

test('cells that begin as formulas are guarded in CSV', () => {
  const { stdout } = iommu('fault', 'fault-csv.txt', '--output', 'csv');
  expect(stdout).toContain("'=cmd()|x");
  expect(stdout).not.toMatch(/(^|,)"?=/m);
});

test('files that are read as a whole have a limit, packed and unpacked', () => {
  writeFileSync(work('bomb.gz'), gzipSync(Buffer.alloc(100 << 20, ' ')));
  for (const args of [
    ['decode', 'corrupt.kdump', '--regs', work('bomb.gz')],
    ['conform', work('bomb.gz')],
    ['gen', work('bomb.gz')],
    ['replay', 'trace-hostile.txt', '--profile', work('bomb.gz')],
  ]) {
    const { status, stderr } = iommu(...args);
    expect(stderr).toMatch(/at most 0x4000000 bytes.*TOO_LARGE/);
    expect(status).toBe(3);
  }
});

test('a flipped bit or a cut anywhere in a gzip file is said, and is not status 0', () => {
  const whole = readFileSync(`${CAPTURE}tables-vfio-mapped.jsonl.gz`);
  for (const at of [200, whole.length - 20, whole.length - 8, whole.length - 1]) {
    const bad = Buffer.from(whole);
    bad[at] = (bad[at] ?? 0) ^ 4;
    writeFileSync(work('bad.jsonl.gz'), bad);
    expect(iommu('decode', work('bad.jsonl.gz'), '--regs', `${CAPTURE}regs-vfio-mapped.json`).status).toBe(3);
  }
  writeFileSync(work('cut.jsonl.gz'), whole.subarray(0, whole.length - 6));
  expect(iommu('decode', work('cut.jsonl.gz'), '--regs', `${CAPTURE}regs-vfio-mapped.json`).status).toBe(3);
});

describe('diff where a dump lacks a table', () => {
  const REGS = ['--regs-a', `${CAPTURE}regs-vfio-mapped.json`, '--regs-b', `${CAPTURE}regs-vfio-mapped.json`];

  function without(kind: string, name: string): string {
    const { stdout } = spawnSync('gzip', ['-dc', `${CAPTURE}tables-vfio-mapped.jsonl.gz`], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    const rows = stdout.split('\n');
    const last = rows.findLastIndex((row) => row.includes(kind));
    writeFileSync(work(name), rows.filter((_, i) => i !== last).join('\n'));
    return work(name);
  }

  test('on one side: its range is unknown, not removed', () => {
    copyFileSync(`${CAPTURE}tables-vfio-mapped.jsonl.gz`, work('all.jsonl.gz'));
    const { status, stdout } = iommu(
      'diff',
      work('all.jsonl.gz'),
      without('pt-s1-L3', 'less.jsonl'),
      ...REGS,
      '--json',
    );
    const answer = JSON.parse(stdout);
    expect(answer.counts).toMatchObject({ added: 0, removed: 0, changed: 0 });
    expect(answer.unknown.length).toBeGreaterThan(0);
    expect(status).toBe(3);
  });

  test('on both sides: unknown, not "no difference"', () => {
    const less = without('pt-s1-L3', 'both.jsonl');
    const { status, stdout } = iommu('diff', less, less, ...REGS);
    expect(stdout).toMatch(/in what is known of both dumps\. \d+ ranges? cannot be compared/);
    expect(status).toBe(3);
  });
});

test('a full device ends with one line and the status of unusable output', () => {
  const { stderr, status } = spawnSync('sh', ['-c', `exec "$0" "$1" formats > /dev/full`, process.execPath, MAIN], {
    encoding: 'utf8',
  });
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toContain('cannot write to standard output');
  expect(status).toBe(3);
});

test('a reader that stops early does not change the status', () => {
  const script = `set -o pipefail; "$0" "$1" fault "$2" | head -c 1 > /dev/null`;
  const { status } = spawnSync('bash', ['-c', script, process.execPath, MAIN, join(HERE, 'fault-ansi.txt')]);
  expect(status).toBe(1);
});
